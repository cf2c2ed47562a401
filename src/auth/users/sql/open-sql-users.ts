/** Users in the tables `api.auth_user_table` and its neighbours. Spec 02 §18.3. */

import type { Config } from '../../../config/types.js';
import type { Logger } from '../../../logging/logger.js';
import { openDatabase } from '../../../sql/open-database.js';
import type { Clock } from '../../../time.js';
import { DatabaseTrouble } from '../../database-trouble.js';
import type { UserProvider } from '../provider.js';
import type { UserWrites } from '../writes.js';
import { sqlUsers } from './sql-users.js';
import { openTables } from './tables.js';
import { groupWrites } from './write-groups.js';
import { userWrites } from './write-users.js';

export interface OpenSqlUsersOptions {
  readonly config: Pick<Config, 'api' | 'database'>;
  readonly clock: Clock;
  readonly log: Logger;
}

export interface SqlUsers {
  /** Closing it ends the writes as well. */
  readonly users: UserProvider;
  /** Names are those the provider gives; other spellings of the same name are unknown here. */
  readonly writes: UserWrites;
}

/** Connections of one thread, at most. */
const CONNECTIONS = 4;

/** Rejects with `Error` that says what is wrong with the database or with a table. */
export async function openSqlUsers({ config, clock, log }: OpenSqlUsersOptions): Promise<SqlUsers> {
  const database = openDatabase({ database: config.database, connections: CONNECTIONS, clock });
  try {
    const tables = await openTables(database, config);
    const trouble = new DatabaseTrouble('users', clock, log);
    const users = await sqlUsers({ database, tables, trouble, clock, log });
    log.info(`DB: successfully connected to ${database.place}`);
    const changes = { ...userWrites(database, tables), ...groupWrites(database, tables) };
    return {
      users,
      writes: {
        add: (user) => trouble.guard(changes.add(user)),
        change: (username, change, onlyIf) => trouble.guard(changes.change(username, change, onlyIf)),
        remove: (username) => trouble.guard(changes.remove(username)),
        putGroup: (group) => trouble.guard(changes.putGroup(group)),
        removeGroup: (name) => trouble.guard(changes.removeGroup(name)),
      },
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}
