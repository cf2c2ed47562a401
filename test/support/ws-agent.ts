/** A simulated agent over a real WebSocket. */

import { WebSocket } from 'ws';
import type { ByteSocket, ByteSocketHandlers } from '../../src/protocol/byte-socket.js';
import { joinAsAgent } from '../../src/protocol/join-as-agent.js';
import type { Session } from '../../src/protocol/session-core.js';
import { systemClock } from '../../src/time.js';

const HIGH_WATER_BYTES = 1024 * 1024;

/** Makes a byte socket of an open WebSocket. */
export const byteSocketOf = (
  ws: WebSocket,
  handlersOf: (socket: ByteSocket) => ByteSocketHandlers,
): ByteSocketHandlers => {
  let full = false;
  const socket: ByteSocket = {
    remoteAddress: '127.0.0.1',
    send(bytes) {
      if (ws.readyState !== WebSocket.OPEN) return true;
      ws.send(Buffer.from(bytes), { binary: true }, () => {
        if (!full || ws.bufferedAmount > HIGH_WATER_BYTES / 4) return;
        full = false;
        handlers.onDrain();
      });
      full ||= ws.bufferedAmount > HIGH_WATER_BYTES;
      return !full;
    },
    bufferedBytes: () => ws.bufferedAmount,
    cork: (work) => work(),
    close: (graceful) => (graceful ? ws.close() : ws.terminate()),
  };
  const handlers = handlersOf(socket);
  ws.on('message', (data: Buffer) => handlers.onBytes(Buffer.from(data)));
  ws.on('close', () => handlers.onClose());
  ws.on('error', () => undefined);
  return handlers;
};

export interface WsAgentOptions {
  readonly port: number;
  readonly authId?: string;
  readonly password?: string;
  readonly headers?: Record<string, string>;
}

/** Connects and logs in. Rejects with the cause of a refusal. */
export const wsAgent = (options: WsAgentOptions): Promise<Session> =>
  new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://127.0.0.1:${options.port}/`, 'rport-v1', {
      perMessageDeflate: false,
      ...(options.headers === undefined ? {} : { headers: options.headers }),
    });
    ws.on('error', reject);
    ws.on('open', () => {
      byteSocketOf(ws, (socket) =>
        joinAsAgent({
          socket,
          authId: options.authId ?? 'agent-1',
          password: options.password ?? 'secret',
          fingerprint: '',
          clock: systemClock,
          onJoined: resolve,
          onEnd: (cause, joined) => joined || reject(new Error(cause)),
          onError: reject,
        }),
      );
    });
  });
