/**
 * Measurements that are written together: encoded when they come, kept as numbers and pieces of slabs, so that
 * thousands that wait are a handful of objects. Client by client, so that each row finds its place near the one
 * before, and so that texts can share rows.
 */

import { isKeyText } from './key.js';
import { encodeNumbers, numbersBytes } from './measurement-codec.js';
import { LONGEST_SHARED } from './measurement-reads.js';
import type { NewMeasurement } from './measurements.js';
import { type SlabPool, Slabs } from './slabs.js';
import type { MeasurementKey, OpenedTables } from './tables.js';
import { encodeText, startTexts, TEXTS_HEAD, textBytes } from './text-codec.js';

/** Bytes of texts in one row; reading one of them copies them all. */
const MOST_TEXTS_BYTES = 64 * 1024;

/** Rows after which others have their turn: half a millisecond. */
const ROWS_PER_STEP = 250;

/** What is known of each row, in a flat list: its place behind that of the row before. */
const TIMESTAMP = 0;
const SEQUENCE = 1;
/** Number of its slab, where its numbers begin in there, and how long they are; its texts are behind them. */
const SLAB = 2;
const START = 3;
const NUMBERS = 4;
const TEXTS = 5;
const FIELDS = 6;

export class MeasurementBatch {
  readonly #clients = new Map<string, number[]>();
  readonly #slabs: Slabs;
  #rows = 0;
  #bytes = 0;

  constructor(pool: SlabPool) {
    this.#slabs = new Slabs(pool);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Of the rows, without their keys. */
  get bytes(): number {
    return this.#bytes;
  }

  /** @param sequence tells rows of one client and millisecond apart */
  add(measurement: NewMeasurement, sequence: number): void {
    const numbers = numbersBytes(measurement);
    const texts = textBytes(measurement);
    const start = this.#slabs.reserve(numbers + texts);
    const number = this.#slabs.last;
    const slab = this.#slabs.slab(number);
    encodeNumbers(measurement, texts > 0, slab, start);
    if (texts > 0) encodeText(measurement, sequence, slab, start + numbers);
    const { clientId, timestamp } = measurement;
    const rows = this.#clients.get(clientId);
    if (rows === undefined) this.#clients.set(clientId, [timestamp, sequence, number, start, numbers, texts]);
    else rows.push(timestamp, sequence, number, start, numbers, texts);
    this.#rows += 1;
    this.#bytes += numbers + texts;
  }

  removeClient(id: string): void {
    const rows = this.#clients.get(id) ?? [];
    this.#clients.delete(id);
    this.#rows -= rows.length / FIELDS;
    for (let row = 0; row < rows.length; row += FIELDS) {
      this.#bytes -= field(rows, row + NUMBERS) + field(rows, row + TEXTS);
    }
  }

  /**
   * Hands the rows to LMDB, some in each step, which gives what settles with their commit: all puts of one turn of the
   * event loop end up in one transaction.
   * @param memory for texts that share a row; like that of the rows to be kept until the commit
   * @param refused is told the ids that cannot be stored
   */
  *puts(
    { measurements, measurementTexts }: Pick<OpenedTables, 'measurements' | 'measurementTexts'>,
    memory: Slabs,
    refused: (id: string) => void,
  ): Generator<PromiseLike<unknown>> {
    // The last put of a step stands for all of them.
    let commit: PromiseLike<unknown> | null = null;
    let put = 0;
    for (const [id, rows] of this.#clients) {
      if (!isKeyText(id)) {
        refused(id);
        continue;
      }
      for (const together of sharedTexts(rows)) {
        const last = together.at(-1);
        if (last !== undefined)
          void measurementTexts.put(keyOf(id, rows, last), this.#join(rows, together, memory));
      }
      for (let row = 0; row < rows.length; row += FIELDS) {
        const start = field(rows, row + START);
        const slab = this.#slabs.slab(field(rows, row + SLAB));
        const numbers = slab.subarray(start, start + field(rows, row + NUMBERS));
        commit = measurements.put(keyOf(id, rows, row), numbers);
      }
      put += rows.length / FIELDS;
      if (put < ROWS_PER_STEP || commit === null) continue;
      yield commit;
      commit = null;
      put = 0;
    }
    if (commit !== null) yield commit;
  }

  /** The rows are committed, or given up. */
  release(): void {
    this.#slabs.release();
  }

  /** One row with the texts of all of `together`, which are places in `rows`. */
  #join(rows: readonly number[], together: readonly number[], memory: Slabs): Buffer {
    let length = TEXTS_HEAD;
    for (const row of together) length += field(rows, row + TEXTS);
    const start = memory.reserve(length);
    const joined = memory.slab(memory.last).subarray(start, start + length);
    let at = startTexts(joined);
    for (const row of together) {
      const from = field(rows, row + START) + field(rows, row + NUMBERS);
      at += this.#slabs.slab(field(rows, row + SLAB)).copy(joined, at, from, from + field(rows, row + TEXTS));
    }
    return joined;
  }
}

const field = (rows: readonly number[], at: number): number => rows[at] ?? Number.NaN;

const keyOf = (id: string, rows: readonly number[], row: number): MeasurementKey => [
  id,
  field(rows, row + TIMESTAMP),
  field(rows, row + SEQUENCE),
];

/** The places of rows whose texts share a row, in the order of their keys. */
function sharedTexts(rows: readonly number[]): number[][] {
  const shared: number[][] = [];
  let bytes = 0;
  let since = 0;
  for (const row of inKeyOrder(rows)) {
    const added = field(rows, row + TEXTS);
    const timestamp = field(rows, row + TIMESTAMP);
    if (added === 0) continue;
    const open = shared.at(-1);
    if (open !== undefined && bytes + added <= MOST_TEXTS_BYTES && timestamp - since <= LONGEST_SHARED) {
      open.push(row);
      bytes += added;
    } else {
      shared.push([row]);
      bytes = added;
      since = timestamp;
    }
  }
  return shared;
}

/** They are already, unless the clock was set back or sequence numbers began again. */
function inKeyOrder(rows: readonly number[]): number[] {
  const places: number[] = [];
  for (let row = 0; row < rows.length; row += FIELDS) places.push(row);
  return places.sort(
    (one, other) =>
      field(rows, one + TIMESTAMP) - field(rows, other + TIMESTAMP) ||
      field(rows, one + SEQUENCE) - field(rows, other + SEQUENCE),
  );
}
