/**
 * The clients in the order of one column, kept sorted between requests. Changes are collected and merged in when
 * the order is asked for: p changes among n clients cost p·log n comparisons and one copy of n pointers.
 */

import type { ClientRecord } from './record.js';

/** A client at one moment. A change makes a new one and turns `stale` of the old one true. */
export interface SortableClient {
  readonly record: ClientRecord;
  readonly stale: boolean;
}

interface Keyed<Client> {
  readonly client: Client;
  readonly key: string;
  readonly id: string;
}

export class SortedClients<Client extends SortableClient> {
  readonly #keyOf: (record: ClientRecord) => string;
  readonly #all: () => Iterable<Client>;
  /** `undefined`: nobody has asked for this order yet, or too much has changed since. */
  #sorted: readonly Client[] | undefined;
  #added: Client[] = [];
  #hasStale = false;

  constructor(keyOf: (record: ClientRecord) => string, all: () => Iterable<Client>) {
    this.#keyOf = keyOf;
    this.#all = all;
  }

  /** `client` is new, or replaces one that is stale now. */
  added(client: Client): void {
    if (this.#sorted === undefined) return;
    this.#added.push(client);
    this.#hasStale = true;
    // Nobody asks: forget the order rather than collect changes without end.
    if (this.#added.length > this.#sorted.length + 1000) this.#forget();
  }

  /** A client turned stale without a successor. */
  removed(): void {
    this.#hasStale = true;
  }

  /** All clients by lower-cased column, then by lower-cased id. Valid until the next change. */
  ordered(): readonly Client[] {
    if (this.#sorted === undefined) {
      this.#sorted = this.#sort(this.#all());
    } else if (this.#hasStale) {
      const kept = this.#sorted.filter((client) => !client.stale);
      const added = this.#sort(this.#added.filter((client) => !client.stale));
      this.#sorted = this.#merge(kept, added);
    }
    this.#added = [];
    this.#hasStale = false;
    return this.#sorted;
  }

  #forget(): void {
    this.#sorted = undefined;
    this.#added = [];
    this.#hasStale = false;
  }

  #sort(clients: Iterable<Client>): Client[] {
    const keyed = Array.from(clients, (client) => this.#keyed(client));
    return keyed.sort(compare).map(({ client }) => client);
  }

  #merge(kept: readonly Client[], added: readonly Client[]): Client[] {
    const merged: Client[] = [];
    let from = 0;
    for (const client of added) {
      const to = this.#position(kept, from, this.#keyed(client));
      for (; from < to; from++) merged.push(kept[from] as Client);
      merged.push(client);
    }
    for (; from < kept.length; from++) merged.push(kept[from] as Client);
    return merged;
  }

  /** First index at or after `low` whose client sorts behind `wanted`. */
  #position(clients: readonly Client[], low: number, wanted: Keyed<Client>): number {
    let high = clients.length;
    let start = low;
    while (start < high) {
      const middle = (start + high) >>> 1;
      if (compare(this.#keyed(clients[middle] as Client), wanted) < 0) start = middle + 1;
      else high = middle;
    }
    return start;
  }

  #keyed(client: Client): Keyed<Client> {
    return { client, key: this.#keyOf(client.record).toLowerCase(), id: client.record.id };
  }
}

function compare(a: Keyed<SortableClient>, b: Keyed<SortableClient>): number {
  if (a.key !== b.key) return a.key < b.key ? -1 : 1;
  const [left, right] = [a.id.toLowerCase(), b.id.toLowerCase()];
  if (left !== right) return left < right ? -1 : 1;
  // Ids that differ in case only still need one order.
  return a.id < b.id ? -1 : 1;
}
