/** Messages of the `hasher` actor: one, on main, beside the task pool. */

import type { ActorRef } from '../runtime/types.js';

export const hasherRef: ActorRef = { kind: 'hasher', id: 'main' };

export type HasherMessage =
  /** Reply: boolean. */
  | {
      readonly type: 'verify';
      readonly password: string;
      readonly stored: string;
      readonly stranger: boolean;
    }
  /** Reply: the hash. */
  | { readonly type: 'hash'; readonly password: string }
  /** Reply: the score. */
  | { readonly type: 'score'; readonly password: string; readonly known: readonly string[] };
