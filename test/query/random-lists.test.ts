/**
 * The query language over both engines, with random rows and random requests, against models that follow the text of
 * spec 03 §3.4 and §3.5 word by word and care for nothing else. What decisions and `defect:` marks change is in them:
 * dates are instants, `since` and `until` work in memory as well, null is found by what matches nothing.
 */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../src/clients/in-turns.js';
import { AppError } from '../../src/errors.js';
import { parseQuery } from '../../src/http/query-string.js';
import { compileFilters, ownColumn } from '../../src/query/match.js';
import { listStored, type StoredColumns, type StoredTable } from '../../src/query/stored.js';
import { readListOptions } from '../../src/query/validate.js';
import { type Random, seeded } from '../support/random.js';

const CASES = 4_000;
/** Letters that fold in unusual ways, what other languages have as wildcards, both sides of U+FFFF. */
const LETTERS = [
  ...'aAbBkK',
  'ß',
  'ä',
  'Ä',
  'σ',
  'ς',
  'Σ',
  '\u212a',
  '😀',
  '\ue000',
  '_',
  '%',
  '\\',
  '.',
  '[',
  '\n',
];
const TIMES = [
  '2026-03-10T00:00:00Z',
  '2026-03-10T12:00:00.5+02:00',
  '2026-03-10T10:00:00.5Z',
  '2026-03-09T23:30:00-01:00',
  '2026-03-11T00:00:00Z',
  '2026-03-10T23:59:59.999Z',
];
const OPERATORS = ['gt', 'lt', 'eq', 'since', 'until'];
const DAY = 86_400_000;

interface Row {
  readonly id: string;
  readonly name: string | null;
  readonly note: string;
  readonly size: number | null;
  readonly flag: boolean;
  readonly at: string | null;
  readonly tags: readonly string[] | null;
  readonly labels: Readonly<Record<string, string>>;
}
type Column = keyof Row;

interface Wanted {
  readonly columns: readonly Column[];
  readonly operator: string;
  readonly values: readonly string[];
  readonly and: boolean;
}

const word = (random: Random): string => random.list(3, () => random.pick(LETTERS)).join('');

const row = (random: Random, id: number): Row => ({
  id: `${random.pick(['a', '\ue000', '😀', 'B'])}${id}`,
  name: random.once(5) ? null : word(random),
  note: word(random),
  size: random.once(5) ? null : random.pick([-3, 0, 1, 2, 10, 11]),
  flag: random.once(2),
  at: random.once(5) ? null : random.pick(TIMES),
  tags: random.once(5) ? null : random.list(3, () => word(random)),
  labels: Object.fromEntries(random.list(2, () => [random.pick(['k', 'B']), word(random)])),
});

/** What the parser would change is left out: it has tests of its own. */
function value(random: Random): string {
  const text = random.pick([
    () => word(random),
    () => word(random),
    () => random.list(4, () => (random.once(3) ? '*' : random.pick(LETTERS))).join(''),
    () => random.pick(['*', '**', '', '<nil>', 'k: *', '*: a', 'true', 'FALSE']),
    () => random.pick(['-3', '0', '1', '2', '10', '+1', '01', '1*', '1773136800']),
    () => random.pick([...TIMES, '2026-03-10', '2026-03-11', '2026-02-30', '2026-03-1*']),
  ])();
  return text.trim();
}

function filter(random: Random, columns: readonly Column[]): Wanted {
  const dated = random.once(4);
  const values = [value(random), ...random.list(2, () => value(random))];
  return {
    columns: dated ? ['at'] : [random.pick(columns), ...random.list(2, () => random.pick(columns))],
    operator: dated ? random.pick(OPERATORS) : '',
    values,
    // `and()` is a text like any other.
    and: values.join() !== '' && random.once(3),
  };
}

function queryOf(filters: readonly Wanted[], rest: readonly string[] = []): string {
  const parts = filters.map(({ columns, operator, values, and }) => {
    const key = `filter[${columns.join('|')}]${operator === '' ? '' : `[${operator}]`}`;
    return `${key}=${encodeURIComponent(and ? `and(${values.join(',')})` : values.join(','))}`;
  });
  return [...parts, ...rest].join('&');
}

