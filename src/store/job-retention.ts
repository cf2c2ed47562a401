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

type Removing = Pick<Pruning, 'tables' | 'batch' | 'changes'>;

async function removeMultiJob(removing: Removing, id: string): Promise<number> {
  let removed = 0;
  for (;;) {
    const done = await removing.batch.run(() => removePart(removing, id, BATCH));
    removed += done;
    if (done < BATCH) return removed;
  }
}

/** All multi-jobs of a schedule with their jobs, in pieces: a schedule has few jobs in each, but many of them. */
export async function removeOfSchedule(removing: Removing, id: string): Promise<void> {
  const { multiJobsBySchedule } = removing.tables;
  const range = { ...rangeOf(id), limit: BATCH };
  const step = (): boolean => {
    const keys = [...multiJobsBySchedule.getKeys(range)];
    let room = BATCH;
    for (const key of keys) {
      room -= removePart(removing, key[2], room);
      // There may be more jobs of it.
      if (room <= 0) return true;
      // Also when there was no row behind it, or it would be found again.
      multiJobsBySchedule.remove(key);
    }
    return keys.length === BATCH;
  };
  while (await removing.batch.run(step));
}

/**
 * Inside of a transaction: `most` jobs of a multi-job, and itself when there are no more of them. Returns the number of
 * jobs.
 */
function removePart(
  { tables, changes }: Pick<Pruning, 'tables' | 'changes'>,
  id: string,
  most: number,
): number {
  const { jobsByMultiJob } = tables;
  const keys = [...jobsByMultiJob.getKeys({ ...rangeOf(id), limit: most })];
  for (const key of keys) {
    const row = changes.get(key[2]);
    if (row === undefined) jobsByMultiJob.remove(key);
    else changes.remove(row);
  }
  if (keys.length < most) dropMultiJob(tables, id);
  return keys.length;
}

/** Keys whose first part is `id`. */
export const rangeOf = (id: string): { start: [string, number, string]; end: [string, number, string] } => ({
  start: [id, -Number.MAX_VALUE, ''],
  end: [id, Number.MAX_VALUE, ''],
});

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
    const children = [...jobsByMultiJob.getKeys({ ...rangeOf(id), limit: 1 })];
    if (children.length === 0) await batch.run(() => dropMultiJob(tables, id));
    if (++seen % KEYS_PER_TURN === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

function dropMultiJob(tables: OpenedTables, id: string): void {
  const { multiJobs, multiJobsByStart, multiJobsBySchedule, jobTexts } = tables;
  const text = multiJobs.get(id);
  if (text === undefined) return;
  const row = JSON.parse(text) as { readonly startedAt?: unknown; readonly scheduleId?: unknown };
  const startedAt = String(row.startedAt);
  multiJobsByStart.remove([secondOf(startedAt), id]);
  if (typeof row.scheduleId === 'string') {
    multiJobsBySchedule.remove([row.scheduleId, startOf({ startedAt }), id]);
  }
  multiJobs.remove(id);
  jobTexts.remove([id, 'command']);
}

/** Ascending with the newest second first. Spec 04 §9.3. */
export const secondOf = (startedAt: string): number => Math.ceil(startOf({ startedAt }) / 1000);
