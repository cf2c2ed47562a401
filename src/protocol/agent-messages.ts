/** How SSH packets are cut into WebSocket messages on their way to an agent. Borders carry no meaning (spec 01 §3). */

import type { ByteSocket } from './byte-socket.js';

/**
 * Agents read SSH through a buffer of this size and, for each read, copy what is left of the message. With the
 * head of a packet as a message of its own, that read takes it whole and the next one goes straight to its place.
 */
const HEAD_BYTES = 4096;

/**
 * Sends `bytes`, which hold packets of these lengths one after the other, with as few system calls as one message
 * takes. False: wait for `onDrain`.
 */
export function sendToAgent(socket: ByteSocket, bytes: Buffer, packets: readonly number[]): boolean {
  if (bytes.length <= HEAD_BYTES) return socket.send(bytes);
  let more = true;
  socket.cork(() => {
    let start = 0;
    for (const length of packets) {
      const end = start + length;
      const rest = Math.min(end, start + HEAD_BYTES);
      more = socket.send(bytes.subarray(start, rest));
      if (rest < end) more = socket.send(bytes.subarray(rest, end));
      start = end;
    }
  });
  return more;
}
