/**
 * Lists over stored tables, which the reference keeps in SQL: filters, order and pages. Spec 03 §3.3 and §3.5.
 *
 * It shares grammar and checks with the lists kept in memory (`validate.ts`); what differs is how a value is
 * compared. Letter case counts unless the value has a wildcard, `and(…)` means the same as `or(…)`, numbers and
 * instants are compared as such. A filter that looks at a column of several texts goes by the rules of `match.ts`.
 */

import { AppError } from '../errors.js';
import type { Milliseconds } from '../time.js';
import { parsePlainDate, parseRfc3339 } from './instant.js';
import { compileFilters } from './match.js';
import type { Filter, ListOptions, SortKey } from './types.js';
import { compileGlob, fold } from './wildcard.js';

/** One column by what it holds. Where a row has none it is `null`, which sorts first and is found by the empty value. */
export type StoredColumn<Row> =
  | { readonly kind: 'text'; readonly read: (row: Row) => string | null }
  /** Flags count as 0 and 1. */
  | { readonly kind: 'number'; readonly read: (row: Row) => number | boolean | null }
  /** RFC 3339. */
  | { readonly kind: 'instant'; readonly read: (row: Row) => string | null }
  /** Evaluated like the lists in memory, with every other column of the same filter. Sorts by its JSON text. */
  | { readonly kind: 'texts'; readonly read: (row: Row) => readonly string[] | null };

export type StoredColumns<Row> = Readonly<Record<string, StoredColumn<Row>>>;

export interface StoredTable<Row> {
  readonly columns: StoredColumns<Row>;
  /** The column in whose ascending order `scan` goes. */
  readonly order?: string;
  /** All rows, or a part of them by their places in that direction, read as they are asked for. */
  scan(part: { readonly reverse: boolean; readonly offset?: number; readonly limit?: number }): Iterable<Row>;
  /** Of all rows. */
  count(): number;
}

export interface StoredPage<Row> {
  readonly items: readonly Row[];
  /** Rows all filters match. */
  readonly count: number;
}

/** Rows looked at before others have their turn: about a millisecond. */
const ROWS_PER_TURN = 500;

/**
 * One page. A list in the order of the table without filters reads the rows of the page only; any other looks at
 * every row once and remembers no more than the page needs. For `Turns`, or `atOnce` where tables are small.
 * Throws `AppError` 400 for a value that cannot be compared.
 */
export function* listStored<Row>(
  table: StoredTable<Row>,
  { sorts, filters, offset, limit }: Pick<ListOptions, 'sorts' | 'filters' | 'offset' | 'limit'>,
): Generator<void, StoredPage<Row>> {
  const [first] = sorts;
  // The keys are in order already; further columns decide nothing only where they cannot differ.
  const natural = first === undefined || (sorts.length === 1 && first.column === table.order);
  const reverse = natural && (first?.descending ?? false);
  if (natural && filters.length === 0) {
    return { items: [...table.scan({ reverse, offset, limit })], count: table.count() };
  }
  const matches = compileStoredFilters(filters, table.columns);
  const page = natural
    ? new PlainPage<Row>(offset, limit)
    : new SortedPage(sorts, table.columns, offset, limit);
  let seen = 0;
  for (const row of table.scan({ reverse })) {
    if (matches(row)) page.add(row);
    if (++seen % ROWS_PER_TURN === 0) yield;
  }
  return { items: page.items(), count: page.count };
}

/** A predicate that is true for rows all `filters` match. Throws `AppError` 400 like `listStored`. */
export function compileStoredFilters<Row>(
  filters: readonly Filter[],
  columns: StoredColumns<Row>,
): (row: Row) => boolean {
  const compiled = filters.map((filter) => {
    const looked = filter.columns.flatMap((name) => {
      const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
      return column === undefined ? [] : [column];
    });
    if (looked.some(({ kind }) => kind === 'texts')) return compileInMemory(filter, columns);
    const tests = looked.map((column) => compileColumn(column, filter));
    return (row: Row) => tests.some((test) => test(row));
  });
  return (row) => compiled.every((matches) => matches(row));
}

/** The order of `sorts`; rows that are equal in all of them keep theirs. */
export function compareStored<Row>(
  sorts: readonly SortKey[],
  columns: StoredColumns<Row>,
): (one: Row, other: Row) => number {
  const keys = sorts.map(({ column, descending }) => ({
    read: sortValue(Object.hasOwn(columns, column) ? columns[column] : undefined),
    sign: descending ? -1 : 1,
  }));
  return (one, other) => {
    for (const { read, sign } of keys) {
      const [left, right] = [read(one), read(other)];
      if (left === right) continue;
      if (left === null || right === null) return left === null ? -sign : sign;
      if (left !== right) return left < right ? -sign : sign;
    }
    return 0;
  };
}

type Sortable = string | number | null;

