/** Table `user_groups`: what the members of a group may do. Spec 02 §14. */

import type { Logger } from '../logging/logger.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { ParsedRows } from './parsed-rows.js';
import type { OpenedTables } from './tables.js';
import { decodeUser, decodeUserGroup, encodeUser, encodeUserGroup } from './user-codec.js';
import type { UserGroupRepository } from './user-groups.js';

export function createUserGroupRepository(tables: OpenedTables, log: Logger): UserGroupRepository {
  const { users, userGroups } = tables;
  const rows = new ParsedRows(userGroups, decodeUserGroup, log);
  const members = new ParsedRows(users, decodeUser, log);
  return {
    get: (name) => rows.get(name),
    all: () => rows.all(),

    async put(group) {
      checkKeyText(group.name);
      await committed(userGroups.put(group.name, encodeUserGroup(group)));
    },

    async remove(name) {
      await committed(
        userGroups.transaction(() => {
          const leaving = [...members.allInTransaction()].filter(({ groups }) => groups?.includes(name));
          for (const user of leaving) {
            const groups = user.groups?.filter((group) => group !== name) ?? null;
            users.put(user.username, encodeUser({ ...user, groups }));
          }
          // A name that cannot be a key has members at most.
          if (isKeyText(name)) userGroups.remove(name);
        }),
      );
    },
  };
}
