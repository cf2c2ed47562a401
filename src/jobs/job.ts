/** One command or script on one client. Spec 04 §3.1. Times of the client are kept as the texts it sent. */

import type { ClientId, JobId } from '../ids.js';
import type { Seconds } from '../time.js';

export type JobStatus = 'running' | 'successful' | 'failed' | 'unknown';

/** What is known when a job is sent to its client. */
export interface JobOrder {
  readonly jid: JobId;
  readonly clientId: ClientId;
  /** At that time. */
  readonly clientName: string;
  /** Command line, or the text of the script. */
  readonly command: string;
  /** Empty: that of the agent. */
  readonly cwd: string;
  /** As asked for; empty: the default of the client. */
  readonly interpreter: string;
  readonly createdBy: string;
  /** Above 0. */
  readonly timeoutSec: Seconds;
  readonly multiJobId: JobId | null;
  readonly scheduleId: string | null;
  readonly isSudo: boolean;
  readonly isScript: boolean;
  /** The agent sends the output while it comes; stored results are the same. */
  readonly stream: boolean;
}

/** How far a job has got. */
export interface JobProgress {
  readonly status: JobStatus;
  /** RFC 3339; `null` while it runs. */
  readonly finishedAt: string | null;
  readonly pid: number | null;
  /** RFC 3339. */
  readonly startedAt: string;
  readonly error: string;
}

export type OutputName = 'stdout' | 'stderr' | 'summary';
export const outputNames: readonly OutputName[] = ['stdout', 'stderr', 'summary'];

/** Complete JSON texts of strings, quotes and Go's escapes included: megabytes that nobody has to encode again. */
export type JobOutput = Readonly<Record<OutputName, string>>;

/** What an agent says about the end of a job. */
export interface JobReport extends JobProgress {
  readonly output: JobOutput | null;
}

/**
 * A stored job. Long texts are kept apart, so that a list does not read them: an output is its JSON text, or the
 * number of its bytes when it is apart.
 */
export interface JobRow extends Omit<JobOrder, 'command'>, JobProgress {
  /** `null`: apart. */
  readonly command: string | null;
  readonly output: Readonly<Record<OutputName, string | number>> | null;
  /** The agent has reported the end. What the server made up before may be overwritten by that, once. */
  readonly reported: boolean;
}

/**
 * How long after its time-out a job may still report before it counts as lost. The agent reports a time-out by itself;
 * this leaves it time to reconnect after a lost connection.
 */
export const REPORT_GRACE: Seconds = 30;

/** What a job that did not report says. */
export const noReportText = (timeoutSec: Seconds): string =>
  `no result from the client within ${timeoutSec} seconds (timeout_sec) and ${REPORT_GRACE} seconds of grace`;

/** Time of a job that has none. Spec 04 §2.1. */
export const NEVER = '0001-01-01T00:00:00Z';
