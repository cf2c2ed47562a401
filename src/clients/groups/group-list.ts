/** Answers to `GET /client-groups` and `GET /client-groups/{group_id}`. Spec 03 §7.3. */

import type { Principal } from '../../auth/principal.js';
import { AppError } from '../../errors.js';
import { jsonText } from '../../go/json-text.js';
import { paginate } from '../../query/paginate.js';
import { compareStored, compileStoredFilters, type StoredColumns } from '../../query/stored.js';
import type { ListOptions } from '../../query/types.js';
import { BoundedCache } from '../bounded-cache.js';
import { atOnce, Turns } from '../in-turns.js';
import { PAGE_CHARACTERS, PAGE_ENTRIES, type Page, pageKey } from '../page.js';
import { accessOf } from '../visibility.js';
import type { ClientGroup } from './group.js';
import type { GroupedClient, GroupIndex } from './group-index.js';
import { clientGroupFields, defaultGroupFields, groupText } from './group-json.js';
import type { Membership } from './membership.js';

/** In one answer: ~8 MB. Every client of a fleet of 10,000 in twenty groups. */
const MOST_IDS = 200_000;
/** Until other requests have their turn: ~10 ms. */
const IDS_PER_TURN = 20_000;

/** What lists of groups can be sorted and filtered by. */
const columns: StoredColumns<ClientGroup> = {
  id: { kind: 'text', read: ({ id }) => id },
  description: { kind: 'text', read: ({ description }) => description },
};
export const groupColumns: readonly string[] = Object.keys(columns);

interface Count {
  clients: number;
  connected: number;
}

const nobody: Readonly<Count> = { clients: 0, connected: 0 };

export class GroupList {
  readonly #groups: GroupIndex;
  readonly #clients: () => readonly GroupedClient[];
  readonly #turns = new Turns();
  readonly #pages = new BoundedCache<Page>(PAGE_ENTRIES, PAGE_CHARACTERS);

  /** `clients`: all of them, by id in any letter case. */
  constructor(groups: GroupIndex, clients: () => readonly GroupedClient[]) {
    this.#groups = groups;
    this.#clients = clients;
  }

  /** A group has changed, or something that shows in one: its members, their state, who may access them. */
  clear(): void {
    this.#pages.clear();
  }

  /** Comes at once unless it shows many ids. Throws `AppError` 400 when it would show more than `MOST_IDS`. */
  page(options: ListOptions, viewer: Principal): Page | Promise<Page> {
    const { sorts, filters, offset, limit } = options;
    const names = options.fields.client_groups ?? defaultGroupFields;
    const key = pageKey(viewer, [sorts, filters, names, offset, limit]);
    const kept = this.#pages.get(key);
    if (kept !== undefined) return kept;
    const { items, count } = this.#select(options, viewer);
    const toPage = (texts: readonly string[]): Page => ({ items: `[${texts.join(',')}]`, count });
    const texts = this.#texts(items, names, viewer);
    // Something may have changed by then, and it would be too long to be kept anyway.
    if (texts instanceof Promise) return texts.then(toPage);
    const page = toPage(texts);
    this.#pages.set(key, page, key.length + page.items.length);
    return page;
  }

  /** Like `page`. */
  one(
    id: string,
    fields: readonly string[] | undefined,
    viewer: Principal,
  ): string | undefined | Promise<string | undefined> {
    const group = this.#groups.get(id);
    if (group === undefined) return undefined;
    const texts = this.#texts([group], fields ?? clientGroupFields, viewer);
    return texts instanceof Promise ? texts.then(([text]) => text) : texts[0];
  }

