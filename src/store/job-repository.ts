/** Jobs and their indexes; all of them change in one transaction. Spec 04 §18. */

import { jsonText } from '../go/json-text.js';
import type { JobId } from '../ids.js';
import {
  type JobOrder,
  type JobOutput,
  type JobProgress,
  type JobReport,
  type JobRow,
  type JobStatus,
  noReportText,
  type OutputName,
  outputNames,
  REPORT_GRACE,
} from '../jobs/job.js';
import type { Logger } from '../logging/logger.js';
import { instant, type Milliseconds } from '../time.js';
import { HeldJobs } from './held-jobs.js';
import { decodeJob, encodeJob, LONGEST_INLINE, placeOf, type StoredJob, startOf } from './job-codec.js';
import { pruneJobs, removeOfSchedule } from './job-retention.js';
import type { JobEntry, JobRange, JobRepository, JobWatcher, NewJob } from './jobs.js';
import { isKeyText } from './key.js';
import type { OpenedTables } from './tables.js';
import type { TransactionBatch } from './transaction-batch.js';

/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const REMOVE_BATCH = 250;
/** In front of and behind every place. */
const FIRST = -Number.MAX_VALUE;
const LAST = Number.MAX_VALUE;

const partOf = (id: string): { start: IndexKey; end: IndexKey } => ({
  start: [id, FIRST, ''],
  end: [id, LAST, ''],
});

class IndexedJob implements JobEntry {
  #row: JobRow | undefined | null = null;

  constructor(
    readonly jid: string,
    private readonly known: string,
    private readonly read: (jid: string) => JobRow | undefined,
  ) {}

  get status(): JobStatus {
    // Entries of the first stores have none.
    return this.known === '' ? (this.row()?.status ?? 'unknown') : (this.known as JobStatus);
  }

