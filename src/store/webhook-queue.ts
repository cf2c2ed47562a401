/** Events on their way to webhooks. */

import type { ClientId } from '../ids.js';
import type { Milliseconds } from '../time.js';

/** One event for one webhook. */
export interface QueuedDelivery {
  readonly webhook: string;
  /** Its id. */
  readonly event: string;
  readonly clientId: ClientId;
  readonly type: string;
  /** The complete JSON. */
  readonly text: string;
  readonly queuedAt: Milliseconds;
}

export interface WebhookQueueRepository {
  add(delivery: QueuedDelivery): Promise<void>;
  /** In the order of events; `read` gives `undefined` for a row that cannot be used. */
  oldest(webhook: string): Iterable<{
    readonly event: string;
    read(): QueuedDelivery | undefined;
  }>;
  remove(webhook: string, events: readonly string[]): Promise<void>;
  count(webhook: string): number;
  /** Those with any row. */
  webhooks(): readonly string[];
  /** The highest event id of all rows. */
  highest(): string | undefined;
}
