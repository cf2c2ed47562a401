/** Users in tables of a database: the reading side. Spec 02 §18.3. */

import type { Logger } from '../../../logging/logger.js';
import type { SqlDatabase } from '../../../sql/database.js';
import type { Clock } from '../../../time.js';
import type { DatabaseTrouble } from '../../database-trouble.js';
import type { Group } from '../../groups/group.js';
import { RecentLookups } from '../../recent-lookups.js';
import { Decoys, SAMPLE } from '../decoys.js';
import type { User, UserProvider } from '../provider.js';
import { type GroupReader, groupReader } from './read-groups.js';
import { userReader } from './read-users.js';
import { StrangerLimit } from './stranger-limit.js';
import type { UserTables } from './tables.js';

export interface SqlUsersOptions {
  /** Closed with the users. */
  readonly database: SqlDatabase;
  readonly tables: UserTables;
  readonly trouble: DatabaseTrouble;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Users and lists of groups remembered for a second. */
const REMEMBERED = 2_000;

const noDetails: GroupReader = { rows: async () => [], all: async () => [] };

/** Rejects with `SqlError` when the users cannot be read. */
export async function sqlUsers(options: SqlUsersOptions): Promise<UserProvider> {
  const { database, tables, trouble, clock, log } = options;
  const reader = userReader(database, tables);
  const details = tables.details === null ? noDetails : groupReader(database, tables.details, log);
  const decoys = new Decoys(await reader.sample(SAMPLE));
  const strangers = new StrangerLimit();

  const users = new RecentLookups<User | undefined>({
    clock,
    capacity: REMEMBERED,
    async load(username) {
      const user = await strangers.look(username, () => trouble.guard(reader.find(username)));
      decoys.seen(username, user);
      return user;
    },
  });
  const groups = new RecentLookups<readonly Group[]>({
    clock,
    capacity: REMEMBERED,
    load: (names) => trouble.guard(details.rows(JSON.parse(names) as string[])),
  });
  const forget = (): void => {
    users.forget();
    groups.forget();
  };

  return {
    source: 'DB',
    groupSupport: tables.details === null ? 'memberships' : 'details',
    writable: true,
    find: (username) => users.recent(username),
    findCurrent: (username) => users.current(username),
    all: () => trouble.guard(reader.all()),
    groups: (names) =>
      names.length === 0 || tables.details === null ? [] : groups.recent(JSON.stringify(names)),
    allGroups: () => trouble.guard(details.all()),
    async groupNames() {
      const [rows, names] = await trouble.guard(Promise.all([details.all(), reader.groupNames()]));
      return [...new Set([...rows.map(({ name }) => name), ...names])].sort();
    },
    decoy: (username) => decoys.for(username),
    async reload() {
      forget();
      await trouble.guard(reader.sample(1));
    },
    forget,
    close: () => database.close(),
  };
}
