/** User → agent: what the user's socket delivers goes into the channel, paused while the channel is full. */

import type { Socket } from 'node:net';
import type { AgentChannel } from '../../protocol/session.js';

export class ToAgent {
  #channel: AgentChannel | null = null;

  constructor(private readonly socket: Socket) {}

  /** Until this is called the socket is not read, but for the little it reads ahead. */
  attach(channel: AgentChannel): void {
    this.#channel = channel;
    this.socket.on('data', this.#send);
  }

  /** The channel has room again. */
  resume(): void {
    this.socket.resume();
  }

  /** Nothing more goes to the agent; what the user still sends is read and dropped. */
  stop(): void {
    this.#channel = null;
    this.socket.off('data', this.#send);
    this.socket.resume();
  }

  readonly #send = (chunk: Buffer): void => {
    const channel = this.#channel;
    if (channel === null || channel.closed) return;
    if (!channel.write(chunk)) this.socket.pause();
  };
}
