/** Jobs of clients. Spec 04 §18. */

import type { ClientId, JobId, ScheduleId } from '../ids.js';
import type { JobOrder, JobProgress, JobReport, JobRow, JobStatus, OutputName } from '../jobs/job.js';
import type { Milliseconds } from '../time.js';

/** A job to be stored: running, or failed before it ran. */
export interface NewJob {
  readonly order: JobOrder;
  readonly progress: JobProgress;
  /** When a running one should have reported. */
  readonly deadline: Milliseconds;
}

/**
 * Called inside the transaction for each job that begins or ends with it, in that order: what it writes there is
 * committed together with the job. Must not throw.
 */
export type JobWatcher = (change: 'started' | 'finished', row: JobRow) => void;

/** A job in a list, of which only this has been read: who asks how far a command has got counts rows by status. */
export interface JobEntry {
  readonly jid: string;
  readonly status: JobStatus;
  /** Reads it, once. `undefined`: removed meanwhile. */
  row(): JobRow | undefined;
}

/** Part of a list in the order of `finished_at` descending with the unfinished last, then `jid`. Spec 04 §7.6. */
export interface JobRange {
  scan(part: { readonly offset?: number; readonly limit?: number }): Iterable<JobRow>;
  /** The same without reading the rows. */
  entries(part: { readonly offset?: number; readonly limit?: number }): Iterable<JobEntry>;
  count(): number;
}

/** Reads see what every thread has committed. Writes of one turn of the event loop are one transaction. */
export interface JobRepository {
  get(jid: JobId): JobRow | undefined;
  /** The command or script as a JSON text. */
  command(row: JobRow): string;
  /** An output as a JSON text. */
  output(row: JobRow, name: OutputName): string;
  ofClient(id: ClientId): JobRange;
  ofMultiJob(id: JobId): JobRange;
  /** Keeps the row there is, if there is one: the agent may have reported first. */
  create(job: NewJob, watcher?: JobWatcher): Promise<void>;
  /**
   * The end as the agent reports it. `created`: what to store it with when the job is not stored yet. Resolves with
   * the row, or `null` when nothing was written: no such job of this client, or it had reported before.
   */
  report(
    jid: JobId,
    clientId: ClientId,
    report: JobReport,
    created: NewJob | null,
    watcher?: JobWatcher,
  ): Promise<JobRow | null>;
  /** Ends running jobs whose deadline has passed as `unknown`, `limit` of them at most. Resolves with those. */
  expire(now: Milliseconds, limit: number, watcher?: JobWatcher): Promise<readonly JobRow[]>;
  removeClient(id: ClientId): Promise<void>;
  /** Whether a job of this schedule runs that has not come to its time-out yet, by the clock of the server. */
  runsForSchedule(id: ScheduleId, now: Milliseconds): boolean;
  /** All multi-jobs of a schedule with all their jobs, in pieces. */
  removeSchedule(id: ScheduleId): Promise<void>;
  /**
   * Removes jobs beyond the newest `keep` and multi-jobs with all their jobs, by the rules of spec 04 §18.3, and
   * multi-jobs without any that began before `emptyBefore`. Resolves with the number of jobs.
   */
  prune(keep: number, emptyBefore: Milliseconds): Promise<number>;
}
