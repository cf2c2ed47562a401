/** Events that were given up on their way to webhooks. */

import type { Milliseconds } from '../time.js';
import type { QueuedDelivery } from './webhook-queue.js';

/** One that was given up. */
export interface DeadLetter extends QueuedDelivery {
  readonly reason: string;
  /** Since the server started. */
  readonly attempts: number;
  readonly givenUpAt: Milliseconds;
}

export interface WebhookDeadLetterRepository {
  /** Takes them out of the queue, in one transaction. */
  bury(letters: readonly DeadLetter[]): Promise<void>;
  /** Puts the oldest ones, `most` of them, into the queue again as if new; resolves with their number. */
  redeliver(webhook: string, now: Milliseconds, most: number): Promise<number>;
  removeOldest(webhook: string, number: number): Promise<void>;
  /** Sorted by webhook and event. */
  all(order: { readonly reverse: boolean }): Iterable<DeadLetter>;
  count(webhook: string): number;
  total(): number;
  highest(): string | undefined;
}
