/**
 * Databases that belong to others: their tables are made, filled and changed by operators and other programs. SQL
 * is written here with `?` for every value, and with names quoted by `quoteName`.
 */

import type { SqlDialect } from './dialect.js';

export type SqlParameter = string | number | null;

/** Values in the order of the select list, as the driver gives them: read with `value.ts`. */
export type SqlRow = readonly unknown[];

/** Every method rejects with `SqlError`. */
export interface SqlSession {
  rows(sql: string, parameters?: readonly SqlParameter[]): Promise<readonly SqlRow[]>;
  /** How many rows the statement has inserted, matched or deleted. */
  run(sql: string, parameters?: readonly SqlParameter[]): Promise<number>;
}

/** One per thread and purpose. Nothing is sent before the first use. */
export interface SqlDatabase {
  readonly dialect: SqlDialect;
  /** For log lines; without user and password. */
  readonly place: string;
  rows: SqlSession['rows'];
  /**
   * Commits what `work` does, or nothing of it: resolves when it would survive a power loss. `work` uses its session
   * only, and is run again when the database gives way to another program, so it must do nothing else. What it
   * throws is passed on.
   */
  transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result>;
  /** Uses from now on reject. */
  close(): Promise<void>;
}
