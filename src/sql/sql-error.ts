export type SqlErrorKind =
  /** Not reachable, overloaded, or locked by another program for too long. */
  | 'unavailable'
  /** A unique index or a primary key has the value already. */
  | 'duplicate'
  /** Too long for the column, or of characters it cannot store. */
  | 'value'
  | 'missing_table'
  | 'missing_column'
  /** Texts that cannot be compared with those of the column: of no row, when they are looked for. */
  | 'collation'
  | 'other';

/**
 * What a database said, in words that may be logged: never a statement, a value or a password. Callers of the API
 * do not see them.
 */
export class SqlError extends Error {
  constructor(
    readonly kind: SqlErrorKind,
    message: string,
  ) {
    super(message);
    this.name = 'SqlError';
  }
}