/** Two filters under one key are one filter with the values of both; requests do not repeat one. */
const distinct = (filters: readonly Wanted[]): Wanted[] => [
  ...new Map(filters.map((one) => [`${one.columns.join('|')}[${one.operator}]`, one])).values(),
];

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** JavaScript compares with `i` and `u` by simple case folding. */
const wild = (pattern: string, any: string): RegExp =>
  new RegExp(`^${pattern.split('*').map(escaped).join(any)}$`, 'iu');

const isTime = (text: string): boolean => TIMES.includes(text);
const isDate = (text: string): boolean => text === '2026-03-10' || text === '2026-03-11';

function instantIn(text: string, seconds: boolean): number | undefined {
  if (isTime(text) || isDate(text)) return Date.parse(text);
  return seconds && /^[0-9]+$/.test(text) ? Number(text) * 1000 : undefined;
}

function compares(operator: string, at: number, wanted: number, span: number): boolean {
  if (operator === 'gt') return at > wanted;
  if (operator === 'lt') return at < wanted;
  if (operator === 'since') return at >= wanted;
  if (operator === 'until') return at <= wanted;
  if (operator === 'eq' && span > 0) return at >= wanted && at <= wanted + span - 1;
  return at === wanted;
}

/** §3.4. */
function inMemory(item: Row, { columns, operator, values, and }: Wanted): boolean {
  const candidates = columns.flatMap((column): (string | null)[] => {
    const held = item[column];
    if (held === null) return [null];
    if (Array.isArray(held)) return held;
    if (typeof held === 'object') return Object.entries(held).map(([key, text]) => `${key}: ${text}`);
    return [String(held)];
  });
  const matches = (wanted: string): boolean =>
    candidates.some((candidate) => {
      if (candidate === null) return ['', '<nil>', '*', '**'].includes(wanted) || /^\*+$/.test(wanted);
      const at = instantIn(wanted, operator !== '');
      if (at !== undefined && isTime(candidate)) return compares(operator, Date.parse(candidate), at, DAY);
      return wild(wanted, '[^\\n]*').test(candidate);
    });
  if (!and) return values.some(matches);
  return new Set(values.filter(matches)).size === values.length;
}

const KINDS = { size: 'number', flag: 'number', at: 'instant', tags: 'texts' } as const;
const kindOf = (column: Column) =>
  (KINDS as Partial<Record<Column, 'number' | 'instant' | 'texts'>>)[column] ?? 'text';

/** §3.5; `undefined` where a value cannot be compared and the whole request is refused. */
function inTable(item: Row, wanted: Wanted): boolean | undefined {
  const { columns, operator, values } = wanted;
  if (columns.some((column) => kindOf(column) === 'texts')) return inMemory(item, wanted);
  const found = columns.flatMap((column) =>
    values.map((text): boolean | undefined => {
      const held = item[column];
      const asText = (): boolean => {
        if (held === null) return text === '';
        const stored = typeof held === 'boolean' ? String(Number(held)) : String(held);
        return text.includes('*') ? wild(text, '[^]*').test(stored) : stored === text;
      };
      switch (kindOf(column)) {
        case 'number':
          if (!/^[+-]?[0-9]+$/.test(text)) return asText();
          return held !== null && Number(held) === Number(text);
        case 'instant': {
          const at = instantIn(text, true);
          if (at === undefined) return operator === '' ? asText() : undefined;
          return held !== null && compares(operator, Date.parse(String(held)), at, 0);
        }
        default:
          return asText();
      }
    }),
  );
  return found.includes(undefined) ? undefined : found.includes(true);
}

const storedColumns: StoredColumns<Row> = {
  id: { kind: 'text', read: ({ id }) => id },
  name: { kind: 'text', read: ({ name }) => name },
  note: { kind: 'text', read: ({ note }) => note },
  size: { kind: 'number', read: ({ size }) => size },
  flag: { kind: 'number', read: ({ flag }) => flag },
  at: { kind: 'instant', read: ({ at }) => at },
  tags: { kind: 'texts', read: ({ tags }) => tags },
};
const tableColumns = Object.keys(storedColumns) as Column[];
const allColumns: readonly Column[] = [...tableColumns, 'labels'];
const withOperators = (columns: readonly string[]): string[] => [
  ...columns,
  ...OPERATORS.map((operator) => `at[${operator}]`),
];

