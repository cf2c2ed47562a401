/** Rows of the tables `jobs` and `multi_jobs` as JSON text, and the places of jobs in the lists. */

import { clientId, type JobId, jobId } from '../ids.js';
import type { JobRow, JobStatus, OutputName } from '../jobs/job.js';
import { outputNames } from '../jobs/job.js';
import type { MultiJob, TargetTags } from '../jobs/multi-job.js';
import { JsonFields } from '../json-fields.js';
import { parseRfc3339 } from '../query/instant.js';
import type { Milliseconds } from '../time.js';

/** What was written is read back whatever its length; foreign input was bounded on its way in. */
const MAX_TEXT = Number.POSITIVE_INFINITY;
/** Bytes of a JSON text up to which it is part of the row. Lists read rows, so they stay small. */
export const LONGEST_INLINE = 1024;
/** Behind every finished job. */
const UNFINISHED = 1e300;

/** A row with what the index of running jobs needs. */
export interface StoredJob extends JobRow {
  readonly deadline: Milliseconds;
}

/** Ascending in the order of lists: the latest end first, what has not ended last. */
export function placeOf({ finishedAt }: Pick<JobRow, 'finishedAt'>): number {
  if (finishedAt === null) return UNFINISHED;
  return -(parseRfc3339(finishedAt) ?? 0);
}

/** Ascending with the newest first. */
export const startOf = ({ startedAt }: { readonly startedAt: string }): number =>
  -(parseRfc3339(startedAt) ?? 0);

export const encodeJob = (row: StoredJob): string => JSON.stringify({ ...row, form: FORM });

/** `undefined` for what is not wholly a job. */
export function decodeJob(jid: string, text: string): StoredJob | undefined {
  const parsed = parse(text);
  // Lists read thousands of rows, all of which this version wrote: no need to look at each field.
  if (isOfThisForm(parsed)) return parsed.jid === jid ? parsed : undefined;
  const fields = new JsonFields(parsed, MAX_TEXT);
  const row: StoredJob = {
    jid: jobId(fields.text('jid')),
    status: fields.text('status') as JobStatus,
    finishedAt: fields.textOrNull('finishedAt'),
    clientId: clientId(fields.text('clientId')),
    clientName: fields.text('clientName'),
    command: fields.textOrNull('command'),
    cwd: fields.text('cwd'),
    interpreter: fields.text('interpreter'),
    pid: fields.raw('pid') === null ? null : fields.integer('pid'),
    startedAt: fields.text('startedAt'),
    createdBy: fields.text('createdBy'),
    timeoutSec: fields.integer('timeoutSec'),
    multiJobId: idOrNull(fields.textOrNull('multiJobId')),
    scheduleId: fields.textOrNull('scheduleId'),
    error: fields.text('error'),
    isSudo: fields.flag('isSudo'),
    isScript: fields.flag('isScript'),
    stream: fields.flag('stream'),
    output: fields.object('output', decodeOutput),
    reported: fields.flag('reported'),
    deadline: fields.number('deadline'),
  };
  return fields.fits && row.jid === jid ? row : undefined;
}

/** Raised when a field of `StoredJob` is added or changes its meaning; rows of another form are read field by field. */
const FORM = 1;

const isOfThisForm = (value: unknown): value is StoredJob =>
  typeof value === 'object' && value !== null && 'form' in value && value.form === FORM;

export const encodeMultiJob = (multiJob: Omit<MultiJob, 'command'> & { command: string | null }): string =>
  JSON.stringify(multiJob);

/** `command` is `null` where it is kept apart. `undefined` for what is not wholly a multi-job. */
export function decodeMultiJob(
  jid: string,
  text: string,
): (Omit<MultiJob, 'command'> & { readonly command: string | null }) | undefined {
  const fields = fieldsOf(text);
  const multiJob = {
    jid: jobId(fields.text('jid')),
    startedAt: fields.text('startedAt'),
    createdBy: fields.text('createdBy'),
    scheduleId: fields.textOrNull('scheduleId'),
    clientIds: fields.texts('clientIds'),
    groupIds: fields.texts('groupIds'),
    tags: fields.object('tags', decodeTags),
    command: fields.textOrNull('command'),
    cwd: fields.text('cwd'),
    interpreter: fields.text('interpreter'),
    timeoutSec: fields.integer('timeoutSec'),
    concurrent: fields.flag('concurrent'),
    abortOnError: fields.flag('abortOnError'),
    isSudo: fields.flag('isSudo'),
    isScript: fields.flag('isScript'),
  };
  return fields.fits && multiJob.jid === jid ? multiJob : undefined;
}

export function decodeTags(value: unknown): TargetTags | undefined {
  const fields = new JsonFields(value, MAX_TEXT);
  const tags = { tags: fields.texts('tags') ?? [], operator: fields.text('operator') };
  return fields.fits ? tags : undefined;
}

function decodeOutput(value: unknown): Readonly<Record<OutputName, string | number>> | undefined {
  const fields = new JsonFields(value, MAX_TEXT);
  const read = (name: OutputName): string | number =>
    typeof fields.raw(name) === 'number' ? fields.integer(name) : fields.text(name);
  const output = { stdout: read('stdout'), stderr: read('stderr'), summary: read('summary') };
  return fields.fits && outputNames.every((name) => fields.raw(name) !== undefined) ? output : undefined;
}

const idOrNull = (text: string | null): JobId | null => (text === null ? null : jobId(text));

const fieldsOf = (text: string): JsonFields => new JsonFields(parse(text), MAX_TEXT);

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
