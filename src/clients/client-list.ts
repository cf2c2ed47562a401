/** Answers to `GET /clients`. Spec 03 §5. */

import type { Principal } from '../auth/principal.js';
import { compileFilters } from '../query/match.js';
import type { ListOptions } from '../query/types.js';
import { BoundedCache } from './bounded-cache.js';
import type { Entry } from './client-entry.js';
import type { ClientTable } from './client-table.js';
import { clientColumn, isClientSort } from './columns.js';
import type { GroupIndex } from './groups/group-index.js';
import { PAGE_CHARACTERS, PAGE_ENTRIES, type Page, pageKey } from './page.js';
import { clientWriter, defaultListFields } from './record-json.js';
import { accessOf } from './visibility.js';

interface KeptPage {
  readonly page: Page;
  /** Of the heartbeats when the page was made; `null` when it shows none. */
  readonly heartbeats: number | null;
}

const writeDefaultFields = clientWriter(defaultListFields);

export class ClientList {
  readonly #clients: ClientTable;
  readonly #groups: GroupIndex;
  readonly #pages = new BoundedCache<KeptPage>(PAGE_ENTRIES, PAGE_CHARACTERS);
  #heartbeats = 0;
  #selection = 0;

  constructor(clients: ClientTable, groups: GroupIndex) {
    this.#clients = clients;
    this.#groups = groups;
  }

  /** A client or a client group has changed. */
  clear(): void {
    this.#pages.clear();
  }

  /** Nothing has changed but heartbeats. */
  clearHeartbeats(): void {
    this.#heartbeats++;
  }

  page(options: ListOptions, viewer: Principal): Page {
    const { sorts, filters, offset, limit } = options;
    const names = options.fields.clients;
    const key = pageKey(viewer, [sorts, filters, names, offset, limit]);
    const kept = this.#pages.get(key);
    if (kept !== undefined && (kept.heartbeats ?? this.#heartbeats) === this.#heartbeats) return kept.page;
    const { entries, count } = this.#select(options, viewer);
    const write = names === undefined ? writeDefaultFields : clientWriter(names);
    const page = { items: `[${entries.map(write).join(',')}]`, count };
    const heartbeats = names?.includes('last_heartbeat_at') ? this.#heartbeats : null;
    this.#pages.set(key, { page, heartbeats }, key.length + page.items.length);
    return page;
  }

  #select(
    { sorts: [sort], filters, offset, limit }: ListOptions,
    viewer: Principal,
  ): { entries: readonly Entry[]; count: number } {
    const column = sort !== undefined && isClientSort(sort.column) ? sort.column : 'id';
    const ordered = this.#clients.ordered(column);
    const backwards = sort?.descending ?? false;
    const total = ordered.length;
    const end = offset + limit;
    const entries: Entry[] = [];
    const at = (index: number) => ordered[backwards ? total - 1 - index : index] as Entry;
    if (filters.length === 0 && viewer.admin) {
      for (let index = offset; index < Math.min(end, total); index++) entries.push(at(index));
      return { entries, count: total };
    }
    // Looked at in the order of the map, which is close to that of the memory: several times faster than in the
    // order of the column. Then the page is picked in that order, which ends with its last client.
    const matches = compileFilters(filters, clientColumn);
    const isVisible = accessOf(viewer, this.#groups);
    const selection = ++this.#selection;
    let count = 0;
    for (const entry of this.#clients.all()) {
      if (!isVisible(entry) || !matches(entry)) continue;
      entry.selection = selection;
      count++;
    }
    let toSkip = offset;
    for (let index = 0; index < total && offset + entries.length < Math.min(end, count); index++) {
      const entry = at(index);
      if (entry.selection === selection && --toSkip < 0) entries.push(entry);
    }
    return { entries, count };
  }
}
