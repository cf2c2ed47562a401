/**
 * Memory of rows that wait for their commit: pieces of large slabs, which are used again when the rows are committed.
 * Thousands of small buffers a second would be most of the garbage of a busy thread, and memory outside of the heap
 * makes the whole heap be looked through.
 */

const SLAB_BYTES = 256 * 1024;
/** Larger pieces get a slab of their own, so that at most a quarter of a slab is left over at its end. */
const LARGEST_IN_SLAB = SLAB_BYTES / 4;
/** Kept for later, 6 MiB: what a batch of thousands of rows takes, with its texts once more side by side. */
const MOST_FREE = 24;

/** Slabs that nobody needs at the moment. */
export class SlabPool {
  readonly #free: Buffer[] = [];

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
  }

  give(slabs: readonly Buffer[]): void {
    for (const slab of slabs) {
      if (slab.length === SLAB_BYTES && this.#free.length < MOST_FREE) this.#free.push(slab);
    }
  }
}

/** The slabs of some rows that are given back together. */
export class Slabs {
  #slabs: Buffer[] = [];
  /** Bytes in use of the last one. */
  #used = 0;

  constructor(private readonly pool: SlabPool) {}

  /** Number of the slab in which the last piece is. */
  get last(): number {
    return this.#slabs.length - 1;
  }

  /** The slab of a number that `last` had. */
  slab(number: number): Buffer {
    const slab = this.#slabs[number];
    if (slab === undefined) throw new RangeError(`no slab ${number}`);
    return slab;
  }

  /** Where `bytes` more begin in the last slab; their content is undefined. */
  reserve(bytes: number): number {
    const room = this.#slabs.at(-1)?.length ?? 0;
    if (this.#used + bytes > room) {
      this.#slabs.push(bytes > LARGEST_IN_SLAB ? Buffer.allocUnsafeSlow(bytes) : this.pool.take());
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#used - bytes;
  }

  /** Nobody needs any of the pieces any more. */
  release(): void {
    this.pool.give(this.#slabs);
    this.#slabs = [];
    this.#used = 0;
  }
}
