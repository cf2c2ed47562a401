/** The notifier: one actor on main that posts events to webhooks. */

import type { Instant } from '../../time.js';
import type { ActorRef } from '../runtime/types.js';

export const NOTIFIER: ActorRef = { kind: 'notifier', id: 'main' };

export type NotifierMessage =
  /** Rows that are in the queue by now. */
  | {
      readonly type: 'queued';
      readonly queued: readonly { readonly webhook: string; readonly event: string }[];
    }
  /** The configuration has changed. */
  | { readonly type: 'configure' }
  /** Replies `WebhookStatus[]`. */
  | { readonly type: 'status' }
  /** Gives dead letters another try; replies their number once that is on disk. Refuses with 404. */
  | { readonly type: 'redeliver'; readonly number: number };

export interface WebhookStatus {
  /** Place in the configuration, from 1. */
  readonly id: number;
  readonly name: string;
  /** Without credentials and query. */
  readonly url: string;
  readonly events: readonly string[];
  readonly state: 'idle' | 'delivering' | 'failing';
  readonly pending: number;
  readonly dead_letters: number;
  /** Dead letters removed because there were too many, since the server started. */
  readonly dropped: number;
  readonly last_success_at: Instant | null;
  readonly last_failure_at: Instant | null;
  /** Why. */
  readonly last_failure: string;
}
