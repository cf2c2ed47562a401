/** The database of section `[database]`. Spec 02 §1, 07 §2.4. */

import type { DatabaseConfig } from '../config/types.js';
import type { Clock } from '../time.js';
import type { SqlDatabase } from './database.js';
import { parseMysqlAddress } from './mysql-address.js';
import { openMysql } from './open-mysql.js';
import { openSqlite } from './open-sqlite.js';

export interface OpenDatabaseOptions {
  readonly database: DatabaseConfig;
  /** Of MySQL, at most. */
  readonly connections: number;
  readonly clock: Clock;
}

/** Connects at the first use. Throws `Error` when the section names no database. */
export function openDatabase({ database, connections, clock }: OpenDatabaseOptions): SqlDatabase {
  const { dbType, dbHost, dbUser, dbPassword, dbName } = database;
  switch (dbType) {
    case 'mysql':
      return openMysql({
        address: parseMysqlAddress(dbHost),
        user: dbUser,
        password: dbPassword,
        database: dbName,
        connections,
        clock,
      });
    case 'sqlite':
      return openSqlite({ path: sqlitePath(dbName), clock });
    case '':
      throw new Error("'db_type' must be set");
  }
}

/** The reference's driver also takes `file:` and parameters after a question mark. */
export const sqlitePath = (name: string): string => name.replace(/^file:/, '').replace(/\?.*$/s, '');
