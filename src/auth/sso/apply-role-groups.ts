import type { Logger } from '../../logging/logger.js';
import type { Accounts } from '../accounts/accounts.js';
import { groupsAfter, type RoleGroupChange } from '../accounts/role-groups.js';
import { ADMINISTRATORS } from '../principal.js';
import type { UserProvider } from '../users/provider.js';

export interface RoleGroupParts {
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly log: Logger;
}

/**
 * Puts the user into the groups he holds and out of the other managed ones. The last administrator stays one, with a
 * line in the log. Resolves when every thread goes by it; throws what `Accounts.applyRoles` throws.
 */
export async function applyRoleGroups(
  { users, accounts, log }: RoleGroupParts,
  username: string,
  change: RoleGroupChange,
): Promise<void> {
  const user = await users.findCurrent(username);
  // Most logins change nothing, and cost no turn of the accounts.
  if (user === undefined || groupsAfter(user.groups ?? [], change) === null) return;
  if (!(await accounts.applyRoles(user.username, change))) return;
  log.error(
    `single sign-on: ${JSON.stringify(user.username)} stays in ${ADMINISTRATORS} as the last one, although no role of his leads there`,
  );
}
