/** MySQL and MariaDB. Every value goes beside the statement, never into it. */

import {
  createPool,
  type Pool,
  type PoolConnection,
  type ResultSetHeader,
  type RowDataPacket,
} from 'mysql2/promise';
import type { Clock, Milliseconds } from '../time.js';
import type { SqlDatabase, SqlParameter, SqlRow, SqlSession } from './database.js';
import { within } from './deadline.js';
import { mysqlDialect } from './dialect.js';
import { type MysqlAddress, shownAddress } from './mysql-address.js';
import { lateError, MysqlError, mysqlError } from './mysql-error.js';

export interface MysqlOptions {
  readonly address: MysqlAddress;
  /** Empty: none. */
  readonly user: string;
  readonly password: string;
  readonly database: string;
  readonly connections: number;
  readonly clock: Clock;
}

const CONNECT_TIMEOUT: Milliseconds = 5_000;
/** For a free connection, a new one included. */
const ACQUIRE_TIMEOUT: Milliseconds = 7_000;
/** More than a server waits for a lock, see `SESSION`. */
const STATEMENT_TIMEOUT: Milliseconds = 10_000;
const CLOSE_TIMEOUT: Milliseconds = 2_000;
/** Idle connections are closed, but for one. */
const IDLE_TIMEOUT: Milliseconds = 60_000;
/** Callers without a connection; what comes then is refused. */
const WAITING_LIMIT = 2_000;
/** Statements a server keeps prepared for each connection; there are about thirty. */
const PREPARED = 64;
/**
 * Of what is worth another attempt, see `again`. Of those who wait for each other one goes on each time, and all others
 * may be rolled back: as many as may come at once have their turn.
 */
const ATTEMPTS = { lost: 3, deadlock: 50 } as const;

/** What cannot be stored is an error instead of a warning; locks are waited for 5 s at most. */
const SESSION = "SET SESSION sql_mode = 'STRICT_ALL_TABLES', innodb_lock_wait_timeout = 5, autocommit = 1";

export function openMysql(options: MysqlOptions): SqlDatabase {
  return new MysqlDatabase(options);
}

class MysqlDatabase implements SqlDatabase {
  readonly dialect = mysqlDialect;
  readonly place: string;
  readonly #clock: Clock;
  readonly #pool: Pool;
  /** Of the pool, by what the driver calls them inside. */
  readonly #connections = new Set<{ destroy(): void }>();
  readonly #prepared = new WeakSet<object>();

  constructor({ address, user, password, database, connections, clock }: MysqlOptions) {
    this.#clock = clock;
    this.place = `mysql ${shownAddress(address)}/${database}`;
    this.#pool = createPool({
      ...address,
      ...(user === '' ? {} : { user, password }),
      database,
      charset: 'utf8mb4',
      connectTimeout: CONNECT_TIMEOUT,
      connectionLimit: connections,
      maxIdle: 1,
      idleTimeout: IDLE_TIMEOUT,
      queueLimit: WAITING_LIMIT,
      maxPreparedStatements: PREPARED,
      // JSON columns as text, like all others.
      jsonStrings: true,
      // Servers could ask for files of this machine.
      flags: ['-LOCAL_FILES'],
    });
    this.#pool.on('connection', (connection) => {
      this.#connections.add(connection);
      connection.once('end', () => this.#connections.delete(connection));
      // The pool listens for the first error only, and another one without a listener would end the process.
      connection.on('error', () => this.#connections.delete(connection));
    });
  }

  rows(sql: string, parameters: readonly SqlParameter[] = []): Promise<readonly SqlRow[]> {
    // A connection lost here was idle while the server was restarted, or the read can be repeated anyway.
    return again(
      () => this.#use((connection) => this.#session(connection).rows(sql, parameters)),
      (error) => error.state === 'lost',
    );
  }

  transaction<Result>(work: (session: SqlSession) => Promise<Result>): Promise<Result> {
    let begun = false;
    const attempt = (): Promise<Result> =>
      this.#use(async (connection) => {
        await this.#query(connection, 'START TRANSACTION');
        begun = true;
        try {
          const result = await work(this.#session(connection));
          await this.#query(connection, 'COMMIT');
          return result;
        } catch (error) {
          await this.#rollBack(connection, error);
          throw error;
        }
      });
    // Nobody knows whether a transaction whose connection was lost has been committed.
    return again(attempt, ({ state }) => state === 'deadlock' || (state === 'lost' && !begun));
  }

  async close(): Promise<void> {
    const ended = this.#pool.end();
    ended.catch(() => undefined);
    await within(this.#clock, CLOSE_TIMEOUT, ended, () => new Error('the server does not answer')).catch(
      () => {
        for (const connection of this.#connections) connection.destroy();
      },
    );
  }

  #session(connection: PoolConnection): SqlSession {
    const execute = async <Rows extends RowDataPacket[][] | ResultSetHeader>(
      sql: string,
      parameters: readonly SqlParameter[] = [],
    ): Promise<Rows> => {
      const running = connection.execute<Rows>({ sql, rowsAsArray: true }, [...parameters]);
      const [result] = await this.#answered(connection, running);
      return result;
    };
    return {
      rows: (sql, parameters) => execute<RowDataPacket[][]>(sql, parameters),
      run: async (sql, parameters) => (await execute<ResultSetHeader>(sql, parameters)).affectedRows,
    };
  }

  async #use<Result>(work: (connection: PoolConnection) => Promise<Result>): Promise<Result> {
    const connection = await this.#acquire();
    try {
      if (!this.#prepared.has(connection.connection)) {
        await this.#query(connection, SESSION);
        this.#prepared.add(connection.connection);
      }
      return await work(connection);
    } catch (error) {
      if (isGone(error)) connection.destroy();
      throw error;
    } finally {
      connection.release();
    }
  }

  #acquire(): Promise<PoolConnection> {
    let late = false;
    const acquired = this.#pool.getConnection().then(
      (connection) => {
        if (late) connection.release();
        return connection;
      },
      (error: unknown) => {
        throw mysqlError(error);
      },
    );
    return within(this.#clock, ACQUIRE_TIMEOUT, acquired, () => {
      late = true;
      return lateError('no connection to the database became free in time');
    });
  }

  async #query(connection: PoolConnection, sql: string): Promise<void> {
    await this.#answered(connection, connection.query(sql));
  }

  async #rollBack(connection: PoolConnection, error: unknown): Promise<void> {
    if (isGone(error)) return;
    // The server does it when the connection ends.
    await this.#query(connection, 'ROLLBACK').catch(() => connection.destroy());
  }

  /** A connection that does not answer is given up with its statement. */
  async #answered<Result>(connection: PoolConnection, running: Promise<Result>): Promise<Result> {
    const answer = running.catch((error: unknown) => {
      throw mysqlError(error);
    });
    return within(this.#clock, STATEMENT_TIMEOUT, answer, () => {
      connection.destroy();
      return lateError('the database did not answer in time');
    });
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof MysqlError && (error.state === 'lost' || error.state === 'late');

/** As often as `ATTEMPTS` says, as long as it fails in a way that `harmless` allows to repeat. */
async function again<Result>(
  attempt: () => Promise<Result>,
  harmless: (error: MysqlError) => boolean,
): Promise<Result> {
  const failures = { lost: 0, deadlock: 0 };
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof MysqlError) || !harmless(error)) throw error;
      if (error.state !== 'lost' && error.state !== 'deadlock') throw error;
      failures[error.state] += 1;
      if (failures[error.state] === ATTEMPTS[error.state]) throw error;
    }
  }
}
