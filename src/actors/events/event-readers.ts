/** The readers of one thread: each first gets what it has missed, page by page, then every event. */

import type { StreamEvent } from '../../events/event.js';
import type { ActorSystem, Behavior } from '../runtime/types.js';
import {
  EVENT_LOG,
  type EventLogMessage,
  type EventPage,
  type EventReadersMessage,
  eventReadersRef,
} from './messages.js';

export interface EventReader {
  /** Called at first, and after each `more`. Those of a live page are followed by `events`. */
  page(page: EventPage): void;
  events(events: readonly StreamEvent[]): void;
}

export interface Reading {
  /** Asks for the page after the last one, which was not live. */
  more(): void;
  end(): void;
}

export interface EventReaders {
  /** `since`: id of the last event the reader knows; `null`: it wants what happens from now on. */
  open(reader: EventReader, since: string | null): Reading;
}

interface Entry {
  readonly reader: EventReader;
  live: boolean;
  next: number;
}

type Entries = Map<number, Entry>;

/** Once per thread, with an actor that main's event log talks to. */
export function openEventReaders(system: ActorSystem): EventReaders {
  const { thread } = system;
  const entries: Entries = new Map();
  system.spawn(eventReadersBehavior, eventReadersRef(thread).id, entries, { epoch: 1 });
  const tell = (message: EventLogMessage): void => system.tell(EVENT_LOG, message);
  let last = 0;
  return {
    open(reader, since) {
      last += 1;
      const id = last;
      const entry: Entry = { reader, live: false, next: 0 };
      entries.set(id, entry);
      tell({ type: 'read', thread, reader: id, from: since === null ? 'now' : { since } });
      return {
        more: () => tell({ type: 'read', thread, reader: id, from: { place: entry.next } }),
        end() {
          if (entries.delete(id) && entries.size === 0) tell({ type: 'unlisten', thread });
        },
      };
    },
  };
}

const eventReadersBehavior: Behavior<EventReadersMessage, Entries, Entries> = {
  kind: eventReadersRef(0).kind,
  // As many as the log itself may have waiting.
  mailboxLimit: 1_000_000,

  preStart: (_ctx, entries) => entries,

  receive(_ctx, entries, message) {
    if (message.type === 'events') {
      for (const entry of [...entries.values()]) if (entry.live) entry.reader.events(message.events);
      return;
    }
    const entry = entries.get(message.reader);
    if (entry === undefined) return;
    entry.live = message.page.live;
    entry.next = message.page.next;
    entry.reader.page(message.page);
  },
};