  row(): JobRow | undefined {
    if (this.#row === null) this.#row = this.read(this.jid);
    return this.#row;
  }
}

const unwatched: JobWatcher = () => undefined;

type IndexKey = [string, number, string];
type Index = OpenedTables['jobsByClient'];

/** Changes inside of a transaction; what retention needs of jobs. */
export interface JobChanges {
  get(jid: string): StoredJob | undefined;
  remove(row: StoredJob): void;
}

export function createJobRepository(
  tables: OpenedTables,
  batch: TransactionBatch,
  log: Pick<Logger, 'error'>,
): JobRepository {
  const { jobs, jobTexts, jobsByClient, jobsByMultiJob, jobsByStart, jobsRunning } = tables;
  const { jobsRunningBySchedule, scheduleNumbers } = tables;

  const read = (jid: string): StoredJob | undefined => {
    const changed = held.get(jid);
    if (changed !== undefined) return changed;
    const text = jobs.get(jid);
    if (text === undefined) return undefined;
    const row = decodeJob(jid, text);
    if (row === undefined) log.error(`job ${JSON.stringify(jid)}: the row is unreadable, skipped`);
    return row;
  };

  const putPlaces = (row: StoredJob): void => {
    const place = placeOf(row);
    jobsByClient.put([row.clientId, place, row.jid], row.status);
    if (row.multiJobId !== null) jobsByMultiJob.put([row.multiJobId, place, row.jid], row.status);
    if (row.status !== 'running') return;
    jobsRunning.put([row.deadline, row.jid], '');
    if (row.scheduleId !== null) jobsRunningBySchedule.put([row.scheduleId, row.deadline, row.jid], '');
  };

  const removePlaces = (row: StoredJob): void => {
    const place = placeOf(row);
    jobsByClient.remove([row.clientId, place, row.jid]);
    if (row.multiJobId !== null) jobsByMultiJob.remove([row.multiJobId, place, row.jid]);
    if (row.status !== 'running') return;
    jobsRunning.remove([row.deadline, row.jid]);
    if (row.scheduleId !== null) jobsRunningBySchedule.remove([row.scheduleId, row.deadline, row.jid]);
  };

  const putStart = (row: StoredJob): void => {
    jobsByStart.put([startOf(row), row.jid], row.multiJobId ?? '');
  };

  const put = (row: StoredJob): void => {
    jobs.put(row.jid, encodeJob(row));
    putPlaces(row);
    putStart(row);
  };

  const change = (before: StoredJob, after: StoredJob): void => {
    removePlaces(before);
    jobs.put(after.jid, encodeJob(after));
    putPlaces(after);
    // Agents say the same start again when a job ends.
    if (startOf(before) === startOf(after)) return;
    jobsByStart.remove([startOf(before), before.jid]);
    putStart(after);
  };

  const held = new HeldJobs({ put, change });

  const add = ({ order, progress, deadline }: NewJob): StoredJob => {
    const text = jsonText(order.command);
    // Children of a multi-job have their command where the multi-job has it.
    const apart = Buffer.byteLength(text) > LONGEST_INLINE;
    if (apart && order.multiJobId === null) jobTexts.put([order.jid, 'command'], text);
    const row = newRow(order, progress, apart ? null : text, deadline);
    held.add(row);
    return row;
  };

  /** What a schedule had run goes with it, so nothing may be added of one that has gone. */
  const isWanted = ({ order }: NewJob): boolean =>
    order.scheduleId === null || scheduleNumbers.get(order.scheduleId) !== undefined;

  const putOutput = (jid: JobId, output: JobOutput | null): JobRow['output'] => {
    if (output === null) return null;
    const place = (name: OutputName): string | number => {
      const text = output[name];
      const bytes = Buffer.byteLength(text);
      if (bytes <= LONGEST_INLINE) return text;
      jobTexts.put([jid, name], text);
      return bytes;
    };
    return { stdout: place('stdout'), stderr: place('stderr'), summary: place('summary') };
  };

  const changes: JobChanges = {
    get: read,
    remove(row) {
      removePlaces(row);
      jobsByStart.remove([startOf(row), row.jid]);
      jobs.remove(row.jid);
      if (row.command === null && row.multiJobId === null) jobTexts.remove([row.jid, 'command']);
      for (const name of outputNames) {
        if (typeof row.output?.[name] === 'number') jobTexts.remove([row.jid, name]);
      }
    },
  };

  const keysOf = (index: Index, id: string, part: object = {}): Iterable<IndexKey> =>
    index.getKeys({ ...partOf(id), snapshot: false, ...part });

  const range = (index: Index, id: string): JobRange => ({
    *scan({ offset, limit }) {
      if (!isKeyText(id)) return;
      index.resetReadTxn();
      const part = { ...(offset !== undefined && { offset }), ...(limit !== undefined && { limit }) };
      for (const [, , jid] of keysOf(index, id, part)) {
        const row = read(jid);
        // It may have been removed meanwhile.
        if (row !== undefined) yield row;
      }
    },
    *entries({ offset, limit }) {
      if (!isKeyText(id)) return;
      index.resetReadTxn();
      const part = { ...(offset !== undefined && { offset }), ...(limit !== undefined && { limit }) };
      for (const { key, value } of index.getRange({ ...partOf(id), snapshot: false, ...part })) {
        yield new IndexedJob(key[2], value, read);
      }
    },
    count() {
      if (!isKeyText(id)) return 0;
      index.resetReadTxn();
      return index.getKeysCount(partOf(id));
    },
  });

  const text = (id: string, name: string): string => {
    jobTexts.resetReadTxn();
    // Removed since the row was read.
    return jobTexts.get([id, name]) ?? '""';
  };

  return {
    get(jid) {
      if (!isKeyText(jid)) return undefined;
      jobs.resetReadTxn();
      return read(jid);
    },

    command: (row) => row.command ?? text(row.multiJobId ?? row.jid, 'command'),

    output(row, name) {
      const kept = row.output?.[name] ?? '""';
      return typeof kept === 'string' ? kept : text(row.jid, name);
    },

    ofClient: (id) => range(jobsByClient, id),
    ofMultiJob: (id) => range(jobsByMultiJob, id),

    create: (job, watcher = unwatched) =>
      batch.run(() => {
        if (read(job.order.jid) !== undefined || !isWanted(job)) return;
        watcher(job.progress.status === 'running' ? 'started' : 'finished', add(job));
      }, held),

    async report(jid, clientId, report, created, watcher = unwatched) {
      if (!isKeyText(jid)) return null;
      return batch.run(() => {
        let before = read(jid);
        if (before === undefined && created !== null && isWanted(created)) {
          before = add(created);
          watcher('started', before);
        }
        if (before === undefined || before.clientId !== clientId || before.reported) return null;
        const after = reported(before, report, putOutput(jid, report.output));
        held.change(before, after);
        watcher('finished', after);
        return after;
      }, held);
    },

    async expire(now, limit, watcher = unwatched) {
      jobsRunning.resetReadTxn();
      const due = [...jobsRunning.getKeys({ end: [now, ''], limit })];
      if (due.length === 0) return [];
      return batch.run(() =>
        due.flatMap(([deadline, jid]) => {
          const before = read(jid);
          if (before?.status !== 'running') {
            // Nothing runs there any more: an index that is behind.
            jobsRunning.remove([deadline, jid]);
            return [];
          }
          const after: StoredJob = {
            ...before,
            status: 'unknown',
            finishedAt: instant(now),
            error: noReportText(before.timeoutSec),
          };
          change(before, after);
          watcher('finished', after);
          return [after];
        }),
      );
    },

    async removeClient(id) {
      if (!isKeyText(id)) return;
      for (let removed = REMOVE_BATCH; removed === REMOVE_BATCH; ) {
        removed = await batch.run(() => removeFirst(keysOf(jobsByClient, id, { limit: REMOVE_BATCH })));
      }
    },

    runsForSchedule(id, now) {
      jobsRunningBySchedule.resetReadTxn();
      const end: IndexKey = [id, LAST, ''];
      const start: IndexKey = [id, now + REPORT_GRACE * 1000, ''];
      return [...jobsRunningBySchedule.getKeys({ start, end, limit: 1 })].length > 0;
    },

    async removeSchedule(id) {
      if (isKeyText(id)) await removeOfSchedule({ tables, batch, changes }, id);
    },

    prune: (keep, emptyBefore) => pruneJobs({ tables, batch, changes, keep, emptyBefore }),
  };

  /** Every one of them, whatever is behind it, or the next call would find it again. */
  function removeFirst(keys: Iterable<IndexKey>): number {
    const found = [...keys];
    for (const key of found) {
      const row = read(key[2]);
      if (row === undefined) jobsByClient.remove(key);
      else changes.remove(row);
    }
    return found.length;
  }
}

/** Field by field: objects spread into one are several times slower, and rows come by the thousand. */
function newRow(
  order: JobOrder,
  progress: JobProgress,
  command: string | null,
  deadline: Milliseconds,
): StoredJob {
  return {
    jid: order.jid,
    clientId: order.clientId,
    clientName: order.clientName,
    cwd: order.cwd,
    interpreter: order.interpreter,
    createdBy: order.createdBy,
    timeoutSec: order.timeoutSec,
    multiJobId: order.multiJobId,
    scheduleId: order.scheduleId,
    isSudo: order.isSudo,
    isScript: order.isScript,
    stream: order.stream,
    status: progress.status,
    finishedAt: progress.finishedAt,
    pid: progress.pid,
    startedAt: progress.startedAt,
    error: progress.error,
    command,
    output: null,
    reported: false,
    deadline,
  };
}

/** Only what the agent may say is taken. Spec 04 §11.5. */
function reported(before: StoredJob, report: JobReport, output: JobRow['output']): StoredJob {
  const { status, finishedAt, pid, startedAt, error } = report;
  return { ...before, status, finishedAt, pid, startedAt, error, output, reported: true };
}
