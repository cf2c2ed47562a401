/** A file being received. It has a name of its own until it is complete and everything about it is known. */

import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { flushFolder } from '../config/flush-folder.js';
import { AppError } from '../errors.js';
import { codeOf } from '../file-error.js';
import { goQuote } from '../go/quote.js';
import { makeUploadFolder, partPath, uploadFolder, uploadPath } from './folder.js';

/** Read by this server only; what the clients make of it is said in the request. */
const PRIVATE = 0o600;

export interface ReceivedFile {
  readonly path: string;
  readonly size: number;
  /** Base64 of the 16 bytes. */
  readonly md5: string;
}

export class IncomingFile {
  readonly #hash = createHash('md5');
  #size = 0;
  #open = true;

  private constructor(
    private readonly dataDir: string,
    private readonly path: string,
    private readonly handle: FileHandle,
  ) {}

  /** Begins an empty file. Rejects with `AppError` 500 and the text of the system. */
  static async create(dataDir: string, thread: number): Promise<IncomingFile> {
    const path = partPath(dataDir, thread, randomUUID());
    try {
      await makeUploadFolder(dataDir);
      return new IncomingFile(dataDir, path, await open(path, 'wx', PRIVATE));
    } catch (error) {
      throw storageError(error);
    }
  }

  /** Resolves when the chunk is with the system. One at a time. Rejects with `AppError`. */
  async write(chunk: Buffer): Promise<void> {
    this.#hash.update(chunk);
    try {
      for (let done = 0; done < chunk.length; ) {
        done += (await this.handle.write(chunk, done)).bytesWritten;
      }
    } catch (error) {
      throw storageError(error);
    }
    this.#size += chunk.length;
  }

  /**
   * The file is complete, on disk, and has the name of upload `id` from here on.
   * Rejects with `AppError`: 409 when that upload is still under way, whichever thread received it.
   */
  async keepAs(id: string): Promise<ReceivedFile> {
    const path = uploadPath(this.dataDir, id);
    try {
      await this.handle.sync();
      await this.#close();
      // Whoever makes this file first has the id; then it is replaced by the contents in one step.
      const claim = await open(path, 'wx', PRIVATE);
      await claim.close();
      await rename(this.path, path);
      await flushFolder(uploadFolder(this.dataDir));
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw storageError(error);
      throw new AppError('conflict', { title: `an upload with id=${goQuote(id)} is under way` });
    }
    return { path, size: this.#size, md5: this.#hash.digest('base64') };
  }

  /** Removes it unless it was kept. Never rejects: what cannot be removed goes at the next start. */
  async discard(): Promise<void> {
    await this.#close().catch(() => undefined);
    await unlink(this.path).catch(() => undefined);
  }

  async #close(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    await this.handle.close();
  }
}

function storageError(error: unknown): AppError {
  const title = error instanceof Error ? error.message : String(error);
  return new AppError('internal', { title, cause: error });
}
