/** From a happening to everybody who wants to know. One per thread. */

import type { WebhookConfig } from '../config/values/webhooks.js';
import type { Store } from '../store/store.js';
import { type Clock, instant } from '../time.js';
import { type EventClient, eventText, type Happening, type StreamEvent } from './event.js';
import type { EventClock } from './event-clock.js';

export interface Recorded {
  /** Resolves when the webhooks' rows are committed. */
  readonly committed: Promise<unknown>;
  readonly events: readonly StreamEvent[];
  /** To be called when the change itself is committed: readers hear of it. */
  tell(): void;
}

export interface Events {
  /**
   * Gives the happenings their ids, and puts them into the queues of the webhooks that want them. Called in the
   * very turn in which the change itself is written: the store commits the writes of one turn together, so that
   * there is never the one without the other.
   */
  record(client: EventClient, happenings: readonly Happening[]): Recorded;
  /** Like `tell` of each, in one message: a command on a fleet begins and ends everywhere at once. */
  tell(recorded: readonly Recorded[]): void;
}

export interface EventsOptions {
  readonly numbers: EventClock;
  readonly clock: Clock;
  readonly store: Pick<Store, 'webhookQueue'>;
  /** Read with every event. */
  readonly webhooks: { readonly list: readonly WebhookConfig[] };
  /** To the event log on main. */
  readonly send: (events: readonly StreamEvent[]) => void;
}

const NO_WEBHOOKS: readonly string[] = [];
const NOTHING_TO_COMMIT = Promise.resolve();

export function createEvents({ numbers, clock, store, webhooks, send }: EventsOptions): Events {
  return {
    record(client, happenings) {
      const now = clock.now();
      const time = instant(now);
      const writes: Promise<void>[] = [];
      const events = happenings.map((happening): StreamEvent => {
        const { type } = happening;
        const id = numbers.next();
        const text = eventText(id, time, client, happening);
        const wanted = webhooks.list.filter(({ events: types }) => types.includes(type));
        for (const { id: webhook } of wanted) {
          writes.push(
            store.webhookQueue.add({ webhook, event: id, clientId: client.id, type, text, queuedAt: now }),
          );
        }
        return {
          id,
          type,
          clientId: client.id,
          connectedAt: client.connectedAt,
          allowedUserGroups: client.allowedUserGroups,
          webhooks: wanted.length === 0 ? NO_WEBHOOKS : wanted.map((webhook) => webhook.id),
          text,
        };
      });
      const committed = writes.length === 0 ? NOTHING_TO_COMMIT : Promise.all(writes);
      return { committed, events, tell: () => send(events) };
    },
    tell: (recorded) => send(recorded.flatMap(({ events }) => events)),
  };
}
