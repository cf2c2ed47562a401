/** Pages of the library. Spec 03 §3.5 and §10. */

import { Turns } from '../clients/in-turns.js';
import { sortInTurns } from '../query/sort-in-turns.js';
import { compareStored, listStored, type StoredColumns, type StoredTable } from '../query/stored.js';
import type { ListOptions, SortKey } from '../query/types.js';
import type { LibraryPlace, LibraryRepository } from '../store/library.js';
import type { LibraryEntry, Stored } from './entry.js';
import type { LibraryKind } from './kind.js';

/** Rows read at once: about a millisecond. */
const CHUNK = 300;
/** Rows kept parsed, as they are stored: some 40,000 usual ones. Beyond it every list reads them anew. */
const MOST_BYTES = 16 * 1024 * 1024;

/** The order rows are stored in. */
const NATURAL = 'created_at';

/** Changes worked into what is kept, one by one: about a millisecond. Beyond that all rows are read. */
const MOST_FOLLOWED = 50;
/** Then all rows are read, to see how long they are by now. */
const MOST_SINCE_READ = 1_000;

/** Those of the same value as they are stored. */
const orderOf = (column: string): SortKey[] =>
  [column, NATURAL, 'id'].map((name) => ({ column: name, descending: false }));

interface Page<Entry extends LibraryEntry> {
  readonly items: readonly Stored<Entry>[];
  readonly count: number;
}

interface Kept<Entry extends LibraryEntry> {
  readonly version: number;
  /** The version all rows were read at. */
  readonly readAt: number;
  /** By the column that orders them, ascending; `null` when they are too many to be kept. */
  readonly ordered: Map<string, readonly Entry[]> | null;
}

/** One per thread and kind. Entries are kept parsed until something changes, whoever changes it; texts are not. */
export class LibraryList<Entry extends LibraryEntry> {
  readonly #repository: LibraryRepository<Entry>;
  readonly #columns: StoredColumns<Entry>;
  readonly #textKey: string;
  readonly #turns = new Turns();
  /** For lists that look at texts, which take a hundred times as long: others do not wait for them. */
  readonly #longTurns = new Turns();
  #kept: Kept<Entry> = { version: -1, readAt: -1, ordered: null };

  constructor(repository: LibraryRepository<Entry>, kind: LibraryKind<Entry>) {
    this.#repository = repository;
    this.#columns = kind.columns(({ id }) => repository.text(id) ?? '');
    this.#textKey = kind.textKey;
  }

