/**
 * Where the part of a body goes that the engine reads although it was asked to stop: it goes on as long as the peer
 * fills its buffer, all in one turn, which a fast one on the same machine may do for hundreds of megabytes.
 */

import { closeSync, mkdirSync, openSync, read, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';

/** Read back at once; as much as the engine hands over. */
const PIECE_BYTES = 512 * 1024;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

const readAt = promisify(read);

/** A queue of bytes in a file that is removed with it. */
export class BodyOverflow {
  readonly #file: number;
  #begin = 0;
  #end = 0;
  #reading: Promise<unknown> = Promise.resolve();

  /** Throws what the system says. */
  constructor(private readonly path: string) {
    mkdirSync(dirname(path), { recursive: true, mode: PRIVATE_FOLDER });
    this.#file = openSync(path, 'wx+', PRIVATE_FILE);
  }

  get empty(): boolean {
    return this.#begin === this.#end;
  }

  /** At once, because there is no other time: the next chunk comes in the same turn. Throws what the system says. */
  push(chunk: Buffer): void {
    for (let done = 0; done < chunk.length; ) {
      const written = writeSync(this.#file, chunk, done, chunk.length - done, this.#end);
      done += written;
      this.#end += written;
    }
  }

  /** The next bytes; empty when there are none. One call at a time. */
  async take(): Promise<Buffer> {
    const length = Math.min(this.#end - this.#begin, PIECE_BYTES);
    if (length === 0) return Buffer.alloc(0);
    const reading = readAt(this.#file, Buffer.allocUnsafe(length), 0, length, this.#begin);
    this.#reading = reading.catch(() => undefined);
    const { bytesRead, buffer } = await reading;
    this.#begin += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  /** Never rejects. */
  async close(): Promise<void> {
    await this.#reading;
    closeSync(this.#file);
    rmSync(this.path, { force: true });
  }
}
