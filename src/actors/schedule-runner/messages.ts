/** Messages of a `schedule-runner`: one in every shard, which starts what is due. */

import type { JobId, ScheduleId } from '../../ids.js';
import type { ActorRef, ActorSystem } from '../runtime/types.js';

export const SCHEDULE_RUNNER = 'schedule-runner';

/** Of the thread; a restarted shard has another one. */
export const runnerRef = ({ thread }: Pick<ActorSystem, 'thread'>): ActorRef => ({
  kind: SCHEDULE_RUNNER,
  id: String(thread),
});

/** Reply: `RunOutcome`. */
export interface RunMessage {
  readonly type: 'run';
  readonly id: ScheduleId;
  /** What the schedule was started as before, since the server began. */
  readonly previous: JobId | null;
}

export type RunOutcome =
  /** `note`: who was left out, and why; empty when nobody was. */
  | { readonly kind: 'started'; readonly multiJobId: JobId; readonly note: string }
  /** There is no such schedule any more. */
  | { readonly kind: 'gone' }
  /** The run before is under way, somebody lost his rights, or no client is left. */
  | { readonly kind: 'refused'; readonly reason: string };
