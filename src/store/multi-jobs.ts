/** Jobs on several clients at a time. Spec 04 §18. */

import type { JobId, ScheduleId } from '../ids.js';
import type { MultiJob, MultiJobSummary } from '../jobs/multi-job.js';

export interface MultiJobRepository {
  get(jid: JobId): MultiJob | undefined;
  put(multiJob: MultiJob): Promise<void>;
  /** The newest start first, to the second, then by id. */
  scan(part: { readonly offset?: number; readonly limit?: number }): Iterable<MultiJobSummary>;
  count(): number;
  /** Of one schedule, the newest start first. */
  ofSchedule(id: ScheduleId): Iterable<JobId>;
  /** Schedules that have multi-jobs, whether they still exist or not. */
  scheduleIds(): Iterable<ScheduleId>;
}
