/** A request body that goes to its handler as it arrives, no faster than the handler takes it. */

import type { Principal } from '../auth/principal.js';
import { AppError } from '../errors.js';
import { BodyOverflow } from './body-overflow.js';
import type { EngineResponse } from './engine.js';

export interface BodyStream {
  /**
   * Gives one chunk after the other to `take`; while it works on one, the peer is not read from. Resolves at the end
   * of the body. Rejects with `AppError` when it is too large or the peer has left, and with what `take` throws:
   * then the rest is read and dropped first, because a caller who is still sending sees no answer. Once only.
   */
  read(take: (chunk: Buffer) => Promise<void>): Promise<void>;
  /** Who calls and whether he still may, after the time that a body takes. Throws like the checks of the route. */
  caller(): Promise<Principal | null>;
}

/** Bytes in memory that `take` has not had; beyond it they go into a file. Some turns of the engine's usual reading. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

export interface BodyStreamOptions {
  /** Most bytes of the whole body. */
  readonly limit: number;
  /** Path of a file for what does not fit into memory; asked for only then. */
  readonly overflow: () => string;
  readonly caller: () => Principal | null | Promise<Principal>;
}

export function openBodyStream(response: EngineResponse, options: BodyStreamOptions): BodyStream {
  return {
    read: (take) => {
      const reading = new Reading(response, options, take);
      return reading.done.finally(() => reading.close());
    },
    caller: async () => options.caller(),
  };
}

class Reading {
  readonly #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #overflow: BodyOverflow | null = null;
  #received = 0;
  #taking = false;
  #complete = false;
  #failed: { readonly error: unknown } | null = null;
  #resolve: () => void = () => undefined;
  #reject: (error: unknown) => void = () => undefined;
  readonly done = new Promise<void>((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor(
    private readonly response: EngineResponse,
    private readonly options: BodyStreamOptions,
    private readonly take: (chunk: Buffer) => Promise<void>,
  ) {
    response.onAborted(() => this.#giveUp(new AppError('aborted')));
    response.onBody((chunk, last) => this.#receive(chunk, last));
  }

  async close(): Promise<void> {
    const overflow = this.#overflow;
    this.#overflow = null;
    await overflow?.close();
  }

  #receive(chunk: Buffer, last: boolean): void {
    this.#received += chunk.length;
    this.#complete ||= last;
    if (this.#received > this.options.limit) {
      this.#giveUp(new AppError('body_too_large'));
      return;
    }
    if (this.#failed === null && chunk.length > 0) this.#keep(chunk);
    void this.#work();
  }

  #keep(chunk: Buffer): void {
    const overflows = this.#overflow !== null && !this.#overflow.empty;
    if (!overflows && this.#waitingBytes + chunk.length <= MOST_WAITING_BYTES) {
      this.#waiting.push(chunk);
      this.#waitingBytes += chunk.length;
      return;
    }
    try {
      this.#overflow ??= new BodyOverflow(this.options.overflow());
      this.#overflow.push(chunk);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #next(): Promise<Buffer | undefined> {
    const chunk = this.#waiting.shift();
    if (chunk !== undefined) {
      this.#waitingBytes -= chunk.length;
      return chunk;
    }
    if (this.#overflow === null || this.#failed !== null) return undefined;
    const later = await this.#overflow.take();
    return later.length === 0 ? undefined : later;
  }

  async #work(): Promise<void> {
    if (this.#taking) return;
    this.#taking = true;
    this.response.pauseBody();
    try {
      for (let chunk = await this.#next(); chunk !== undefined; chunk = await this.#next()) {
        await this.take(chunk);
      }
    } catch (error) {
      this.#fail(error);
    }
    this.#taking = false;
    // A chunk may have come while the work was coming to its end.
    const more = this.#failed === null && (this.#waiting.length > 0 || this.#overflow?.empty === false);
    if (more) void this.#work();
    else if (!this.#complete) this.response.resumeBody();
    else if (this.#failed !== null) this.#reject(this.#failed.error);
    else this.#resolve();
  }

  /** The rest is dropped, but read. */
  #fail(error: unknown): void {
    this.#failed ??= { error };
    this.#waiting.length = 0;
    this.#waitingBytes = 0;
  }

  #giveUp(error: AppError): void {
    this.#fail(error);
    this.#reject(error);
  }
}
