/** Messages of the `guard` actor: one, on main. Every thread has a replica of its books (`create-guard.ts`). */

import type { AttemptChange, AttemptSnapshot, ListenerLimits } from '../../auth/attempts.js';
import type { Listener } from '../../auth/guard.js';
import type { ActorRef } from '../runtime/types.js';

export const guardRef: ActorRef = { kind: 'guard', id: 'main' };

/** Topic of the changes; carries `GuardNews`. */
export const guardTopic = 'guard';

export type GuardMessage =
  /** Reply, when all replicas hold it: `GuardNews`. */
  | {
      readonly type: 'failed';
      readonly listener: Listener;
      readonly identity: string | null;
      readonly ip: string;
    }
  /** Reply, when all replicas hold it: `null`. */
  | { readonly type: 'succeeded'; readonly listener: Listener; readonly ip: string }
  /** Told by main when the configuration has changed. What has begun keeps its length. */
  | { readonly type: 'limits'; readonly limits: ListenerLimits }
  /** Reply: `GuardSnapshot`. */
  | { readonly type: 'snapshot' };

/** A change with its number; numbers grow by one. */
export interface GuardNews {
  readonly number: number;
  readonly change: AttemptChange;
}

export interface GuardSnapshot {
  /** Number of the last change contained. */
  readonly number: number;
  readonly attempts: AttemptSnapshot;
}
