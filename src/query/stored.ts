/**
 * Lists over stored tables, which the reference keeps in SQL: filters, order and pages. Spec 03 §3.3 and §3.5.
 *
 * It shares grammar and checks with the lists kept in memory (`validate.ts`); what differs is how a value is
 * compared. Letter case counts unless the value has a wildcard, `and(…)` means the same as `or(…)`, numbers and
 * instants are compared as such. A filter that looks at a column of several texts goes by the rules of `match.ts`.
 */

import { AppError } from '../errors.js';
import type { Milliseconds } from '../time.js';
import { compareInstants, parseInstantValue, parseRfc3339, parseUnixSeconds } from './instant.js';
import { compileFilters } from './match.js';
import { sortInTurns } from './sort-in-turns.js';
import { compareText } from './text-order.js';
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

/** Then others have their turn. */
const TURN: Milliseconds = 4;

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
  // By time, not by number: rows may be long, and filters many.
  let turnEnds = performance.now() + TURN;
  for (const row of table.scan({ reverse })) {
    if (matches(row)) page.add(row);
    if (page.full) yield* page.cut();
    if (performance.now() < turnEnds) continue;
    yield;
    turnEnds = performance.now() + TURN;
  }
  yield* page.cut();
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
  const keysOf = readSortKeys(sorts, columns);
  const compare = compareKeys(sorts);
  return (one, other) => compare(keysOf(one), keysOf(other));
}

type Sortable = string | number | null;

/** What a row is sorted by, read once for each row. */
function readSortKeys<Row>(
  sorts: readonly SortKey[],
  columns: StoredColumns<Row>,
): (row: Row) => readonly Sortable[] {
  const reads = sorts.map(({ column }) =>
    sortValue(Object.hasOwn(columns, column) ? columns[column] : undefined),
  );
  return (row) => reads.map((read) => read(row));
}

function compareKeys(
  sorts: readonly SortKey[],
): (one: readonly Sortable[], other: readonly Sortable[]) => number {
  const signs = sorts.map(({ descending }) => (descending ? -1 : 1));
  return (one, other) => {
    for (const [index, sign] of signs.entries()) {
      const order = compareSortables(one[index] ?? null, other[index] ?? null);
      if (order !== 0) return sign * order;
    }
    return 0;
  };
}

/** Null first, then numbers, then texts. */
function compareSortables(one: Sortable, other: Sortable): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null);
  if (typeof one === 'string' && typeof other === 'string') return compareText(one, other);
  if (typeof one === 'number' && typeof other === 'number') return one - other;
  return typeof one === 'number' ? -1 : 1;
}

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
    return column === undefined ? () => undefined : column.read;
  });
}

function compileColumn<Row>(column: StoredColumn<Row>, filter: Filter): (row: Row) => boolean {
  switch (column.kind) {
    case 'text': {
      const accept = acceptTexts(filter);
      return (row) => accept(column.read(row));
    }
    case 'number': {
      const accept = acceptNumbers(filter);
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

type Values = Pick<Filter, 'operator' | 'values'>;

/** Operators that ask for an order; with any other, and with none, values are equal or have wildcards. */
const ORDERING: Readonly<Record<string, (order: number) => boolean>> = {
  gt: (order) => order > 0,
  lt: (order) => order < 0,
  since: (order) => order >= 0,
  until: (order) => order <= 0,
};

const orderingOf = (operator: string) => (Object.hasOwn(ORDERING, operator) ? ORDERING[operator] : undefined);

function acceptTexts({ operator, values }: Values): (candidate: string | null) => boolean {
  const isInOrder = orderingOf(operator);
  if (isInOrder !== undefined) {
    return (candidate) =>
      candidate !== null && values.some((value) => isInOrder(compareText(candidate, value)));
  }
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

function acceptNumbers({ operator, values }: Values): (candidate: number | null) => boolean {
  const numbers = values.filter((value) => NUMBER.test(value)).map(Number);
  const others = values.filter((value) => !NUMBER.test(value));
  const isInOrder = orderingOf(operator);
  if (isInOrder !== undefined) {
    if (others[0] !== undefined) throw illegalValue('number', others[0]);
    return (candidate) => candidate !== null && numbers.some((value) => isInOrder(candidate - value));
  }
  const exact = new Set(numbers);
  const texts = acceptTexts({ operator, values: others });
  return (candidate) =>
    (candidate !== null && exact.has(candidate)) || texts(candidate === null ? null : String(candidate));
}

function acceptInstants({ operator, values }: Values): (candidate: string | null) => boolean {
  const instants: Milliseconds[] = [];
  const others: string[] = [];
  for (const value of values) {
    const at = parseInstantValue(value) ?? parseUnixSeconds(value);
    if (at !== undefined) instants.push(at);
    else if (operator === '') others.push(value);
    else throw illegalValue('time', value);
  }
  const texts = acceptTexts({ operator, values: others });
  return (candidate) => {
    const at = instantOf(candidate);
    return (
      (at !== null && instants.some((value) => compareInstants(operator, at, value, 0))) || texts(candidate)
    );
  };
}

const illegalValue = (kind: string, value: string): AppError =>
  new AppError('bad_request', { title: `Illegal ${kind} value ${value}`.trimEnd() });

/** Rows that come in the order of the page. */
class PlainPage<Row> {
  readonly #items: Row[] = [];
  readonly full = false;
  count = 0;

  constructor(
    private readonly offset: number,
    private readonly limit: number,
  ) {}

  add(row: Row): void {
    if (this.count >= this.offset && this.#items.length < this.limit) this.#items.push(row);
    this.count++;
  }

  *cut(): Generator<void, void> {
    // Nothing is kept beyond the page.
  }

  items(): readonly Row[] {
    return this.#items;
  }
}

interface Keyed<Row> {
  readonly row: Row;
  readonly keys: readonly Sortable[];
}

/** Kept beyond the end of the page before what is behind it is dropped. */
const SLACK = 1_000;

/** Rows that come in any order: the first ones of the wanted order are kept, twice as many as needed at most. */
class SortedPage<Row> {
  #kept: Keyed<Row>[] = [];
  count = 0;
  readonly #keysOf: (row: Row) => readonly Sortable[];
  readonly #compare: (one: Keyed<Row>, other: Keyed<Row>) => number;

  constructor(
    sorts: readonly SortKey[],
    columns: StoredColumns<Row>,
    private readonly offset: number,
    private readonly limit: number,
  ) {
    this.#keysOf = readSortKeys(sorts, columns);
    const compare = compareKeys(sorts);
    this.#compare = (one, other) => compare(one.keys, other.keys);
  }

  get full(): boolean {
    return this.#kept.length >= 2 * (this.offset + this.limit) + SLACK;
  }

  add(row: Row): void {
    this.count++;
    this.#kept.push({ row, keys: this.#keysOf(row) });
  }

  /** Sorting is stable, so rows that are equal stay in the order they came. */
  *cut(): Generator<void, void> {
    const sorted = yield* sortInTurns(this.#kept, this.#compare);
    this.#kept = sorted.slice(0, this.offset + this.limit);
  }

  items(): readonly Row[] {
    return this.#kept.slice(this.offset).map(({ row }) => row);
  }
}
