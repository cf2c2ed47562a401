/** Schedules. Spec 04 §15. */

import type { ScheduleId } from '../ids.js';
import type { Schedule } from '../schedules/schedule.js';

/** Schedules, which one actor changes. Reads see what every thread has committed. */
export interface ScheduleRepository {
  get(id: ScheduleId): Schedule | undefined;
  /** Also where the row cannot be read. */
  exists(id: ScheduleId): boolean;
  add(schedule: Schedule): Promise<void>;
  /** Resolves with the row that `change` has made; `undefined` and nothing written when there is none. */
  change(id: ScheduleId, change: (before: Schedule) => Schedule): Promise<Schedule | undefined>;
  /** `false`: there is none. */
  remove(id: ScheduleId): Promise<boolean>;
  /** In the order of their creation; reading may pause between any two of them. */
  scan(part: {
    readonly reverse?: boolean;
    readonly offset?: number;
    readonly limit?: number;
  }): Iterable<Schedule>;
  count(): number;
}
