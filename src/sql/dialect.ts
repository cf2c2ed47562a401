/** What the databases write differently. */

export interface SqlDialect {
  readonly name: 'mysql' | 'sqlite';
  /** Makes an expression comparable byte by byte, whatever the collation of its column. */
  bytes(expression: string): string;
  /** Ends a select whose rows are about to be changed in the same transaction. */
  readonly forUpdate: string;
}

export const mysqlDialect: SqlDialect = {
  name: 'mysql',
  bytes: (expression) => `CAST(CONVERT(${expression} USING utf8mb4) AS BINARY)`,
  forUpdate: ' FOR UPDATE',
};

export const sqliteDialect: SqlDialect = {
  name: 'sqlite',
  bytes: (expression) => `CAST(${expression} AS BLOB)`,
  // A writing transaction has the whole file for itself.
  forUpdate: '',
};