function sortValue<Row>(column: StoredColumn<Row> | undefined): (row: Row) => Sortable {
  switch (column?.kind) {
    case 'text':
      return column.read;
    case 'number':
      return (row) => numberOf(column.read(row));
    case 'instant':
      return (row) => instantOf(column.read(row));
    case 'texts':
      return (row) => {
        const texts = column.read(row);
        return texts === null ? null : JSON.stringify(texts);
      };
    case undefined:
      return () => null;
  }
}

const numberOf = (value: number | boolean | null): number | null => (value === null ? null : Number(value));

const instantOf = (text: string | null): Milliseconds | null =>
  text === null ? null : (parseRfc3339(text) ?? null);

function compileInMemory<Row>(filter: Filter, columns: StoredColumns<Row>): (row: Row) => boolean {
  return compileFilters<Row>([filter], (name) => {
    const column = Object.hasOwn(columns, name) ? columns[name] : undefined;
    if (column === undefined) return () => undefined;
    return column.kind === 'number' ? (row) => numberOf(column.read(row)) : column.read;
  });
}

function compileColumn<Row>(column: StoredColumn<Row>, filter: Filter): (row: Row) => boolean {
  switch (column.kind) {
    case 'text': {
      const accept = acceptTexts(filter.values);
      return (row) => accept(column.read(row));
    }
    case 'number': {
      const accept = acceptNumbers(filter.values);
      return (row) => accept(numberOf(column.read(row)));
    }
    case 'instant': {
      const accept = acceptInstants(filter);
      return (row) => accept(column.read(row));
    }
    case 'texts':
      throw new Error('columns of several texts are filtered in memory');
  }
}

function acceptTexts(values: readonly string[]): (candidate: string | null) => boolean {
  const exact = new Set(values.filter((value) => !value.includes('*')));
  const globs = values.filter((value) => value.includes('*')).map((value) => compileGlob(fold(value)));
  return (candidate) => {
    if (candidate === null) return exact.has('');
    if (exact.has(candidate)) return true;
    if (globs.length === 0) return false;
    const folded = fold(candidate);
    return globs.some((glob) => glob(folded));
  };
}

const NUMBER = /^[+-]?[0-9]+(?:\.[0-9]+)?$/;

function acceptNumbers(values: readonly string[]): (candidate: number | null) => boolean {
  const numbers = new Set(values.filter((value) => NUMBER.test(value)).map(Number));
  const texts = acceptTexts(values.filter((value) => !NUMBER.test(value)));
  return (candidate) =>
    (candidate !== null && numbers.has(candidate)) || texts(candidate === null ? null : String(candidate));
}

/** Seconds since the epoch. */
const UNIX_SECONDS = /^[0-9]{1,12}$/;

function acceptInstants({ operator, values }: Filter): (candidate: string | null) => boolean {
  const instants: Milliseconds[] = [];
  const others: string[] = [];
  for (const value of values) {
    const seconds = UNIX_SECONDS.test(value) ? Number(value) * 1000 : undefined;
    const at = parseRfc3339(value) ?? parsePlainDate(value) ?? seconds;
    if (at !== undefined) instants.push(at);
    else if (operator === '') others.push(value);
    else throw new AppError('bad_request', { title: `Illegal time value ${value}`.trimEnd() });
  }
  const texts = acceptTexts(others);
  return (candidate) => {
    const at = instantOf(candidate);
    return (at !== null && instants.some((value) => compare(operator, at, value))) || texts(candidate);
  };
}

function compare(operator: string, at: Milliseconds, value: Milliseconds): boolean {
  switch (operator) {
    case 'gt':
      return at > value;
    case 'lt':
      return at < value;
    case 'since':
      return at >= value;
    case 'until':
      return at <= value;
    default:
      return at === value;
  }
}

/** Rows that come in the order of the page. */
class PlainPage<Row> {
  readonly #items: Row[] = [];
  count = 0;

  constructor(
    private readonly offset: number,
    private readonly limit: number,
  ) {}

  add(row: Row): void {
    if (this.count >= this.offset && this.#items.length < this.limit) this.#items.push(row);
    this.count++;
  }

  items(): readonly Row[] {
    return this.#items;
  }
}

/** Rows that come in any order: the first ones of the wanted order are kept, twice as many as needed at most. */
class SortedPage<Row> {
  #kept: Row[] = [];
  count = 0;
  readonly #compare: (one: Row, other: Row) => number;

  constructor(
    sorts: readonly SortKey[],
    columns: StoredColumns<Row>,
    private readonly offset: number,
    private readonly limit: number,
  ) {
    this.#compare = compareStored(sorts, columns);
  }

  add(row: Row): void {
    this.count++;
    this.#kept.push(row);
    // Sorting is stable, so rows that are equal stay in the order they came.
    if (this.#kept.length >= 2 * (this.offset + this.limit) + 1000) this.#cut();
  }

  items(): readonly Row[] {
    this.#cut();
    return this.#kept.slice(this.offset);
  }

  #cut(): void {
    this.#kept.sort(this.#compare);
    this.#kept = this.#kept.slice(0, this.offset + this.limit);
  }
}