  /**
   * In the order of creation unless asked otherwise. Shows everything acknowledged before the call. Texts are read when
   * `fields` does not leave them out. Rejects with `AppError` 400 like `listStored`.
   */
  async page(options: ListOptions, fields: readonly string[] | undefined): Promise<Page<Entry>> {
    const turns = this.#looksAtTexts(options) ? this.#longTurns : this.#turns;
    const { items, count } = await turns.run(() => this.#select(options));
    if (fields !== undefined && !fields.includes(this.#textKey)) {
      return { items: items.map((entry) => ({ entry, text: '' })), count };
    }
    // As it is now, text and all: it may have changed or gone since the list began.
    return { items: items.flatMap(({ id }) => this.#repository.get(id) ?? []), count };
  }

  #looksAtTexts({ sorts, filters }: ListOptions): boolean {
    const named = [...sorts.map(({ column }) => column), ...filters.flatMap(({ columns }) => columns)];
    return named.includes(this.#textKey);
  }

  *#select(options: ListOptions): ReturnType<typeof listStored<Entry>> {
    const { ordered } = yield* this.#present();
    if (ordered === null) return yield* listStored(this.#stored(), options);
    return yield* listStored(yield* this.#inMemory(ordered, options), options);
  }

  *#present(): Generator<void, Kept<Entry>> {
    // Taken before the rows are read: a change while they are makes them out of date, not wrong for ever.
    const version = this.#repository.version();
    if (version === this.#kept.version) return this.#kept;
    const followed = this.#follow(version);
    if (followed !== null) return followed;
    const entries: Entry[] = [];
    let bytes = 0;
    let after: LibraryPlace | undefined;
    do {
      const rows = this.#repository.chunk({ reverse: false, ...(after && { after }), limit: CHUNK });
      for (const { entry, bytes: length } of rows) {
        if (entry !== undefined) entries.push(entry);
        bytes += length;
      }
      after = rows.at(-1);
      if (bytes > MOST_BYTES) break;
      if (after !== undefined) yield;
    } while (after !== undefined);
    const ordered = bytes > MOST_BYTES ? null : new Map([[NATURAL, entries]]);
    const present = { version, readAt: version, ordered };
    this.#kept = present;
    return present;
  }

  /** What is kept with the changes since; `null` when they are too many, or what is kept may have grown too much. */
  #follow(version: number): Kept<Entry> | null {
    const { ordered, readAt, version: known } = this.#kept;
    if (ordered === null || version - known > MOST_FOLLOWED || version - readAt > MOST_SINCE_READ)
      return null;
    const changes = this.#repository.changesSince(known);
    if (changes === null) return null;
    const next = new Map<string, readonly Entry[]>();
    for (const [column, entries] of ordered) next.set(column, this.#merged(column, entries, changes));
    // The changes may be some more than `version` says; they are looked at once more then.
    this.#kept = { version, readAt, ordered: next };
    return this.#kept;
  }

  /** A new list: others may be going through the old one. */
  #merged(
    column: string,
    entries: readonly Entry[],
    changes: ReadonlyMap<string, Entry | undefined>,
  ): readonly Entry[] {
    const compare = compareStored(orderOf(column), this.#columns);
    const merged = entries.filter(({ id }) => !changes.has(id));
    for (const entry of changes.values()) {
      if (entry === undefined) continue;
      let [from, to] = [0, merged.length];
      while (from < to) {
        const middle = (from + to) >>> 1;
        const other = merged[middle];
        if (other !== undefined && compare(other, entry) < 0) from = middle + 1;
        else to = middle;
      }
      merged.splice(from, 0, entry);
    }
    return merged;
  }

  /** In the order asked for where that is one column: it is sorted once, until something changes. */
  *#inMemory(
    ordered: Map<string, readonly Entry[]>,
    { sorts }: ListOptions,
  ): Generator<void, StoredTable<Entry>> {
    const natural = ordered.get(NATURAL) ?? [];
    const [first] = sorts;
    const order =
      first === undefined || sorts.length > 1 || first.column === this.#textKey ? NATURAL : first.column;
    let entries = ordered.get(order);
    if (entries === undefined) {
      // Stable: those of the same value stay as they are stored.
      const ascending = [{ column: order, descending: false }];
      entries = yield* sortInTurns(natural, compareStored(ascending, this.#columns));
      ordered.set(order, entries);
    }
    const rows = entries;
    return {
      columns: this.#columns,
      order,
      count: () => rows.length,
      scan({ reverse, offset = 0, limit = rows.length }) {
        return (reverse ? rows.toReversed() : rows).slice(offset, offset + limit);
      },
    };
  }

  #stored(): StoredTable<Entry> {
    const repository = this.#repository;
    return {
      columns: this.#columns,
      order: NATURAL,
      count: () => repository.count(),
      *scan({ reverse, offset = 0, limit = Number.MAX_SAFE_INTEGER }) {
        let left = limit;
        let after: LibraryPlace | undefined;
        while (left > 0) {
          const from = after === undefined ? { offset } : { after };
          const rows = repository.chunk({ reverse, ...from, limit: Math.min(left, CHUNK) });
          after = rows.at(-1);
          if (after === undefined) return;
          left -= rows.length;
          for (const { entry } of rows) if (entry !== undefined) yield entry;
        }
      },
    };
  }
}