  #select(options: ListOptions, viewer: Principal): ReturnType<typeof paginate<ClientGroup>> {
    const matches = compileStoredFilters(options.filters, columns);
    let groups = this.#groups.all().filter(matches);
    if (!viewer.admin) {
      const counts = this.#counts(viewer);
      groups = groups.filter(({ id }) => counts.has(this.#groups.numberOf(id) ?? -1));
    }
    groups.sort(compareStored([...options.sorts, { column: 'id', descending: false }], columns));
    return paginate(groups, options);
  }

  #texts(
    groups: readonly ClientGroup[],
    names: readonly string[],
    viewer: Principal,
  ): readonly string[] | Promise<readonly string[]> {
    const counted = ['num_clients', 'num_clients_connected', 'client_ids'].some((name) =>
      names.includes(name),
    );
    const counts = counted ? this.#counts(viewer) : new Map<number, Count>();
    const numbers = groups.map(({ id }) => this.#groups.numberOf(id) ?? -1);
    const write = (ids: readonly string[]): readonly string[] =>
      groups.map((group, index) => {
        const { clients, connected } = counts.get(numbers[index] ?? -1) ?? nobody;
        return groupText({ group, clients, connected, clientIds: ids[index] ?? '' }, names);
      });
    if (!names.includes('client_ids')) return write([]);
    const total = numbers.reduce((sum, number) => sum + (counts.get(number)?.clients ?? 0), 0);
    if (total > MOST_IDS) throw tooManyIds();
    if (total <= IDS_PER_TURN) return write(atOnce(this.#clientIds(numbers, viewer)));
    return this.#turns.run(() => this.#clientIds(numbers, viewer)).then(write);
  }

  /** Visible clients by number of the group; groups without any are missing. */
  #counts(viewer: Principal): Map<number, Count> {
    const isVisible = accessOf(viewer, this.#groups);
    const together = new Map<Membership, Count>();
    for (const client of this.#clients()) {
      if (client.membership.bits === '' || !isVisible(client)) continue;
      const count = countOf(together, client.membership);
      count.clients++;
      if (client.record.disconnectedAt === null) count.connected++;
    }
    const counts = new Map<number, Count>();
    for (const [membership, { clients, connected }] of together) {
      for (const number of membership.numbers()) {
        const count = countOf(counts, number);
        count.clients += clients;
        count.connected += connected;
      }
    }
    return counts;
  }

  /** Visible members of some groups, by the numbers of these: as JSON texts, ascending, with commas in between. */
  *#clientIds(groups: readonly number[], viewer: Principal): Generator<void, readonly string[]> {
    const isVisible = accessOf(viewer, this.#groups);
    const ids = new Map<number, string[]>();
    for (const number of groups) ids.set(number, []);
    const listsOf = new Map<Membership, readonly string[][]>();
    const visible = this.#clients().filter((client) => client.membership.bits !== '' && isVisible(client));
    // What changes between two turns must not show in one list only.
    const members = inOrder(visible).map(({ record, membership }) => ({ id: record.id, membership }));
    let inTurn = 0;
    for (const { id, membership } of members) {
      let lists = listsOf.get(membership);
      if (lists === undefined) {
        lists = membership.numbers().flatMap((number) => {
          const list = ids.get(number);
          return list === undefined ? [] : [list];
        });
        listsOf.set(membership, lists);
      }
      const text = jsonText(id);
      for (const list of lists) list.push(text);
      inTurn += lists.length;
      if (inTurn < IDS_PER_TURN) continue;
      inTurn = 0;
      yield;
    }
    const texts: string[] = [];
    for (const number of groups) {
      const list = ids.get(number) ?? [];
      texts.push(list.join(','));
      inTurn += list.length;
      if (inTurn < IDS_PER_TURN) continue;
      inTurn = 0;
      yield;
    }
    return texts;
  }
}

const tooManyIds = (): AppError =>
  new AppError('bad_request', {
    title: `The answer would have more than ${MOST_IDS} client ids. Ask for fewer groups at a time, or for other fields.`,
  });

/** By id; they come ordered without regard to case, which is mostly the same. */
function inOrder(clients: GroupedClient[]): readonly GroupedClient[] {
  const idOf = (index: number): string => clients[index]?.record.id ?? '';
  if (clients.every((_, index) => index === 0 || idOf(index - 1) < idOf(index))) return clients;
  return clients.sort((one, other) => (one.record.id < other.record.id ? -1 : 1));
}

function countOf<Key>(counts: Map<Key, Count>, key: Key): Count {
  const known = counts.get(key);
  if (known !== undefined) return known;
  const count = { ...nobody };
  counts.set(key, count);
  return count;
}
