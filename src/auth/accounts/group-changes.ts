/** Changes of groups. Spec 02 §14.3. */

import type { Group } from '../groups/group.js';
import { refuseWithoutGroupRows } from '../groups/unsupported-groups.js';
import { permissions } from '../principal.js';
import { checkRestriction } from '../restrictions/check-restriction.js';
import type { Accounts } from './accounts.js';
import { refuseAdministrators } from './administrators.js';
import { checkGroupName, throwAll } from './check-user-input.js';
import type { AccountsOptions } from './make-accounts.js';

export function makeGroupChanges({
  users,
  writes,
  turns,
}: AccountsOptions): Pick<Accounts, 'putGroup' | 'removeGroup'> {
  return {
    async putGroup(name, input) {
      refuseWithoutGroupRows(users);
      refuseAdministrators(name);
      throwAll(checkGroupName(name));
      const group: Group = {
        name,
        permissions: new Set(permissions.filter((permission) => input.permissions?.[permission] === true)),
        tunnelsRestricted: checkRestriction(input.tunnelsRestricted),
        commandsRestricted: checkRestriction(input.commandsRestricted),
      };
      await turns.take(() => writes.putGroup(group));
      return group;
    },

    async removeGroup(name) {
      refuseWithoutGroupRows(users);
      refuseAdministrators(name);
      await turns.take(() => writes.removeGroup(name));
    },
  };
}
