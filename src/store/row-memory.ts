/**
 * Memory of rows that wait for their commit: pieces of large slabs, which are used again when the rows are committed.
 * Thousands of small buffers a second would be most of the garbage of a busy thread, and memory outside of the heap
 * makes the whole heap be looked through.
 */

const SLAB_BYTES = 256 * 1024;
/** Larger rows get memory of their own, so that at most a quarter of a slab is left over at its end. */
const LARGEST_IN_SLAB = SLAB_BYTES / 4;
/** Kept for later, 6 MiB: what a batch of thousands of rows takes, with its texts once more side by side. */
const MOST_FREE = 24;

export class RowMemory {
  #free: Buffer[] = [];
  /** Full slabs of the present batch. */
  #full: Buffer[] = [];
  #slab: Buffer = Buffer.alloc(0);
  #used = 0;

  /** Memory for one row of the present batch; its content is undefined. */
  readonly allocate = (bytes: number): Buffer => {
    if (bytes > LARGEST_IN_SLAB) return Buffer.allocUnsafeSlow(bytes);
    if (this.#used + bytes > this.#slab.length) {
      if (this.#slab.length > 0) this.#full.push(this.#slab);
      this.#slab = this.#free.pop() ?? Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    this.#used += bytes;
    return this.#slab.subarray(this.#used - bytes, this.#used);
  };

  /** Begins the next batch. To be called once when the rows of this one are needed no more; never is fine, too. */
  nextBatch(): () => void {
    const slabs = [...this.#full, this.#slab].filter(({ length }) => length > 0);
    this.#full = [];
    this.#slab = Buffer.alloc(0);
    this.#used = 0;
    return () => {
      for (const slab of slabs) if (this.#free.length < MOST_FREE) this.#free.push(slab);
    };
  }
}
