/** The event log, see `messages.ts`. */

import type { StreamEvent } from '../../events/event.js';
import { RecentEvents } from '../../events/recent-events.js';
import { NOTIFIER, type NotifierMessage } from '../notifier/messages.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior } from '../runtime/types.js';
import {
  EVENT_LOG,
  type EventLogMessage,
  type EventPage,
  type EventReadersMessage,
  eventReadersRef,
} from './messages.js';

/** Events in one page: some 200 KiB. */
const PAGE = 500;

interface State {
  readonly recent: RecentEvents;
  /** Threads that have readers. */
  readonly listening: Set<number>;
  readonly unsubscribe: () => void;
}

/** On main, before the first event. */
export function spawnEventLog(system: ActorSystem): ActorRef {
  return system.spawn(eventLogBehavior, EVENT_LOG.id, null, { epoch: 1 });
}

const eventLogBehavior: Behavior<EventLogMessage, State, null> = {
  kind: EVENT_LOG.kind,
  // A message for each change of a client; one dropped here would be missing in every stream.
  mailboxLimit: 1_000_000,

  preStart(ctx) {
    const listening = new Set<number>();
    const unsubscribe = ctx.system.onThreadLost((thread) => listening.delete(thread));
    return { recent: new RecentEvents(), listening, unsubscribe };
  },

  receive(ctx, state, message) {
    switch (message.type) {
      case 'events':
        for (const event of message.events) state.recent.add(event);
        passOn(ctx, state, message.events);
        return;
      case 'read': {
        const page = pageFor(state, message.from);
        if (page.live) state.listening.add(message.thread);
        const answer: EventReadersMessage = { type: 'page', reader: message.reader, page };
        ctx.tell(eventReadersRef(message.thread), answer);
        return;
      }
      case 'unlisten':
        state.listening.delete(message.thread);
        return;
    }
  },

  postStop: (_ctx, { unsubscribe }) => unsubscribe(),
};

function passOn(ctx: ActorContext<EventLogMessage>, state: State, events: readonly StreamEvent[]): void {
  const message: EventReadersMessage = { type: 'events', events };
  for (const thread of state.listening) ctx.tell(eventReadersRef(thread), message);
  const queued = events.flatMap(({ id, webhooks }) => webhooks.map((webhook) => ({ webhook, event: id })));
  if (queued.length === 0) return;
  const news: NotifierMessage = { type: 'queued', queued };
  ctx.tell(NOTIFIER, news);
}

function pageFor({ recent }: State, from: Extract<EventLogMessage, { type: 'read' }>['from']): EventPage {
  const { lastId, end } = recent;
  const start = startOf(recent, from);
  const events = recent.read(start.place, PAGE);
  // A reader so slow that what it was about to read is gone.
  if (events === null) return { events: [], complete: false, next: end, live: true, lastId };
  const next = start.place + events.length;
  return { events, complete: start.known, next, live: next === end, lastId };
}

function startOf(
  recent: RecentEvents,
  from: Extract<EventLogMessage, { type: 'read' }>['from'],
): { readonly place: number; readonly known: boolean } {
  if (from === 'now') return { place: recent.end, known: true };
  return 'since' in from ? recent.after(from.since) : { place: from.place, known: true };
}
