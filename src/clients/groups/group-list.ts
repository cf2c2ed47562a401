/** Answers to `GET /client-groups` and `GET /client-groups/{group_id}`. Spec 03 §7.3. */

import type { Principal } from '../../auth/principal.js';
import { jsonText } from '../../go/json-text.js';
import type { ColumnReader } from '../../query/match.js';
import { compileExactFilters } from '../../query/match-exact.js';
import { paginate } from '../../query/paginate.js';
import type { ListOptions, SortKey } from '../../query/types.js';
import { BoundedCache } from '../bounded-cache.js';
import type { Page } from '../read-model.js';
import { accessOf, visibilityKey } from '../visibility.js';
import type { ClientGroup } from './group.js';
import type { GroupedClient, GroupIndex } from './group-index.js';
import { clientGroupFields, defaultGroupFields, groupText } from './group-json.js';
import type { Membership } from './membership.js';

const PAGE_ENTRIES = 256;
const PAGE_CHARACTERS = 8 * 1024 * 1024;

/** What lists of groups can be sorted and filtered by. */
const columns = {
  id: (group: ClientGroup) => group.id,
  description: (group: ClientGroup) => group.description,
};
export const groupColumns: readonly string[] = Object.keys(columns);

const isColumn = (name: string): name is keyof typeof columns => Object.hasOwn(columns, name);
const columnReader: ColumnReader<ClientGroup> = (name) => (isColumn(name) ? columns[name] : () => undefined);

interface Count {
  clients: number;
  connected: number;
}

const nobody: Readonly<Count> = { clients: 0, connected: 0 };

export class GroupList {
  readonly #groups: GroupIndex;
  readonly #clients: () => readonly GroupedClient[];
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

  page(options: ListOptions, viewer: Principal): Page {
    const { sorts, filters, offset, limit } = options;
    const names = options.fields.client_groups ?? defaultGroupFields;
    const key = `${visibilityKey(viewer)}\n${JSON.stringify([sorts, filters, names, offset, limit])}`;
    const kept = this.#pages.get(key);
    if (kept !== undefined) return kept;
    const page = this.#make(options, names, viewer);
    this.#pages.set(key, page, key.length + page.items.length);
    return page;
  }

  one(id: string, fields: readonly string[] | undefined, viewer: Principal): string | undefined {
    const group = this.#groups.get(id);
    if (group === undefined) return undefined;
    return this.#texts([group], fields ?? clientGroupFields, viewer)[0];
  }

  #make(options: ListOptions, names: readonly string[], viewer: Principal): Page {
    const matches = compileExactFilters(options.filters, columnReader);
    let groups = this.#groups.all().filter(matches);
    if (!viewer.admin) {
      const counts = this.#counts(viewer);
      groups = groups.filter(({ id }) => counts.has(this.#groups.numberOf(id) ?? -1));
    }
    groups.sort(comparison(options.sorts));
    const { items, count } = paginate(groups, options);
    return { items: `[${this.#texts(items, names, viewer).join(',')}]`, count };
  }

  #texts(groups: readonly ClientGroup[], names: readonly string[], viewer: Principal): string[] {
    const counted = names.includes('num_clients') || names.includes('num_clients_connected');
    const counts = counted ? this.#counts(viewer) : new Map<number, Count>();
    const ids = names.includes('client_ids') ? this.#clientIds(groups, viewer) : new Map<number, string[]>();
    return groups.map((group) => {
      const number = this.#groups.numberOf(group.id) ?? -1;
      const { clients, connected } = counts.get(number) ?? nobody;
      return groupText({ group, clients, connected, clientIds: ids.get(number) ?? [] }, names);
    });
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

  /** Visible members of some groups, ascending and each as JSON text, by number of the group. */
  #clientIds(groups: readonly ClientGroup[], viewer: Principal): Map<number, string[]> {
    const isVisible = accessOf(viewer, this.#groups);
    const ids = new Map<number, string[]>();
    for (const { id } of groups) ids.set(this.#groups.numberOf(id) ?? -1, []);
    const listsOf = new Map<Membership, readonly string[][]>();
    const visible = this.#clients().filter((client) => client.membership.bits !== '' && isVisible(client));
    for (const { record, membership } of inOrder(visible)) {
      let lists = listsOf.get(membership);
      if (lists === undefined) {
        lists = membership.numbers().flatMap((number) => {
          const list = ids.get(number);
          return list === undefined ? [] : [list];
        });
        listsOf.set(membership, lists);
      }
      const text = jsonText(record.id);
      for (const list of lists) list.push(text);
    }
    return ids;
  }
}

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

/** The columns in the order given, then by id; letter case counts. */
function comparison(sorts: readonly SortKey[]): (one: ClientGroup, other: ClientGroup) => number {
  const keys = [...sorts, { column: 'id', descending: false }].map(({ column, descending }) => ({
    read: isColumn(column) ? columns[column] : columns.id,
    sign: descending ? -1 : 1,
  }));
  return (one, other) => {
    for (const { read, sign } of keys) {
      const [left, right] = [read(one), read(other)];
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  };
}
