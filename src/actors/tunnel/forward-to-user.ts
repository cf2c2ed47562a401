/** Agent → user: bytes of the channel go to the user's socket, and earn the agent credit once they have left. */

import type { Socket } from 'node:net';
import type { AgentChannel } from '../../protocol/session.js';

/** Sockets whose writes are held back until the end of this turn of the event loop. */
let corked: Socket[] = [];

/**
 * Lets the further writes of this turn leave in one system call. Agents send chunks of at most 32 KiB, and many
 * arrive in one turn when much is flowing: this halves the time spent per byte.
 */
function batchRestOfTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  corked.push(socket);
  if (corked.length === 1) setImmediate(releaseAll);
}

function releaseAll(): void {
  const sockets = corked;
  corked = [];
  for (const socket of sockets) socket.uncork();
}

export class ToUser {
  #channel: AgentChannel | null = null;
  /** Bytes handed to the socket, ever. */
  #written = 0;
  /** Of those, the ones the agent has got credit for. */
  #credited = 0;

  constructor(private readonly socket: Socket) {}

  /** Data may have arrived in the same packet as the confirmation, before this is called. */
  attach(channel: AgentChannel): void {
    this.#channel = channel;
    this.#credit();
  }

  /**
   * Queues the chunk whatever the socket says: how much can pile up here is bounded by the channel's window,
   * which opens again only through `#credit`.
   */
  deliver(chunk: Buffer): void {
    if (this.socket.writableEnded || this.socket.destroyed) return;
    this.#written += chunk.length;
    // The first chunk of a turn leaves at once: a lone one must not wait.
    this.socket.write(chunk, this.#credit);
    batchRestOfTurn(this.socket);
  }

  /** One function for all writes: what has left is what is no longer queued. */
  readonly #credit = (): void => {
    const channel = this.#channel;
    if (channel === null || channel.closed) return;
    const left = this.#written - this.socket.writableLength;
    const bytes = left - this.#credited;
    if (bytes <= 0) return;
    this.#credited = left;
    channel.consumed(bytes);
  };
}
