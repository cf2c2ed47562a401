/** One reader of events: what it may hear, what it has missed, and how fast it reads. */

import type { EventReader, EventReaders, Reading } from '../../actors/events/event-readers.js';
import type { EventPage } from '../../actors/events/messages.js';
import type { Principal } from '../../auth/principal.js';
import type { ClientIndex } from '../../clients/read-model.js';
import type { StreamEvent } from '../../events/event.js';
import { type EventType, permissionsFor } from '../../events/event-types.js';
import { jsonText } from '../../go/json-text.js';
import type { Store } from '../../store/store.js';
import { type ApiSocket, closeCodes, type SocketHandlers } from './websocket-route.js';

/** Events a reader may be behind, in this server's memory … */
const MOST_WAITING = 10_000;
/** … and their text, most of which readers of one thread share. Agents choose their names, which may be long. */
const MOST_WAITING_CHARACTERS = 8 * 1024 * 1024;
/** Events looked at in one turn, some 3 µs each. */
const AT_ONCE = 500;

export interface EventFilter {
  readonly types: ReadonlySet<EventType>;
  /** `null`: all. */
  readonly clientIds: ReadonlySet<string> | null;
  /** Id of the last event the reader knows. */
  readonly since: string | null;
}

export interface EventStreamDeps {
  readonly clients: ClientIndex;
  readonly store: Pick<Store, 'clients'>;
  readonly eventReaders: EventReaders;
}

export class EventStream implements EventReader, SocketHandlers {
  readonly #deps: EventStreamDeps;
  readonly #socket: ApiSocket;
  readonly #filter: EventFilter;
  readonly #reading: Reading;
  #waiting: StreamEvent[] = [];
  #waitingCharacters = 0;
  #greeted = false;
  /** There is another page to ask for when this one is sent. */
  #behind = false;
  #blocked = false;
  #scheduled = false;
  #closed = false;

  constructor(socket: ApiSocket, filter: EventFilter, deps: EventStreamDeps) {
    this.#deps = deps;
    this.#socket = socket;
    this.#filter = filter;
    this.#reading = deps.eventReaders.open(this, filter.since);
  }

  page(page: EventPage): void {
    if (!this.#greeted) this.#greet(page);
    else if (!page.complete) {
      this.#tooSlow();
      return;
    }
    this.#behind = !page.live;
    this.events(page.events);
  }

  events(events: readonly StreamEvent[]): void {
    for (const event of events) {
      if (!this.#isWanted(event)) continue;
      this.#waiting.push(event);
      this.#waitingCharacters += event.text.length;
    }
    const tooMuch = this.#waitingCharacters > MOST_WAITING_CHARACTERS;
    if (this.#blocked && (tooMuch || this.#waiting.length > MOST_WAITING)) this.#tooSlow();
    else if (!this.#scheduled) this.#send();
  }

  onDrain(): void {
    this.#blocked = false;
    if (!this.#scheduled) this.#send();
  }

  onClose(): void {
    this.#closed = true;
    this.#waiting = [];
    this.#reading.end();
  }

  #greet({ complete, lastId }: EventPage): void {
    this.#greeted = true;
    const { since } = this.#filter;
    const replay = since === null ? null : { since, complete };
    this.#socket.send(jsonText({ type: 'hello', last_event_id: lastId, replay }));
  }

  #send(): void {
    let looked = 0;
    while (!this.#blocked && !this.#closed && looked < this.#waiting.length && looked < AT_ONCE) {
      const event = this.#waiting[looked];
      looked += 1;
      this.#waitingCharacters -= event?.text.length ?? 0;
      if (event !== undefined && this.#maySee(event)) this.#blocked = !this.#socket.send(event.text);
    }
    if (looked > 0) this.#waiting.splice(0, looked);
    if (this.#blocked || this.#closed) return;
    if (this.#waiting.length > 0) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.#send();
      });
    } else if (this.#behind) {
      this.#behind = false;
      this.#reading.more();
    }
  }

  #tooSlow(): void {
    this.#socket.close(closeCodes.tooSlow, 'too slow: come back with since');
  }

  #isWanted({ type, clientId }: StreamEvent): boolean {
    const { types, clientIds } = this.#filter;
    return types.has(type) && (clientIds === null || clientIds.has(clientId));
  }

  /** As things are now: groups, permissions and lists of access may have changed since it opened. */
  #maySee(event: StreamEvent): boolean {
    const { principal } = this.#socket;
    if (principal.admin) return true;
    const needed = permissionsFor(event.type);
    if (needed.length > 0 && !needed.some((permission) => principal.permissions.has(permission)))
      return false;
    return this.#canAccess(event, principal);
  }

  #canAccess({ clientId, connectedAt, allowedUserGroups }: StreamEvent, principal: Principal): boolean {
    const { clients, store } = this.#deps;
    const known = clients.get(clientId);
    if (known === undefined || (connectedAt !== null && known.connectedAt < connectedAt)) {
      // News of the client itself come by another way, and may be a moment behind.
      const record = store.clients.get(clientId);
      if (record !== undefined) clients.apply({ type: 'saved', record });
    }
    if (clients.get(clientId) !== undefined) return clients.canAccess(clientId, principal);
    // It is gone for good: who could see it then.
    return principal.groups.some((group) => allowedUserGroups?.includes(group) === true);
  }
}
