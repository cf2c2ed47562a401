import type { PlannedSchedule, Schedules } from '../../schedules/schedules.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type SchedulerMessage, schedulerRef } from './messages.js';

/** A queue of changes, each with a commit and a flush. */
const TIMEOUT: Milliseconds = 30_000;
/** Some ten thousand jobs go with a schedule. */
const REMOVE_TIMEOUT: Milliseconds = 120_000;
const GONE = 'schedules cannot be reached at the moment';

/** Schedules as every thread changes them. */
export function remoteSchedules(system: ActorSystem): Schedules {
  const ask = <Reply>(message: SchedulerMessage, timeout = TIMEOUT): Promise<Reply> =>
    askActor<Reply>(system, schedulerRef, message, timeout, GONE);
  return {
    add: (input, username) => ask<PlannedSchedule>({ type: 'add', input, username }),
    replace: (id, input, username) => ask<PlannedSchedule | null>({ type: 'replace', id, input, username }),
    remove: (id) => ask<boolean>({ type: 'remove', id }, REMOVE_TIMEOUT),
    nextRuns: (ids) => ask<readonly (Milliseconds | null)[]>({ type: 'next-runs', ids }),
  };
}
