/** A file an agent reads, mostly from front to back. */

import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Read at once: four requests of an agent. Also what one open file takes of memory. */
const READ_AHEAD_BYTES = 128 * 1024;
const NOTHING = Buffer.alloc(0);

export class OpenFile {
  /** What lies at `#from`; never changed, because packets on their way refer to it. */
  #ahead: Buffer = NOTHING;
  #from = 0;

  private constructor(
    private readonly handle: FileHandle,
    /** Bytes. */
    readonly size: number,
  ) {}

  /** Rejects when there is no such file, or it is not an ordinary one. */
  static async open(path: string): Promise<OpenFile> {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const stat = await handle.stat();
      if (!stat.isFile()) throw new Error('not a regular file');
      return new OpenFile(handle, stat.size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** Up to `length` bytes from `offset`: at once when they are there, empty at the end. Rejects when reading fails. */
  read(offset: number, length: number): Buffer | Promise<Buffer> {
    if (offset >= this.size || length === 0) return NOTHING;
    const end = Math.min(offset + length, this.size);
    if (offset >= this.#from && end <= this.#from + this.#ahead.length) return this.#part(offset, end);
    return this.#fill(offset).then(() => this.#part(offset, Math.min(end, offset + this.#ahead.length)));
  }

  async close(): Promise<void> {
    this.#ahead = NOTHING;
    await this.handle.close();
  }

  #part(offset: number, end: number): Buffer {
    return this.#ahead.subarray(offset - this.#from, end - this.#from);
  }

  async #fill(offset: number): Promise<void> {
    const bytes = Buffer.allocUnsafeSlow(Math.min(READ_AHEAD_BYTES, this.size - offset));
    const { bytesRead } = await this.handle.read(bytes, 0, bytes.length, offset);
    this.#ahead = bytes.subarray(0, bytesRead);
    this.#from = offset;
  }
}
