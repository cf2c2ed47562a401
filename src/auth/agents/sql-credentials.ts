/** Credentials in the table `server.auth_table` of a database, with columns `id` and `password`. Spec 03 §8. */

import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { SqlDatabase, SqlRow, SqlSession } from '../../sql/database.js';
import { quotePath } from '../../sql/identifier.js';
import { openDatabase } from '../../sql/open-database.js';
import { SqlError } from '../../sql/sql-error.js';
import { textOf } from '../../sql/value.js';
import type { Clock } from '../../time.js';
import { DatabaseTrouble } from '../database-trouble.js';
import { unlessIncomparable } from '../incomparable.js';
import { RecentLookups } from '../recent-lookups.js';
import type { AgentCredential, CredentialSource } from './credential-source.js';
import { credentialExists, unknownCredential } from './refusals.js';

export interface SqlCredentialsOptions {
  readonly config: Pick<Config, 'server' | 'database'>;
  readonly clock: Clock;
  readonly log: Logger;
}

const ID = '`id`';
const PASSWORD = '`password`';
/** Connections of one thread, at most: a thousand agents at once share them. */
const CONNECTIONS = 2;
/** Ids remembered for a second. */
const REMEMBERED = 2_000;

/** Ids are compared as the collation says. Rejects with `Error` that says what is wrong with database or table. */
export async function openSqlCredentials(options: SqlCredentialsOptions): Promise<CredentialSource> {
  const { config, clock, log } = options;
  const table = quotePath(config.server.authTable);
  const database = openDatabase({ database: config.database, connections: CONNECTIONS, clock });
  try {
    await checkTable(database, table);
  } catch (error) {
    await database.close();
    throw error;
  }
  return sqlCredentials(database, table, clock, log);
}

async function checkTable(database: SqlDatabase, table: string): Promise<void> {
  try {
    await database.rows(`SELECT ${ID}, ${PASSWORD} FROM ${table} LIMIT 0`);
  } catch (error) {
    if (!(error instanceof SqlError)) throw error;
    const where = error.kind === 'unavailable' ? database.place : `server.auth_table ${table}`;
    throw new Error(`${where}: ${error.message}`);
  }
}

function sqlCredentials(database: SqlDatabase, table: string, clock: Clock, log: Logger): CredentialSource {
  const { bytes, forUpdate } = database.dialect;
  const trouble = new DatabaseTrouble('agent credentials', clock, log);
  const select = `SELECT ${ID}, ${PASSWORD} FROM ${table}`;

  const find = async (id: string): Promise<SqlRow | undefined> => {
    const rows = await unlessIncomparable(database.rows(`${select} WHERE ${ID} = ?`, [id]), []);
    return rows.find(([stored]) => textOf(stored) === id) ?? rows[0];
  };
  const lookups = new RecentLookups<AgentCredential | undefined>({
    clock,
    capacity: REMEMBERED,
    async load(wanted) {
      const [id, password] = (await trouble.guard(find(wanted))) ?? [];
      return textOf(password) === '' ? undefined : { id: textOf(id), password: textOf(password) };
    },
  });

  const change = (work: (session: SqlSession) => Promise<void>): Promise<void> =>
    trouble.guard(database.transaction(work)).finally(() => lookups.forget());

  return {
    source: 'DB',
    writable: true,
    lookup: (id) => (id === '' ? undefined : lookups.recent(id)),

    async list() {
      const rows = await trouble.guard(database.rows(select));
      const passwords = new Map(rows.map(([id, password]) => [textOf(id), textOf(password)]));
      return [...passwords]
        .filter(([id, password]) => id !== '' && password !== '')
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([id, password]) => ({ id, password }));
    },

    add: ({ id, password }) =>
      change(async (session) => {
        const sql = `SELECT ${ID} FROM ${table} WHERE ${ID} = ?${forUpdate}`;
        const found = await unlessIncomparable(session.rows(sql, [id]), []);
        if (found.length > 0) throw credentialExists(id);
        try {
          await session.run(`INSERT INTO ${table} (${ID}, ${PASSWORD}) VALUES (?, ?)`, [id, password]);
        } catch (error) {
          throw error instanceof SqlError && error.kind === 'duplicate' ? credentialExists(id) : error;
        }
      }),

    remove: (id) =>
      change(async (session) => {
        const sql = `DELETE FROM ${table} WHERE ${ID} = ? AND ${bytes(ID)} = ${bytes('?')}`;
        const removed = await unlessIncomparable(session.run(sql, [id, id]), 0);
        if (removed === 0) throw unknownCredential(id);
      }),

    forget: () => lookups.forget(),
    close: () => database.close(),
  };
}
