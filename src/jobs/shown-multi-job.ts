/** One multi-job with its newest jobs. Spec 04 §9.4. */

import type { JobRepository } from '../store/jobs.js';
import { type JobRow, outputNames } from './job.js';
import { type JobTexts, jobJson } from './job-json.js';
import { MOST_TEXT_BYTES, newestJobs, outputBytes } from './job-list.js';
import { MOST_CHILDREN_SHOWN, type MultiJob, multiJobJson } from './multi-job.js';

/** JSON text, made in pieces that end at each `yield`. Output that would make it too long is named by its size. */
export function* showMultiJob(
  jobs: JobRepository,
  multiJob: MultiJob,
  isVisible: ((row: JobRow) => boolean) | null,
): Generator<void, string> {
  const rows = yield* newestJobs(jobs.ofMultiJob(multiJob.jid), MOST_CHILDREN_SHOWN, isVisible);
  let room = MOST_TEXT_BYTES;
  const children: string[] = [];
  for (const row of rows) {
    const bytes = outputBytes(row, outputNames);
    const fits = bytes <= room;
    if (fits) room -= bytes;
    children.push(jobJson(row, fits ? jobs : named(jobs)));
    if (bytes > 0) yield;
  }
  return multiJobJson(multiJob, children);
}

const named = (jobs: JobRepository): JobTexts => ({
  command: (row) => jobs.command(row),
  output(row, name) {
    const kept = row.output?.[name];
    return typeof kept === 'number' ? JSON.stringify(`(${kept} bytes, see the job)`) : jobs.output(row, name);
  },
});
