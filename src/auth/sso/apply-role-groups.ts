/** Groups of a user that follow what his identity provider says about him. Spec 02 §20.8, `role_group_map`. */

import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { Accounts } from '../accounts/accounts.js';
import { ADMINISTRATORS } from '../principal.js';
import type { UserProvider } from '../users/provider.js';
import type { RoleGroupChange } from './single-sign-on.js';

export interface RoleGroupParts {
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly log: Logger;
}

/**
 * Puts the user into the groups he holds and out of the other managed ones. The last administrator stays one, with a
 * line in the log. Resolves when every thread goes by it; throws what `changeUser` throws.
 */
export async function applyRoleGroups(
  { users, accounts, log }: RoleGroupParts,
  username: string,
  { held, managed }: RoleGroupChange,
): Promise<void> {
  const user = await users.findCurrent(username);
  if (user === undefined) return;
  const present = user.groups ?? [];
  const kept = present.filter((group) => held.includes(group) || !managed.includes(group));
  const gained = held.filter((group) => !present.includes(group));
  if (gained.length === 0 && kept.length === present.length) return;
  const groups = [...kept, ...gained];
  try {
    await accounts.changeUser(user.username, { groups });
  } catch (error) {
    const demoted = present.includes(ADMINISTRATORS) && !groups.includes(ADMINISTRATORS);
    if (!demoted || !(error instanceof AppError) || error.status !== 400) throw error;
    log.error(
      `single sign-on: ${JSON.stringify(user.username)} stays in ${ADMINISTRATORS} although no role of his leads there: ${error.title}`,
    );
    await accounts.changeUser(user.username, { groups: [...groups, ADMINISTRATORS] });
  }
}
