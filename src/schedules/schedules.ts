/** Changes of schedules. Reading them is up to the store, but for when they are due. */

import type { ScheduleId } from '../ids.js';
import type { Milliseconds } from '../time.js';
import type { Schedule, ScheduleInput } from './schedule.js';

/** Each method resolves when the change is on disk and counts, whichever thread asks. The input has been checked. */
export interface Schedules {
  add(input: ScheduleInput, username: string): Promise<PlannedSchedule>;
  /** Creator and time of creation stay. `null`: there is no such schedule. */
  replace(id: ScheduleId, input: ScheduleInput, username: string): Promise<PlannedSchedule | null>;
  /** With all its multi-jobs and jobs. `false`: there is no such schedule. */
  remove(id: ScheduleId): Promise<boolean>;
  /** When each is due next, `null` for never. */
  nextRuns(ids: readonly ScheduleId[]): Promise<readonly (Milliseconds | null)[]>;
}

export interface PlannedSchedule {
  readonly schedule: Schedule;
  /** `null`: never. */
  readonly next: Milliseconds | null;
}
