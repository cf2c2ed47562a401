/**
 * Rows of jobs that a transaction has changed and not written yet. A job that ends soon after its start is reported in
 * the transaction that adds it, so it is written once, as it is at the end.
 */

import type { StoredJob } from './job-codec.js';
import type { HeldWrites } from './transaction-batch.js';

/** How rows are written. */
export interface JobWrites {
  /** A row there was not. */
  put(row: StoredJob): void;
  change(before: StoredJob, after: StoredJob): void;
}

interface Held {
  /** As it is in the tables; `null` when it is not. */
  readonly before: StoredJob | null;
  after: StoredJob;
}

export class HeldJobs implements HeldWrites {
  #rows = new Map<string, Held>();

  constructor(private readonly writes: JobWrites) {}

  /** Empty outside of transactions. */
  get(jid: string): StoredJob | undefined {
    return this.#rows.get(jid)?.after;
  }

  add(row: StoredJob): void {
    this.#rows.set(row.jid, { before: null, after: row });
  }

  change(before: StoredJob, after: StoredJob): void {
    const held = this.#rows.get(after.jid);
    if (held === undefined) this.#rows.set(after.jid, { before, after });
    else held.after = after;
  }

  write(): void {
    const rows = this.#rows;
    this.#rows = new Map();
    for (const { before, after } of rows.values()) {
      if (before === null) this.writes.put(after);
      else this.writes.change(before, after);
    }
  }
}
