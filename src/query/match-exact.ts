/**
 * Evaluates filters over lists that the reference keeps in SQL tables: letter case counts unless a value has a
 * wildcard, and `and(…)` means the same as `or(…)`. Spec 03 §3.5.
 */

import type { ColumnReader } from './match.js';
import type { Filter } from './types.js';
import { compileGlob, fold } from './wildcard.js';

type Accept = (candidate: string) => boolean;

/** A predicate that is true for items all `filters` match. Columns are texts; `null` is found by the empty value. */
export function compileExactFilters<Item>(
  filters: readonly Filter[],
  readerOf: ColumnReader<Item>,
): (item: Item) => boolean {
  const compiled = filters.map(({ columns, values }) => {
    const readers = columns.map(readerOf);
    const accept = acceptAny(values);
    return (item: Item) => readers.some((read) => accept(textOf(read(item))));
  });
  return (item) => compiled.every((matches) => matches(item));
}

function acceptAny(values: readonly string[]): Accept {
  const exact = new Set(values.filter((value) => !value.includes('*')));
  const globs = values.filter((value) => value.includes('*')).map((value) => compileGlob(fold(value)));
  return (candidate) => {
    if (exact.has(candidate)) return true;
    if (globs.length === 0) return false;
    const folded = fold(candidate);
    return globs.some((glob) => glob(folded));
  };
}

const textOf = (value: unknown): string => (value === null || value === undefined ? '' : String(value));
