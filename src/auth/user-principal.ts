/** From a user to the caller he is. Sets of permissions are made once per user and state of his groups. */

import type { Group } from './groups/group.js';
import { makePrincipal, type Principal } from './principal.js';
import type { User, UserProvider } from './users/provider.js';

/** Comes at once when the groups do. */
export type UserPrincipal = (user: User) => Principal | Promise<Principal>;

interface Known {
  readonly rows: readonly Group[] | null;
  readonly principal: Principal;
}

const NO_GROUPS: readonly string[] = [];

export function makeUserPrincipal(users: UserProvider): UserPrincipal {
  /** A user or group that has changed is another object. */
  const principals = new WeakMap<User, Known>();

  const of = (user: User, rows: readonly Group[] | null): Principal => {
    const known = principals.get(user);
    if (known !== undefined && sameRows(known.rows, rows)) return known.principal;
    const principal = makePrincipal(user.username, user.groups ?? NO_GROUPS, rows);
    principals.set(user, { rows, principal });
    return principal;
  };

  return (user) => {
    // Without rows everybody has every permission. Spec 02 §14.4.
    if (users.groupSupport !== 'details') return of(user, null);
    const rows = users.groups(user.groups ?? NO_GROUPS);
    return rows instanceof Promise ? rows.then((found) => of(user, found)) : of(user, rows);
  };
}

function sameRows(one: readonly Group[] | null, other: readonly Group[] | null): boolean {
  if (one === null || other === null) return one === other;
  return one.length === other.length && one.every((row, index) => row === other[index]);
}
