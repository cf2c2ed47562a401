/** Which jobs are removed when there are too many. Spec 04 §18.3. */

import { startOf } from './job-codec.js';
import type { JobChanges } from './job-repository.js';
import type { OpenedTables } from './tables.js';
import type { TransactionBatch } from './transaction-batch.js';

/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const BATCH = 250;
/** Keys looked at before others have their turn. */
const KEYS_PER_TURN = 2_000;

export interface Pruning {
  readonly tables: OpenedTables;
  readonly batch: TransactionBatch;
  readonly changes: JobChanges;
  /** Jobs of the newest start that stay. */
  readonly keep: number;
  /** Multi-jobs without jobs that began before go too. */
  readonly emptyBefore: number;
}

/**
 * Multi-jobs that have a job beyond the newest `keep` go with all their jobs. Then single jobs go that are beyond the
 * newest `keep` of what is left. Resolves with the number of jobs removed.
 */
export async function pruneJobs(pruning: Pruning): Promise<number> {
  let removed = 0;
  for (const id of await multiJobsBeyond(pruning)) removed += await removeMultiJob(pruning, id);
  removed += await removeSinglesBeyond(pruning);
  await removeEmpty(pruning);
  return removed;
}

async function multiJobsBeyond({ tables: { jobsByStart }, keep }: Pruning): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  const offset = Math.max(keep, 0);
  for (let seen = 0; ; seen += KEYS_PER_TURN) {
    jobsByStart.resetReadTxn();
    const part = [...jobsByStart.getRange({ offset: offset + seen, limit: KEYS_PER_TURN })];
    for (const { value } of part) if (value !== '') found.add(value);
    if (part.length < KEYS_PER_TURN) return found;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function removeMultiJob({ tables, batch, changes }: Pruning, id: string): Promise<number> {
  const { jobsByMultiJob } = tables;
  let removed = 0;
  for (;;) {
    const done = await batch.run(() => {
      const range = {
        start: [id, -Number.MAX_VALUE, ''] as [string, number, string],
        end: [id, Number.MAX_VALUE, ''] as [string, number, string],
        limit: BATCH,
      };
      const keys = [...jobsByMultiJob.getKeys(range)];
      for (const key of keys) {
        const row = changes.get(key[2]);
        if (row === undefined) jobsByMultiJob.remove(key);
        else changes.remove(row);
      }
      if (keys.length < BATCH) dropMultiJob(tables, id);
      return keys.length;
    });
    removed += done;
    if (done < BATCH) return removed;
  }
}

async function removeSinglesBeyond({ tables, batch, changes, keep }: Pruning): Promise<number> {
  const { jobsByStart } = tables;
  let removed = 0;
  for (;;) {
    const done = await batch.run(() => {
      const found = [...jobsByStart.getRange({ offset: Math.max(keep, 0), limit: BATCH })];
      let count = 0;
      for (const { key, value } of found) {
        const row = changes.get(key[1]);
        if (row === undefined) jobsByStart.remove(key);
        // One that came with a multi-job meanwhile; the next run decides.
        else if (value !== '') continue;
        else changes.remove(row);
        count += 1;
      }
      return count;
    });
    removed += done;
    if (done === 0) return removed;
  }
}

async function removeEmpty({ tables, batch, emptyBefore }: Pruning): Promise<void> {
  const { multiJobsByStart, jobsByMultiJob } = tables;
  multiJobsByStart.resetReadTxn();
  // Seconds, negative: the older the larger.
  const start: [number, string] = [-Math.floor(emptyBefore / 1000), ''];
  let seen = 0;
  for (const [, id] of multiJobsByStart.getKeys({ start, snapshot: false })) {
    const range = {
      start: [id, -Number.MAX_VALUE, ''] as [string, number, string],
      end: [id, Number.MAX_VALUE, ''] as [string, number, string],
      limit: 1,
    };
    if ([...jobsByMultiJob.getKeys(range)].length === 0) await batch.run(() => dropMultiJob(tables, id));
    if (++seen % KEYS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function dropMultiJob({ multiJobs, multiJobsByStart, jobTexts }: OpenedTables, id: string): void {
  const text = multiJobs.get(id);
  if (text === undefined) return;
  const startedAt = String((JSON.parse(text) as { startedAt?: unknown }).startedAt);
  multiJobsByStart.remove([secondOf(startedAt), id]);
  multiJobs.remove(id);
  jobTexts.remove([id, 'command']);
}

/** Ascending with the newest second first. Spec 04 §9.3. */
export const secondOf = (startedAt: string): number => Math.ceil(startOf({ startedAt }) / 1000);