test('in memory, every random filter finds what the text of the spec says', () => {
  const support = { sorts: [], filters: withOperators(allColumns) };
  let found = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    const random = seeded(seed);
    const rows = Array.from({ length: 8 }, (_, id) => row(random, id));
    const filters = distinct([
      filter(random, allColumns),
      ...random.list(1, () => filter(random, allColumns)),
    ]);
    const query = queryOf(filters);
    const matches = compileFilters<Row>(readListOptions(parseQuery(query), support).filters, ownColumn);
    for (const item of rows) {
      const expected = filters.every((wanted) => inMemory(item, wanted));
      if (expected) found++;
      assert.equal(matches(item), expected, `seed ${seed}: ${query} on ${JSON.stringify(item)}`);
    }
  }
  assert.ok(found > CASES / 4, `found ${found}`);
});

const bytes = (one: string, other: string): number => Buffer.compare(Buffer.from(one), Buffer.from(other));

function sortable(item: Row, column: Column): string | number | null {
  const held = item[column];
  if (held === null) return null;
  if (column === 'at') return Date.parse(String(held));
  if (column === 'tags') return JSON.stringify(held);
  return typeof held === 'string' ? held : Number(held);
}

function inOrder(one: Row, other: Row, sorts: readonly string[]): number {
  for (const sort of sorts) {
    const sign = sort.startsWith('-') ? -1 : 1;
    const [left, right] = [one, other].map((item) => sortable(item, sort.replace('-', '') as Column));
    if (left === right) continue;
    if (left === null) return -sign;
    if (right === null) return sign;
    if (typeof left === 'string') return sign * bytes(left, String(right));
    return sign * (Number(left) - Number(right));
  }
  return 0;
}

test('over stored tables, every random request gets the page the text of the spec says', () => {
  const support = {
    sorts: tableColumns,
    filters: withOperators(tableColumns),
    page: { defaultLimit: 3, maxLimit: 10 },
  };
  let [found, refused] = [0, 0];
  for (let seed = 1; seed <= CASES; seed++) {
    const random = seeded(seed);
    const rows = Array.from({ length: 12 }, (_, id) => row(random, id)).sort((one, other) =>
      bytes(one.id, other.id),
    );
    const filters = distinct(random.list(2, () => filter(random, tableColumns)));
    const sorts = random.list(2, () => (random.once(2) ? '-' : '') + random.pick(tableColumns));
    const [offset, limit] = [random.pick([0, 0, 2, 20]), 1 + random.below(10)];
    const query = queryOf(filters, [
      ...sorts.map((sort) => `sort=${sort}`),
      `page[offset]=${offset}`,
      `page[limit]=${limit}`,
    ]);
    const table: StoredTable<Row> = {
      columns: storedColumns,
      order: 'id',
      count: () => rows.length,
      scan: ({ reverse, offset: from = 0, limit: most = rows.length }) =>
        (reverse ? rows.toReversed() : rows).slice(from, from + most),
    };
    const ask = () => atOnce(listStored(table, readListOptions(parseQuery(query), support)));
    const verdicts = rows.map((item) => filters.map((wanted) => inTable(item, wanted)));
    if (verdicts.flat().includes(undefined)) {
      refused++;
      assert.throws(
        ask,
        (error) => error instanceof AppError && /^Illegal time value/.test(error.title),
        query,
      );
      continue;
    }
    const matching = rows.filter((_, index) => verdicts[index]?.every((verdict) => verdict === true));
    const expected = matching.sort((one, other) => inOrder(one, other, sorts)).slice(offset, offset + limit);
    const { items, count } = ask();
    found += count;
    assert.deepEqual(
      [items.map(({ id }) => id), count],
      [expected.map(({ id }) => id), matching.length],
      `seed ${seed}: ${query} over ${JSON.stringify(rows)}`,
    );
  }
  assert.ok(found > CASES && refused > 10, `found ${found}, refused ${refused}`);
});
