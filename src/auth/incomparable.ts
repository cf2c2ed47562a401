import { SqlError } from '../sql/sql-error.js';

/**
 * What `query` gives; `otherwise` when a text it looks for cannot even be compared with those of the column, because
 * its characters do not exist there: then no row has it.
 */
export async function unlessIncomparable<Result>(
  query: Promise<Result>,
  otherwise: Result | (() => Promise<Result>),
): Promise<Result> {
  try {
    return await query;
  } catch (error) {
    if (!(error instanceof SqlError) || error.kind !== 'collation') throw error;
    return otherwise instanceof Function ? otherwise() : otherwise;
  }
}
