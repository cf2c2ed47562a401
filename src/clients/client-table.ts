/** The clients of one thread as they are now: by id, in the orders of lists, and when they leave by themselves. */

import type { ClientId } from '../ids.js';
import type { Clock, Milliseconds } from '../time.js';
import type { Entry } from './client-entry.js';
import { type ClientSort, clientSorts } from './columns.js';
import { SortedClients } from './sorted-clients.js';

export class ClientTable {
  readonly #entries = new Map<ClientId, Entry>();
  readonly #orders: Readonly<Record<ClientSort, SortedClients<Entry>>>;
  /** Entries that may become obsolete. Empty unless purging is on. */
  readonly #perishable = new Set<Entry>();
  /** No perishable entry is obsolete up to this time. */
  #freshUntil: Milliseconds = Number.POSITIVE_INFINITY;
  #connected = 0;

  constructor() {
    const order = (column: ClientSort) =>
      new SortedClients<Entry>(clientSorts[column], () => this.#entries.values());
    this.#orders = {
      id: order('id'),
      name: order('name'),
      os: order('os'),
      hostname: order('hostname'),
      version: order('version'),
    };
  }

  get size(): number {
    return this.#entries.size;
  }

  get connected(): number {
    return this.#connected;
  }

  get(id: ClientId): Entry | undefined {
    return this.#entries.get(id);
  }

  /** In no particular order. */
  all(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** By the column, then by id, in any letter case. Valid until the next change. */
  ordered(column: ClientSort): readonly Entry[] {
    return this.#orders[column].ordered();
  }

  /** `previous`: what it replaces. */
  put(entry: Entry, previous: Entry | undefined): void {
    if (previous !== undefined) this.delete(previous);
    this.#entries.set(entry.record.id, entry);
    if (entry.record.disconnectedAt === null) this.#connected++;
    if (entry.obsoleteAfter !== Number.POSITIVE_INFINITY) {
      this.#perishable.add(entry);
      this.#freshUntil = Math.min(this.#freshUntil, entry.obsoleteAfter);
    }
    for (const order of Object.values(this.#orders)) order.added(entry);
  }

  delete(entry: Entry): void {
    this.#entries.delete(entry.record.id);
    this.#perishable.delete(entry);
    entry.stale = true;
    if (entry.record.disconnectedAt === null) this.#connected--;
    for (const order of Object.values(this.#orders)) order.removed();
  }

  /** Those that should leave now. Costs nothing until the first of them is due. */
  obsolete(clock: Pick<Clock, 'now'>): readonly Entry[] {
    if (this.#perishable.size === 0) return [];
    const now = clock.now();
    if (now <= this.#freshUntil) return [];
    this.#freshUntil = Number.POSITIVE_INFINITY;
    const leaving: Entry[] = [];
    for (const entry of this.#perishable) {
      if (entry.obsoleteAfter < now) leaving.push(entry);
      else this.#freshUntil = Math.min(this.#freshUntil, entry.obsoleteAfter);
    }
    return leaving;
  }
}
