/** A channel the simulated agent has opened. */

import { message } from '../../src/protocol/ssh/messages.js';
import { type PacketReader, packet } from '../../src/protocol/ssh/wire.js';
import { type ChannelOwner, PACKET_BYTES } from './agent-channel.js';

interface Opening {
  resolve(): void;
  reject(error: Error): void;
}

export class OwnChannel {
  /** Receives data; each chunk is acknowledged at once unless `holding`. */
  onBytes: (chunk: Buffer) => void = () => undefined;
  /** The server gets no more credit. */
  holding = false;
  /** In order: `eof`, `close`. */
  readonly ends: ('eof' | 'close')[] = [];
  /** Bytes the server took at once, and those `stream` has sent. */
  window = 0;
  sent = 0;
  #credit = 0;
  #waiting: Buffer[] = [];
  #remote = 0;
  #closeSent = false;
  readonly #replies: ((granted: boolean) => void)[] = [];
  #ended: () => void = () => undefined;
  /** Resolves when the server has closed the channel, or the connection is gone. */
  readonly ended = new Promise<void>((resolve) => {
    this.#ended = resolve;
  });

  constructor(
    private readonly owner: ChannelOwner,
    private readonly local: number,
    private readonly opening: Opening,
  ) {}

  /** A channel request that wants a reply. */
  request(name: string, payload: Buffer): Promise<boolean> {
    return new Promise((resolve) => {
      this.#replies.push(resolve);
      this.owner.send(packet(message.channelRequest, [this.#remote, name, true], payload));
    });
  }

  /** Sends data without looking at the window; tests send little. */
  write(bytes: Buffer): void {
    this.owner.send(packet(message.channelData, [this.#remote, bytes]));
  }

  /** Sends data as the window lets it, in the order of the calls. */
  stream(bytes: Buffer | string): void {
    this.#waiting.push(Buffer.from(bytes));
    this.#pump();
  }

  /** Bytes that wait for room. */
  get waiting(): number {
    return this.#waiting.reduce((sum, chunk) => sum + chunk.length, 0);
  }

  /** The half-close of a Go client. */
  sendEof(): void {
    this.owner.send(packet(message.channelEof, [this.#remote]));
  }

  close(): void {
    if (this.#closeSent) return;
    this.#closeSent = true;
    this.owner.send(packet(message.channelClose, [this.#remote]));
  }

  onData(chunk: Buffer): void {
    this.onBytes(chunk);
    if (!this.holding) this.owner.send(packet(message.channelWindowAdjust, [this.#remote, chunk.length]));
  }

  onWindowAdjust(bytes: number): void {
    this.#credit += bytes;
    this.#pump();
  }

  onEnd(closed: boolean): void {
    this.ends.push(closed ? 'close' : 'eof');
    if (!closed) return;
    this.close();
    this.owner.forget(this.local);
    this.destroy();
  }

  onReply(type: number, reader: PacketReader): void {
    switch (type) {
      case message.channelOpenConfirmation:
        this.#remote = reader.u32() ?? 0;
        this.window = reader.u32() ?? 0;
        this.#credit = this.window;
        this.opening.resolve();
        return;
      case message.channelOpenFailure:
        reader.u32();
        this.owner.forget(this.local);
        this.opening.reject(new Error(reader.text() ?? ''));
        return;
      case message.channelSuccess:
      case message.channelFailure:
        this.#replies.shift()?.(type === message.channelSuccess);
    }
  }

  #pump(): void {
    for (let chunk = this.#waiting[0]; chunk !== undefined && this.#credit > 0; chunk = this.#waiting[0]) {
      const size = Math.min(chunk.length, this.#credit, PACKET_BYTES);
      if (size === chunk.length) this.#waiting.shift();
      else this.#waiting[0] = chunk.subarray(size);
      this.#credit -= size;
      this.sent += size;
      this.owner.send(packet(message.channelData, [this.#remote, chunk.subarray(0, size)]));
    }
  }

  destroy(): void {
    this.opening.reject(new Error('connection closed'));
    for (const reply of this.#replies.splice(0)) reply(false);
    this.#ended();
  }
}
