/** Checks a parsed list request against what the endpoint supports. Spec 03 §3.2. */

import { AppError, AppErrorList } from '../errors.js';
import { parseGoInteger } from '../go/integer.js';
import { goQuote } from '../go/quote.js';
import type { QueryString } from '../http/query-string.js';
import { type ParsedFilter, parseFields, parseList, type RequestedFields } from './parse.js';
import type { Filter, ListOptions, ListSupport, SortKey } from './types.js';

/** What applies when the request names none of a kind. */
export interface ListDefaults {
  readonly sorts?: readonly SortKey[];
  readonly filters?: readonly Filter[];
}

/**
 * Comparisons one candidate item may cost: a column costs one for all plain values together and one for each
 * value with wildcards or in `and(…)`. A unit was measured at 0.14 µs, so the bound is half a second of one thread
 * at 10 000 items; a search for three words in all columns of clients costs 108.
 */
const MAX_FILTER_COST = 400;

/** `limit` of endpoints without pagination. */
export const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/**
 * Reads and checks `sort`, `filter[…]`, `fields[…]` and `page[…]`. Fields come back as requested, without
 * defaults. Throws one `AppErrorList` (400) with everything that is wrong, in the order sort, filter, fields,
 * limit, offset.
 */
export function readListOptions(
  query: QueryString,
  support: ListSupport,
  defaults: ListDefaults = {},
): ListOptions {
  const parsed = parseList(query);
  const errors: AppError[] = [];
  for (const { column } of parsed.sorts) {
    if (!support.sorts.includes(column)) errors.push(refusal(`unsupported sort field '${column}'`));
  }
  const filters = parsed.filters.flatMap((filter) => checkFilter(filter, support, errors));
  if (cost(filters) > MAX_FILTER_COST) errors.push(refusal('filter has too many columns and values'));
  const fields = checkFields(parsed.fields, support.fields, errors);
  const limit = support.page === undefined ? NO_LIMIT : checkLimit(parsed.limit, support.page, errors);
  const offset = support.page === undefined ? 0 : checkOffset(parsed.offset, errors);
  throwAll(errors);
  return {
    sorts: parsed.sorts.length > 0 ? parsed.sorts : (defaults.sorts ?? []),
    filters: parsed.filters.length > 0 ? filters : (defaults.filters ?? []),
    fields,
    offset,
    limit,
  };
}

/** Reads and checks `fields[…]` alone; everything else of a list request is ignored. Throws like a list. */
export function readFields(
  query: QueryString,
  support: NonNullable<ListSupport['fields']>,
): ListOptions['fields'] {
  const errors: AppError[] = [];
  const fields = checkFields(parseFields(query), support, errors);
  throwAll(errors);
  return fields;
}

function throwAll([first, ...others]: readonly AppError[]): void {
  if (first !== undefined) throw new AppErrorList([first, ...others]);
}

const refusal = (title: string, detail = ''): AppError => new AppError('bad_request', { title, detail });

const OPERATOR_SUFFIX = /\[\w+\]$/;

/** The filter with `*` expanded, or none when it is refused or has nothing to look at. */
function checkFilter(
  filter: ParsedFilter,
  { filters: supported, searchable = true }: ListSupport,
  errors: AppError[],
): Filter[] {
  const { operator, values, combine, label } = filter;
  if (searchable && filter.columns.length === 1 && filter.columns[0] === '*' && operator === '') {
    // Columns that exist only with an operator (`timestamp[gt]`) cannot be searched as text.
    const columns = supported.filter((column) => !OPERATOR_SUFFIX.test(column));
    return columns.length === 0 ? [] : [{ columns, operator, values, combine }];
  }
  const suffix = operator === '' ? '' : `[${operator}]`;
  if (filter.columns.every((column) => supported.includes(column + suffix))) {
    return [{ columns: filter.columns, operator, values, combine }];
  }
  errors.push(refusal(`unsupported filter field '${label}'`));
  return [];
}

function cost(filters: readonly Filter[]): number {
  let sum = 0;
  for (const { columns, values, combine } of filters) {
    const single = combine === 'and' ? values : values.filter((value) => value.includes('*'));
    sum += columns.length * (1 + single.length);
  }
  return sum;
}

function checkFields(
  requested: readonly RequestedFields[],
  supported: ListSupport['fields'],
  errors: AppError[],
): ListOptions['fields'] {
  if (supported === undefined) return {};
  const fields: Record<string, readonly string[]> = {};
  for (const { resource, names } of requested) {
    const known = Object.hasOwn(supported, resource) ? supported[resource] : undefined;
    if (known === undefined) {
      errors.push(refusal(`unsupported resource in fields: ${goQuote(resource)}`));
      continue;
    }
    for (const name of names) {
      if (!known.includes(name)) {
        errors.push(refusal(`unsupported field ${goQuote(name)} for resource ${goQuote(resource)}`));
      }
    }
    fields[resource] = names;
  }
  return fields;
}

function checkLimit(
  text: string | undefined,
  page: NonNullable<ListSupport['page']>,
  errors: AppError[],
): number {
  if (text === undefined) return page.defaultLimit;
  const parsed = parseGoInteger(text);
  if (!parsed.ok) {
    errors.push(refusal('pagination limit must be a number', parsed.error));
    return page.defaultLimit;
  }
  const limit = parsed.value;
  if (limit > page.maxLimit) {
    errors.push(refusal(`pagination limit too big (${text}) maximum is ${page.maxLimit}`));
  } else if (limit <= 0) errors.push(refusal('pagination limit must be positive'));
  else return limit;
  return page.defaultLimit;
}

function checkOffset(text: string | undefined, errors: AppError[]): number {
  if (text === undefined) return 0;
  const parsed = parseGoInteger(text);
  if (!parsed.ok) errors.push(refusal('pagination offset must be a number', parsed.error));
  else if (parsed.value < 0) errors.push(refusal('pagination offset must not be negative'));
  else return parsed.value;
  return 0;
}
