/** There is always somebody who may change users. */

import { AppError } from '../../errors.js';
import { ADMINISTRATORS } from '../principal.js';
import type { User, UserProvider } from '../users/provider.js';

/** Throws `AppError` 400 when nobody else would be an administrator. Spec 02 §12.5. */
export async function refuseLastAdministrator(
  users: Pick<UserProvider, 'all'>,
  leaving: User,
): Promise<void> {
  if (!(await isLastAdministrator(users, leaving))) return;
  throw new AppError('bad_request', { title: 'the last administrator can not be removed' });
}

export async function isLastAdministrator(users: Pick<UserProvider, 'all'>, one: User): Promise<boolean> {
  if (!isAdministrator(one)) return false;
  const all = await users.all();
  return !all.some((user) => user.username !== one.username && isAdministrator(user));
}

const isAdministrator = ({ groups }: User): boolean => groups?.includes(ADMINISTRATORS) ?? false;

/** What this group may do is fixed, and so is its existence. Throws `AppError` 400. Spec 02 §14.3. */
export function refuseAdministrators(group: string): void {
  if (group !== ADMINISTRATORS) return;
  throw new AppError('bad_request', { title: `the group ${ADMINISTRATORS} can not be changed` });
}
