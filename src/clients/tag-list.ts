/** Answers to `GET /client-tags`. Spec 03 §6. */

import type { Principal } from '../auth/principal.js';
import { paginate } from '../query/paginate.js';
import type { ListOptions } from '../query/types.js';
import { BoundedCache } from './bounded-cache.js';
import { PAGE_CHARACTERS, PAGE_ENTRIES, type Page, pageKey } from './page.js';
import type { ClientRecord } from './record.js';
import { type TagRow, tagRowJson, tagTable } from './tag-table.js';
import { visibilityKey } from './visibility.js';

/** Viewers with different groups whose tags are kept. */
const TABLES = 16;

export class TagList {
  readonly #visible: (viewer: Principal) => Iterable<ClientRecord>;
  readonly #tables = new Map<string, readonly TagRow[]>();
  readonly #pages = new BoundedCache<Page>(PAGE_ENTRIES, PAGE_CHARACTERS);

  /** `visible`: clients in the order of their ids. */
  constructor(visible: (viewer: Principal) => Iterable<ClientRecord>) {
    this.#visible = visible;
  }

  /** The tags of a client have changed, or who may access it. */
  clear(): void {
    this.#tables.clear();
    this.#pages.clear();
  }

  page(options: ListOptions, viewer: Principal): Page {
    const names = options.fields.client_tags;
    const key = pageKey(viewer, [names, options.offset, options.limit]);
    const kept = this.#pages.get(key);
    if (kept !== undefined) return kept;
    const { items, count } = paginate(this.#table(viewer), options);
    const page = { items: `[${items.map((row) => tagRowJson(row, names)).join(',')}]`, count };
    this.#pages.set(key, page, key.length + page.items.length);
    return page;
  }

  #table(viewer: Principal): readonly TagRow[] {
    const key = visibilityKey(viewer);
    const kept = this.#tables.get(key);
    if (kept !== undefined) return kept;
    const table = tagTable(this.#visible(viewer));
    if (this.#tables.size >= TABLES) this.#tables.clear();
    this.#tables.set(key, table);
    return table;
  }
}
