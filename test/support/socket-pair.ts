/** Two `ByteSocket`s joined in memory, with a buffer that fills up when the receiving side is held. */

import type { ByteSocket, ByteSocketHandlers } from '../../src/protocol/byte-socket.js';

const HIGH_WATER_BYTES = 1024 * 1024;

export class MemorySocket implements ByteSocket {
  readonly remoteAddress = '127.0.0.1';
  handlers: ByteSocketHandlers | null = null;
  peer: MemorySocket | null = null;
  /** Everything this side has sent. */
  sentBytes = 0;
  sentMessages = 0;
  closed = false;
  /** While true, what this side sends stays in its buffer. */
  held = false;
  /** Cuts each message before it is delivered. */
  cut: (bytes: Buffer) => Buffer[] = (bytes) => [bytes];
  #buffer: Buffer[] = [];
  #buffered = 0;
  #full = false;
  #scheduled = false;
  #closing = false;

  send(bytes: Uint8Array): boolean {
    if (this.closed || this.#closing) return true;
    this.sentBytes += bytes.length;
    this.sentMessages += 1;
    this.#buffer.push(Buffer.from(bytes));
    this.#buffered += bytes.length;
    this.#schedule();
    if (this.#buffered <= HIGH_WATER_BYTES) return true;
    this.#full = true;
    return false;
  }

  bufferedBytes(): number {
    return this.#buffered;
  }

  cork(work: () => void): void {
    work();
  }

  close(graceful: boolean): void {
    if (this.closed) return;
    if (graceful && this.#buffered > 0) {
      this.#closing = true;
      return;
    }
    this.closed = true;
    this.handlers?.onClose();
    const { peer } = this;
    setImmediate(() => {
      if (peer === null || peer.closed) return;
      peer.closed = true;
      peer.handlers?.onClose();
    });
  }

  release(): void {
    this.held = false;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.held) return;
    this.#scheduled = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#scheduled = false;
    if (this.held) return;
    for (const bytes of this.#buffer.splice(0)) {
      this.#buffered -= bytes.length;
      for (const piece of this.cut(bytes)) if (!this.peer?.closed) this.peer?.handlers?.onBytes(piece);
    }
    if (this.#closing) this.close(false);
    else if (this.#full) {
      this.#full = false;
      this.handlers?.onDrain();
    }
  }
}

export const socketPair = (): [MemorySocket, MemorySocket] => {
  const one = new MemorySocket();
  const other = new MemorySocket();
  one.peer = other;
  other.peer = one;
  return [one, other];
};
