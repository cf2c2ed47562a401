/**
 * The event log: one actor on main that hears of every event and passes it on. All threads tell it, in the same
 * channel in which they give up a client, so it has the events of a client in their order, and so has whoever reads.
 */

import type { StreamEvent } from '../../events/event.js';
import type { ActorRef } from '../runtime/types.js';

export const EVENT_LOG: ActorRef = { kind: 'event-log', id: 'main' };

/** The actor of each thread that has readers. */
export const eventReadersRef = (thread: number): ActorRef => ({ kind: 'event-readers', id: String(thread) });

export type EventLogMessage =
  /** Something has happened. */
  | { readonly type: 'events'; readonly events: readonly StreamEvent[] }
  /** A reader wants what comes after an event, a place, or from now on. Answered by a `page`. */
  | {
      readonly type: 'read';
      readonly thread: number;
      readonly reader: number;
      readonly from: { readonly since: string } | { readonly place: number } | 'now';
    }
  /** The thread has no reader any more. */
  | { readonly type: 'unlisten'; readonly thread: number };

export interface EventPage {
  readonly events: readonly StreamEvent[];
  /** False: some before the first one may be missing. */
  readonly complete: boolean;
  /** Where the next page begins. */
  readonly next: number;
  /** There is no next page: the reader gets every event from now on. */
  readonly live: boolean;
  /** The newest event there is, for readers who want to come back. */
  readonly lastId: string | null;
}

/** From the log to the readers of a thread. */
export type EventReadersMessage =
  | { readonly type: 'events'; readonly events: readonly StreamEvent[] }
  | { readonly type: 'page'; readonly reader: number; readonly page: EventPage };
