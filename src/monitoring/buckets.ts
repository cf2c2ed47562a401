/** Many measurements as few points: some 124 buckets over any span, aligned to the epoch. Spec 06 §3.4. */

import type { MeasuredNumbers, TimeSpan } from '../store/measurements.js';
import type { Milliseconds, Seconds } from '../time.js';

/** Of the values of a column inside a bucket; the average has two decimals. */
export interface Aggregate {
  readonly avg: number;
  readonly min: number;
  readonly max: number;
}

/** A number of a measurement, `null` where it has none. */
export type Column = (row: MeasuredNumbers) => number | null;

export interface Bucket {
  /** Start and end lie half a width before and behind `key` widths after the epoch. */
  readonly key: number;
  /** Of its first row. */
  readonly timestamp: Milliseconds;
  /** How many there are; never 0. */
  readonly rows: number;
  /** By column; `null` when no row has a value. */
  readonly columns: readonly (Aggregate | null)[];
}

/** Seconds of a bucket per hour of the span: an hour of the span gets 3600 ÷ 29 ÷ hours buckets. */
const SECONDS_PER_HOUR = 29;
const HOUR: Milliseconds = 3_600_000;
/** Rows looked at before others have their turn: some milliseconds. */
const ROWS_PER_TURN = 4_000;

/** Width of a bucket, from the span in hours with two decimals. */
export const bucketWidth = ({ from, to }: TimeSpan): Seconds =>
  (Math.round(((to - from) / HOUR) * 100) / 100) * SECONDS_PER_HOUR;

/** `rows` oldest first; so are the buckets. Empty ones are left out. For `Turns`. */
export function* intoBuckets(
  rows: Iterable<MeasuredNumbers>,
  width: Seconds,
  columns: readonly Column[],
): Generator<void, readonly Bucket[]> {
  const buckets: Bucket[] = [];
  let open: OpenBucket | null = null;
  let seen = 0;
  for (const row of rows) {
    const key = Math.round(Math.floor(row.timestamp / 1000) / width);
    if (open === null || open.key !== key) {
      if (open !== null) buckets.push(open.close());
      open = new OpenBucket(key, row.timestamp, columns);
    }
    open.add(row);
    if (++seen % ROWS_PER_TURN === 0) yield;
  }
  if (open !== null) buckets.push(open.close());
  return buckets;
}

class OpenBucket {
  #rows = 0;
  readonly #sums: Sum[];

  constructor(
    readonly key: number,
    private readonly timestamp: Milliseconds,
    private readonly columns: readonly Column[],
  ) {
    this.#sums = columns.map(() => new Sum());
  }

  add(row: MeasuredNumbers): void {
    this.#rows += 1;
    for (const [index, read] of this.columns.entries()) {
      const value = read(row);
      if (value !== null) this.#sums[index]?.add(value);
    }
  }

  close(): Bucket {
    const { key, timestamp } = this;
    return { key, timestamp, rows: this.#rows, columns: this.#sums.map((sum) => sum.aggregate()) };
  }
}

class Sum {
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  aggregate(): Aggregate | null {
    if (this.#count === 0) return null;
    return { avg: Number((this.#sum / this.#count).toFixed(2)), min: this.#min, max: this.#max };
  }
}
