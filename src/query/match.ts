/** Evaluates filters in memory over anything whose columns have JSON values. Spec 03 §3.4. */

import type { Milliseconds } from '../time.js';
import { DAY, parsePlainDate, parseRfc3339 } from './instant.js';
import type { Filter } from './types.js';
import { compileWildcard, fold, type Matcher } from './wildcard.js';

/** Value of a column in its JSON form (what `JSON.parse` gives); `undefined` when the item has no such column. */
export type ColumnReader<Item> = (item: Item, column: string) => unknown;

/** Reads a column of a plain JSON object. */
export const ownColumn: ColumnReader<object> = (item, column) =>
  Object.hasOwn(item, column) ? (item as Record<string, unknown>)[column] : undefined;

/** A predicate that is true for items all `filters` match. */
export function compileFilters<Item>(
  filters: readonly Filter[],
  columnOf: ColumnReader<Item>,
): (item: Item) => boolean {
  const compiled = filters.map((filter) => compileFilter(filter, columnOf));
  return (item) => compiled.every((matches) => matches(item));
}

/** How the reference spells `null`; kept for scripts that look for it. */
const NULL_TEXT = '<nil>';

interface Value {
  readonly folded: string;
  readonly wildcard: Matcher | undefined;
  readonly instant: Milliseconds | undefined;
  readonly findsNull: boolean;
}

function compileFilter<Item>(filter: Filter, columnOf: ColumnReader<Item>): (item: Item) => boolean {
  const distinct = [...new Set(filter.values)];
  // Each value must be matched by itself, so a value given twice can never be matched twice.
  if (filter.combine === 'and' && distinct.length < filter.values.length) return () => false;
  const values = distinct.map((value) => compileValue(value, filter.operator));
  const matchesAny = compileAny(values, filter.operator);
  return (item) => {
    let accept = matchesAny;
    if (filter.combine === 'and') {
      const wanted = [...values];
      accept = (candidate) => removeMatched(wanted, candidate, filter.operator);
    }
    return filter.columns.some((column) => eachCandidate(columnOf(item, column), accept));
  };
}

function compileValue(text: string, operator: string): Value {
  const folded = fold(text);
  return {
    folded,
    wildcard: text.includes('*') ? compileWildcard(folded) : undefined,
    instant: parseRfc3339(text) ?? parsePlainDate(text) ?? parseUnixSeconds(text, operator),
    // Null counts as nothing rather than as a text, so only a value that matches nothing finds it.
    findsNull: text === NULL_TEXT || /^\**$/.test(text),
  };
}

/** Seconds since the epoch; only beside an operator, where a bare number can mean nothing else. */
function parseUnixSeconds(text: string, operator: string): Milliseconds | undefined {
  return operator !== '' && /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : undefined;
}

/**
 * Calls `accept` with each text to compare, or `null`, until it returns true. An empty array or object has none.
 */
function eachCandidate(value: unknown, accept: (candidate: string | null) => boolean): boolean {
  if (typeof value === 'string') return accept(value);
  if (value === null) return accept(null);
  if (value === undefined) return false;
  if (Array.isArray(value)) return value.some((element) => accept(textOf(element)));
  if (typeof value !== 'object') return accept(textOf(value));
  for (const key of Object.keys(value)) {
    if (accept(`${key}: ${textOf((value as Record<string, unknown>)[key]) ?? NULL_TEXT}`)) return true;
  }
  return false;
}

function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Whether a candidate matches any of the values; plain ones cost one look-up however many there are. */
function compileAny(values: readonly Value[], operator: string): (candidate: string | null) => boolean {
  const plain = new Set(values.filter(({ wildcard }) => wildcard === undefined).map(({ folded }) => folded));
  const lengths = new Set([...plain].map((folded) => folded.length));
  const wildcards = values.flatMap(({ wildcard }) => wildcard ?? []);
  const dated = values.some(({ instant }) => instant !== undefined);
  const findsNull = values.some((value) => value.findsNull);
  return (candidate) => {
    if (candidate === null) return findsNull;
    if (dated && parseRfc3339(candidate) !== undefined) {
      return values.some((value) => matchesValue(value, candidate, operator));
    }
    // Folding keeps the length, so most texts are told apart before they are folded.
    const maybePlain = lengths.has(candidate.length);
    if (!maybePlain && wildcards.length === 0) return false;
    const folded = fold(candidate);
    return (maybePlain && plain.has(folded)) || wildcards.some((matches) => matches(folded));
  };
}

function matchesValue(value: Value, candidate: string, operator: string): boolean {
  if (value.instant !== undefined) {
    const at = parseRfc3339(candidate);
    if (at !== undefined) return compareInstants(operator, at, value.instant);
  }
  const folded = fold(candidate);
  return value.wildcard === undefined ? folded === value.folded : value.wildcard(folded);
}

/** Takes the values this candidate matches out of `wanted`; true when none is left. */
function removeMatched(wanted: Value[], candidate: string | null, operator: string): boolean {
  for (let index = wanted.length - 1; index >= 0; index--) {
    const value = wanted[index];
    if (value === undefined) continue;
    const matched = candidate === null ? value.findsNull : matchesValue(value, candidate, operator);
    if (matched) wanted.splice(index, 1);
  }
  return wanted.length === 0;
}

function compareInstants(operator: string, at: Milliseconds, value: Milliseconds): boolean {
  switch (operator) {
    case 'gt':
      return at > value;
    case 'lt':
      return at < value;
    case 'since':
      return at >= value;
    case 'until':
      return at <= value;
    case 'eq':
      return at >= value && at < value + DAY;
    default:
      return at === value;
  }
}
