/** Evaluates filters in memory over anything whose columns have JSON values. Spec 03 §3.4. */

import type { Milliseconds } from '../time.js';
import { compareInstants, DAY, parseInstantValue, parseRfc3339, parseUnixSeconds } from './instant.js';
import type { Filter } from './types.js';
import { compileWildcard, fold, type Matcher } from './wildcard.js';

/**
 * Gives the reader of a column: its value in an item in JSON form (what `JSON.parse` gives), `undefined` when the
 * item has no such column.
 */
export type ColumnReader<Item> = (column: string) => (item: Item) => unknown;

/** Reads columns of plain JSON objects. */
export const ownColumn: ColumnReader<object> = (column) => (item) =>
  Object.hasOwn(item, column) ? (item as Record<string, unknown>)[column] : undefined;

/** A predicate that is true for items all `filters` match. */
export function compileFilters<Item>(
  filters: readonly Filter[],
  readerOf: ColumnReader<Item>,
): (item: Item) => boolean {
  const compiled = filters.map((filter) => compileFilter(filter, readerOf));
  const [only] = compiled;
  if (only !== undefined && compiled.length === 1) return only;
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

type Accept = (candidate: string | null) => boolean;

function compileFilter<Item>(filter: Filter, readerOf: ColumnReader<Item>): (item: Item) => boolean {
  const distinct = [...new Set(filter.values)];
  // Each value must be matched by itself, so a value given twice can never be matched twice.
  if (filter.combine === 'and' && distinct.length < filter.values.length) return () => false;
  const values = distinct.map((value) => compileValue(value, filter.operator));
  const readers = filter.columns.map(readerOf);
  const some = (item: Item, accept: Accept): boolean => {
    for (const read of readers) if (eachCandidate(read(item), accept)) return true;
    return false;
  };
  if (filter.combine === 'or') {
    const matchesAny = compileAny(values, filter.operator);
    return (item) => some(item, matchesAny);
  }
  return (item) => {
    const wanted = [...values];
    return some(item, (candidate) => removeMatched(wanted, candidate, filter.operator));
  };
}

function compileValue(text: string, operator: string): Value {
  const folded = fold(text);
  return {
    folded,
    wildcard: text.includes('*') ? compileWildcard(folded) : undefined,
    instant: parseInstantValue(text) ?? (operator === '' ? undefined : parseUnixSeconds(text)),
    // Null counts as nothing rather than as a text, so only a value that matches nothing finds it.
    findsNull: text === NULL_TEXT || /^\**$/.test(text),
  };
}

/**
 * Calls `accept` with each text to compare, or `null`, until it returns true. An empty array or object has none.
 */
function eachCandidate(value: unknown, accept: Accept): boolean {
  if (typeof value === 'string') return accept(value);
  if (value === null) return accept(null);
  if (value === undefined) return false;
  if (Array.isArray(value)) {
    for (const element of value) if (accept(textOf(element))) return true;
    return false;
  }
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
function compileAny(values: readonly Value[], operator: string): Accept {
  const matchesText = compileTexts(values);
  const dated = values.some(({ instant }) => instant !== undefined);
  const findsNull = values.some((value) => value.findsNull);
  return (candidate) => {
    if (candidate === null) return findsNull;
    if (dated && parseRfc3339(candidate) !== undefined) {
      return values.some((value) => matchesValue(value, candidate, operator));
    }
    return matchesText(candidate);
  };
}

/** Folding keeps the length, so most texts are told apart before they are folded. */
function compileTexts(values: readonly Value[]): (candidate: string) => boolean {
  const wildcards = values.flatMap(({ wildcard }) => wildcard ?? []);
  const plain = new Set(values.filter(({ wildcard }) => wildcard === undefined).map(({ folded }) => folded));
  const [only] = plain;
  if (wildcards.length === 0 && plain.size === 1 && only !== undefined) {
    return (candidate) => candidate.length === only.length && fold(candidate) === only;
  }
  const [pattern] = wildcards;
  if (wildcards.length === 1 && plain.size === 0 && pattern !== undefined) {
    return (candidate) => pattern(fold(candidate));
  }
  const lengths = new Set([...plain].map((folded) => folded.length));
  return (candidate) => {
    const maybePlain = lengths.has(candidate.length);
    if (!maybePlain && wildcards.length === 0) return false;
    const folded = fold(candidate);
    return (maybePlain && plain.has(folded)) || wildcards.some((matches) => matches(folded));
  };
}

function matchesValue(value: Value, candidate: string, operator: string): boolean {
  if (value.instant !== undefined) {
    const at = parseRfc3339(candidate);
    if (at !== undefined) return compareInstants(operator, at, value.instant, DAY);
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
