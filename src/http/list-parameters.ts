/** Documentation of the query language (spec 03 §3) for endpoints that answer lists. */

import Type, { type TSchema } from 'typebox';
import type { ListSupport } from '../query/types.js';

type Parameters = Readonly<Record<string, { readonly schema: TSchema; readonly description: string }>>;

/** By which rules values are compared: those of lists in memory (`match.ts`) or over stored tables (`stored.ts`). */
type Comparison = 'memory' | 'stored';

/** The query parameters an endpoint with `support` understands. */
export function listParameters(support: ListSupport, comparison: Comparison = 'memory'): Parameters {
  return {
    ...(support.sorts.length > 0 && { sort: sortParameter(support.sorts) }),
    ...(support.filters.length > 0 && { filter: filterParameter(support.filters, comparison) }),
    ...fieldsParameters(support.fields ?? {}),
    ...(support.page && pageParameters(support.page)),
  };
}

/** `fields[…]` alone, for endpoints that show one object. */
export function fieldsParameters(fields: NonNullable<ListSupport['fields']>): Parameters {
  return Object.fromEntries(
    Object.entries(fields).map(([resource, names]) => [
      `fields[${resource}]`,
      {
        schema: Type.String(),
        description: `Fields to show, separated by commas without spaces: ${quoted(names)}`,
      },
    ]),
  );
}

const sortParameter = (columns: readonly string[]) => ({
  schema: Type.String(),
  description: `Column to sort by, with \`-\` in front for descending order: ${quoted(columns)}`,
});

const COMPARISONS: Readonly<Record<Comparison, string>> = {
  memory:
    'one match is enough, with `and(…)` around them every one must match. `*` in a value stands for any text; letter ' +
    'case does not count.',
  stored:
    'one match is enough. `*` in a value stands for any text, and letter case does not count then; without it, it does. ' +
    'Times are RFC 3339, dates or Unix seconds.',
};

const filterParameter = (columns: readonly string[], comparison: Comparison) => ({
  schema: Type.Record(Type.String(), Type.String()),
  description:
    'Written `filter[COLUMN]=VALUE`. Several filters must all match. Several columns are separated by `|`, ' +
    '`filter[*]` means all; one match is enough. Several values are separated by commas; ' +
    `${COMPARISONS[comparison]} Columns: ${quoted(columns)}`,
});

const pageParameters = ({ defaultLimit, maxLimit }: NonNullable<ListSupport['page']>): Parameters => ({
  'page[limit]': {
    schema: Type.Integer({ minimum: 1, maximum: maxLimit, default: defaultLimit }),
    description: 'Most items to show',
  },
  'page[offset]': {
    schema: Type.Integer({ minimum: 0, default: 0 }),
    description: 'Items to skip; `meta.count` is the number before that',
  },
});

const quoted = (names: readonly string[]): string => names.map((name) => `\`${name}\``).join(', ');
