/** Messages of the `scheduler` actor: one, on main, the only one that changes schedules and knows when they are due. */

import type { ScheduleId } from '../../ids.js';
import type { ScheduleInput } from '../../schedules/schedule.js';
import type { ActorRef } from '../runtime/types.js';

export const schedulerRef: ActorRef = { kind: 'scheduler', id: 'main' };

export type SchedulerMessage =
  /** Reply: `PlannedSchedule`. */
  | { readonly type: 'add'; readonly input: ScheduleInput; readonly username: string }
  /** Reply: `PlannedSchedule`, or `null` when there is no such schedule. */
  | {
      readonly type: 'replace';
      readonly id: ScheduleId;
      readonly input: ScheduleInput;
      readonly username: string;
    }
  /** Reply: whether there was one. Its jobs are gone by then. */
  | { readonly type: 'remove'; readonly id: ScheduleId }
  /** Reply: when each is due, `null` for never. */
  | { readonly type: 'next-runs'; readonly ids: readonly ScheduleId[] }
  /** A shard is ready to run schedules. */
  | { readonly type: 'runner'; readonly runner: ActorRef };
