/**
 * SQLite files, which other processes may read, write, lock and replace at any time. The library works in the calling
 * thread, so a lock is never waited for inside of it.
 */

import { type BigIntStats, statSync } from 'node:fs';
import { DatabaseSync, type StatementSyncInstance } from '@photostructure/sqlite';
import type { Clock, Milliseconds } from '../time.js';
import type { SqlDatabase, SqlParameter, SqlRow, SqlSession } from './database.js';
import { pause } from './deadline.js';
import { sqliteDialect } from './dialect.js';
import { SqlError } from './sql-error.js';
import { isBusy, sqliteError } from './sqlite-error.js';

export interface SqliteOptions {
  /** Must exist. */
  readonly path: string;
  readonly clock: Clock;
}

/** How long a locked file is waited for. */
const LOCK_TIMEOUT: Milliseconds = 5_000;
/** The first pause; each is half as long again as the one before. */
const SHORTEST_PAUSE: Milliseconds = 4;
const LONGEST_PAUSE: Milliseconds = 100;
/** Statements waiting for a locked file; what comes then is refused. */
const WAITING_LIMIT = 2_000;
/** There are about thirty. */
const PREPARED = 64;

export function openSqlite(options: SqliteOptions): SqlDatabase {
  return new SqliteDatabase(options);
}

class SqliteDatabase implements SqlDatabase {
  readonly dialect = sqliteDialect;
  readonly place: string;
  readonly #clock: Clock;
  /** Apart from the writer, so that reads see committed rows only. */
  readonly #reader: Connection;
  readonly #writer: Connection;
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor({ path, clock }: SqliteOptions) {
    this.#clock = clock;
    this.place = `sqlite ${path}`;
    this.#reader = new Connection(path, 'PRAGMA query_only = ON');
    // The journal is gone for good before a commit is reported.
    this.#writer = new Connection(path, 'PRAGMA synchronous = EXTRA');
  }

  rows(sql: string, parameters: readonly SqlParameter[] = []): Promise<readonly SqlRow[]> {
    return this.#whenFree(() => this.#reader.current().rows(sql, parameters));
  }

  transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    const mine = this.#last.then(() => this.#transact(work));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  async close(): Promise<void> {
    await this.#last;
    this.#reader.close();
    this.#writer.close();
  }

  async #transact<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    const writer = await this.#whenFree(() => {
      const current = this.#writer.current();
      current.run('BEGIN IMMEDIATE');
      return current;
    });
    try {
      const result = await work({
        rows: (sql, parameters = []) => this.#whenFree(() => writer.rows(sql, parameters)),
        run: (sql, parameters = []) => this.#whenFree(() => writer.run(sql, parameters)),
      });
      await this.#whenFree(() => writer.run('COMMIT'));
      return result;
    } catch (error) {
      writer.rollBack();
      throw error;
    }
  }

  /** `use` at once, or as soon as no other process is in its way. */
  async #whenFree<Result>(use: () => Result): Promise<Result> {
    const since = this.#clock.now();
    let length = SHORTEST_PAUSE;
    for (;;) {
      try {
        return use();
      } catch (error) {
        const waited = this.#clock.now() - since;
        if (!isBusy(error) || waited >= LOCK_TIMEOUT || this.#waiting >= WAITING_LIMIT)
          throw sqliteError(error);
      }
      this.#waiting += 1;
      await pause(this.#clock, length);
      this.#waiting -= 1;
      length = Math.min(length * 1.5, LONGEST_PAUSE);
    }
  }
}

/** One connection with its prepared statements; opened at the first use. */
class Connection {
  readonly #path: string;
  readonly #setting: string;
  readonly #statements = new Map<string, StatementSyncInstance>();
  #database: InstanceType<typeof DatabaseSync> | null = null;
  /** Identifies the file that was opened. */
  #file = '';
  #closed = false;

  constructor(path: string, setting: string) {
    this.#path = path;
    this.#setting = setting;
  }

  /** This connection, to the file that has the name now. */
  current(): this {
    if (this.#closed) throw new SqlError('unavailable', 'database is closed');
    const file = identity(this.#path);
    if (file === this.#file) return this;
    this.#end();
    const database = new DatabaseSync(this.#path, { timeout: 0, enableForeignKeyConstraints: false });
    try {
      database.exec(this.#setting);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#database = database;
    this.#file = file;
    return this;
  }

  rows(sql: string, parameters: readonly SqlParameter[]): readonly SqlRow[] {
    // The library would cut them there, and find another row.
    if (parameters.some(hasNul)) throw new SqlError('collation', 'texts with NUL cannot be compared');
    return this.#prepare(sql).all(...parameters);
  }

  run(sql: string, parameters: readonly SqlParameter[] = []): number {
    if (parameters.some(hasNul)) throw new SqlError('value', 'texts with NUL cannot be stored');
    return this.#prepare(sql).run(...parameters).changes;
  }

  rollBack(): void {
    if (this.#database?.isTransaction) this.#database.exec('ROLLBACK');
  }

  close(): void {
    this.#closed = true;
    this.#end();
  }

  #prepare(sql: string): StatementSyncInstance {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    if (this.#database === null) throw new SqlError('unavailable', 'database is closed');
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    if (this.#statements.size >= PREPARED) this.#statements.clear();
    this.#statements.set(sql, statement);
    return statement;
  }

  #end(): void {
    this.#statements.clear();
    this.#database?.close();
    this.#database = null;
    this.#file = '';
  }
}

const hasNul = (parameter: SqlParameter): boolean =>
  typeof parameter === 'string' && parameter.includes('\u0000');

function identity(path: string): string {
  let stats: BigIntStats;
  try {
    stats = statSync(path, { bigint: true });
  } catch {
    throw new SqlError('unavailable', `no such file: ${path}`);
  }
  if (!stats.isFile()) throw new SqlError('unavailable', `no database file: ${path}`);
  return `${stats.dev} ${stats.ino}`;
}
