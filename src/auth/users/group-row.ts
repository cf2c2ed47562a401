/** Groups as the store keeps them, and as the rest of the server knows them. */

import type { UserGroupRecord } from '../../store/user-groups.js';
import type { Group } from '../groups/group.js';
import { permissions } from '../principal.js';

/** A row gives the same group for as long as it is the same object. */
const known = new WeakMap<UserGroupRecord, Group>();

/** Permissions this version does not know are not granted. */
export function toGroup(row: UserGroupRecord): Group {
  const before = known.get(row);
  if (before !== undefined) return before;
  const group: Group = {
    name: row.name,
    permissions: new Set(permissions.filter((permission) => row.permissions.includes(permission))),
    tunnelsRestricted: row.tunnelsRestricted,
    commandsRestricted: row.commandsRestricted,
  };
  known.set(row, group);
  return group;
}

export const toGroupRow = (group: Group): UserGroupRecord => ({
  name: group.name,
  permissions: permissions.filter((permission) => group.permissions.has(permission)),
  tunnelsRestricted: group.tunnelsRestricted,
  commandsRestricted: group.commandsRestricted,
});
