/** From a decoded query string to what was asked, not yet checked. Spec 03 §3.1. */

import type { QueryString } from '../http/query-string.js';
import type { Filter, SortKey } from './types.js';

export interface ParsedFilter extends Filter {
  /** As the error texts show it: `filter[a|b]` or `filter[a|b][op]`. */
  readonly label: string;
}

export interface RequestedFields {
  readonly resource: string;
  readonly names: readonly string[];
}

export interface ParsedList {
  readonly sorts: readonly SortKey[];
  readonly filters: readonly ParsedFilter[];
  readonly fields: readonly RequestedFields[];
  /** First `page[limit]`, `undefined` when missing or empty. */
  readonly limit: string | undefined;
  /** First `page[offset]`. */
  readonly offset: string | undefined;
}

/** Both are anchored at the start only: `filter[name]xyz` is `filter[name]`. */
const FILTER_KEY = /^filter\[([A-Za-z0-9_|*]+)\](?:\[(\w+)\])?/;
const FIELDS_KEY = /^fields\[(\w+)\]/;

/** Never fails; what has no meaning is ignored. */
export function parseList(query: QueryString): ParsedList {
  return {
    sorts: parseSorts(query),
    filters: parseFilters(query),
    fields: parseFields(query),
    limit: query.get('page[limit]') || undefined,
    offset: query.get('page[offset]'),
  };
}

function parseSorts(query: QueryString): SortKey[] {
  const sorts: SortKey[] = [];
  for (const [name, value] of query.pairs) {
    if (name !== 'sort') continue;
    const column = value.trim();
    if (column !== '') sorts.push({ column: column.replace(/^-+/, ''), descending: column.startsWith('-') });
  }
  return sorts;
}

function parseFilters(query: QueryString): ParsedFilter[] {
  const filters: ParsedFilter[] = [];
  for (const [key, occurrences] of byName(query, 'filter')) {
    const [, columns = '', operator = ''] = FILTER_KEY.exec(key) ?? [];
    if (columns === '') continue;
    const values: string[] = [];
    let combine: Filter['combine'] = 'or';
    for (const occurrence of occurrences) {
      const { inner, named } = unwrap(occurrence.trim());
      if (named !== undefined) combine = named;
      for (const value of inner.split(',')) values.push(value.trim());
    }
    const label = operator === '' ? `filter[${columns}]` : `filter[${columns}][${operator}]`;
    filters.push({ columns: columns.split('|'), operator, values, combine, label });
  }
  return filters;
}

/** `and(…)` and `or(…)`: what is inside, up to the last bracket; anything behind that is dropped. */
function unwrap(value: string): { inner: string; named?: Filter['combine'] } {
  for (const named of ['and', 'or'] as const) {
    const start = named.length + 1;
    const end = value.lastIndexOf(')');
    if (value.startsWith(`${named}(`) && end > start) return { inner: value.slice(start, end), named };
  }
  return { inner: value };
}

/** The `fields[…]` of a query string alone, for endpoints that show one object. */
export function parseFields(query: QueryString): RequestedFields[] {
  const names = new Map<string, string[]>();
  for (const [key, occurrences] of byName(query, 'fields')) {
    const resource = FIELDS_KEY.exec(key)?.[1];
    if (resource === undefined) continue;
    const list = names.get(resource) ?? [];
    names.set(resource, list);
    // Elements keep their spaces, so `id, name` names the field ` name`, which nobody supports.
    for (const occurrence of occurrences) list.push(...occurrence.trim().split(','));
  }
  return [...names].map(([resource, list]) => ({ resource, names: list }));
}

/** Values of each name that begins with `prefix`, in the order of first appearance. */
function byName(query: QueryString, prefix: string): Map<string, string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of query.pairs) {
    if (!name.startsWith(prefix)) continue;
    const list = values.get(name);
    if (list === undefined) values.set(name, [value]);
    else list.push(value);
  }
  return values;
}
