/** What a result may say, however it is read. Spec 04 §11.5. */

import type { JobId } from '../../ids.js';
import { parseRfc3339 } from '../../query/instant.js';
import type { JobReport, JobStatus } from '../job.js';

/** Bytes kept of each stream; what agents send unless told otherwise (spec 04 §22). */
export const LARGEST_OUTPUT = 4 * 1024 * 1024;
/** Bytes kept of a summary, which lists show unless asked for something else. */
export const LARGEST_SUMMARY = 64 * 1024;
export const LARGEST_ERROR = 16 * 1024;
/** Bytes of the JSON text of an id or a time. Anything longer is neither. */
export const LONGEST_WORD = 128;

export interface DecodedReport {
  readonly jid: JobId;
  readonly report: Omit<JobReport, 'startedAt'>;
  /** RFC 3339; `null` when the agent gave none. */
  readonly startedAt: string | null;
}

/** Whatever ended in no known way ended in an unknown one. */
export const statusOf = (text: string): JobStatus =>
  text === 'successful' || text === 'failed' ? text : 'unknown';

/** The text as it came, if it is an RFC 3339 time. */
export const timeOrNull = (text: string): string | null => (parseRfc3339(text) === undefined ? null : text);
