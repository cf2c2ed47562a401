/** One tunnel connection at the simulated agent: the channel the server opened, and the target it dials. */

import { connect, type Socket } from 'node:net';
import { message } from '../../src/protocol/ssh/messages.js';
import { packet } from '../../src/protocol/ssh/wire.js';

export const WINDOW_BYTES = 2 << 20;
export const PACKET_BYTES = 32_768;

/** What a channel needs of its agent. */
export interface ChannelOwner {
  send(head: Buffer, body?: Buffer): void;
  forget(local: number): void;
}

export class AgentSideChannel {
  readonly #owner: ChannelOwner;
  readonly #local: number;
  readonly #remote: number;
  readonly #socket: Socket;
  /** Bytes the server still accepts. */
  #credit: number;
  #waiting: Buffer[] = [];
  #unacknowledged = 0;
  #closeSent = false;

  constructor(owner: ChannelOwner, local: number, remote: number, credit: number, target: string) {
    this.#owner = owner;
    this.#local = local;
    this.#remote = remote;
    this.#credit = credit;
    const colon = target.lastIndexOf(':');
    this.#socket = connect({
      host: target.slice(0, colon).replace(/^\[|\]$/g, ''),
      port: Number(target.slice(colon + 1)),
      noDelay: true,
    });
    this.#socket.on('data', (chunk) => {
      this.#waiting.push(chunk);
      this.#pump();
    });
    this.#socket.on('error', () => this.#socket.destroy());
    this.#socket.on('close', () => this.#finish());
  }

  onData(data: Buffer): void {
    this.#socket.write(data, () => this.#acknowledge(data.length));
  }

  onWindowAdjust(bytes: number): void {
    this.#credit += bytes;
    this.#pump();
  }

  /** EOF and CLOSE mean the same to an agent: both ends are closed (spec 01 §10.2). */
  onEnd(closed: boolean): void {
    this.#socket.end();
    this.#socket.destroySoon();
    if (closed) {
      this.#sendClose();
      this.#owner.forget(this.#local);
    }
  }

  destroy(): void {
    this.#closeSent = true;
    this.#socket.destroy();
  }

  #pump(): void {
    while (this.#credit > 0) {
      const chunk = this.#waiting[0];
      if (chunk === undefined) break;
      const size = Math.min(chunk.length, this.#credit, PACKET_BYTES);
      if (size === chunk.length) this.#waiting.shift();
      else this.#waiting[0] = chunk.subarray(size);
      this.#credit -= size;
      this.#owner.send(packet(message.channelData, [this.#remote, size]), chunk.subarray(0, size));
    }
    if (this.#waiting.length > 0) this.#socket.pause();
    else {
      this.#socket.resume();
      if (this.#socket.destroyed) this.#sendClose();
    }
  }

  #acknowledge(bytes: number): void {
    this.#unacknowledged += bytes;
    if (this.#unacknowledged < WINDOW_BYTES / 4 || this.#closeSent) return;
    this.#owner.send(packet(message.channelWindowAdjust, [this.#remote, this.#unacknowledged]));
    this.#unacknowledged = 0;
  }

  /** The target is gone: what it sent goes out first. */
  #finish(): void {
    if (this.#waiting.length === 0) this.#sendClose();
  }

  #sendClose(): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.#owner.send(packet(message.channelClose, [this.#remote]));
  }
}
