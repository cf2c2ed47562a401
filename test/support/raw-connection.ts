/** A TCP connection that sends exactly the bytes a test wants and keeps all that comes back. */

import { connect, type Socket } from 'node:net';

/** A short text cannot be spread over more chunks than this unless a test sends byte by byte. */
const TAIL_CHUNKS = 16;

export class RawConnection {
  readonly #socket: Socket;
  #chunks: Buffer[] = [];
  #bytes = 0;
  #ended = false;
  #wake: (() => void)[] = [];

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.on('data', (chunk) => {
      this.#chunks.push(chunk);
      this.#bytes += chunk.length;
      this.#notify();
    });
    this.#socket.on('error', () => undefined);
    this.#socket.on('close', () => {
      this.#ended = true;
      this.#notify();
    });
  }

  /** All that came so far. */
  get received(): Buffer {
    this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Resolves when the kernel has taken the bytes, or the connection is gone. */
  write(bytes: string | Uint8Array): Promise<void> {
    return new Promise((resolve) => this.#socket.write(bytes, () => resolve()));
  }

  /** Waits until what came contains `text`, which must be near its end; returns all of it as latin1 text. */
  async until(text: string): Promise<string> {
    await this.#when(() => this.#tail().includes(text) || this.#ended);
    const all = this.received.toString('latin1');
    if (!all.includes(text))
      throw new Error(`closed before ${JSON.stringify(text)} came: ${JSON.stringify(all)}`);
    return all;
  }

  async untilBytes(count: number): Promise<Buffer> {
    await this.#when(() => this.#bytes >= count || this.#ended);
    if (this.#bytes < count) throw new Error(`closed after ${this.#bytes} bytes`);
    return this.received;
  }

  /** Waits for the other side's end; returns all that came. */
  async closed(): Promise<string> {
    await this.#when(() => this.#ended);
    return this.received.toString('latin1');
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Drops the connection with a reset, as a crashed peer does. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  close(): void {
    this.#socket.destroy();
  }

  /** The last chunks, so that waiting for the end of a long stream stays cheap. */
  #tail(): Buffer {
    return Buffer.concat(this.#chunks.slice(-TAIL_CHUNKS));
  }

  #when(condition: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const check = (): void => {
        if (condition()) resolve();
        else this.#wake.push(check);
      };
      check();
    });
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const check of wake) check();
  }
}
