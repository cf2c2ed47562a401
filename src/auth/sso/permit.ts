/** Who may log in with what the provider said. Spec 02 §20.8: membership, then name; the user store comes after. */

import type { PlusOauthConfig } from '../../config/types.js';
import { AppError } from '../../errors.js';
import type { RoleGroupChange } from '../accounts/role-groups.js';
import { compileRegularExpression } from '../restrictions/regular-expression.js';
import type { Identity, IdentityProvider } from './providers/provider.js';
import type { SignedIn } from './single-sign-on.js';

/** What a column of users holds. */
const LONGEST_USERNAME = 150;
/** Control, format and unassigned characters and line separators: a name must look like what it is. */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}]/u;

/** Throws `AppError` 401. */
export function permit(oauth: PlusOauthConfig, provider: IdentityProvider, identity: Identity): SignedIn {
  const { memberships } = identity;
  const isMember = (of: string): boolean =>
    memberships?.some((one) => provider.sameMembership(one, of)) ?? false;
  if (provider.required !== '' && !isMember(provider.required)) refuse(provider.requiredTitle);
  const username = checkUsername(identity.username);
  if (oauth.permittedUserMatch !== '' && !compileRegularExpression(oauth.permittedUserMatch).test(username))
    refuse('user is not permitted');
  return { username, groups: memberships === null ? null : groupChange(oauth, isMember) };
}

function groupChange(
  { roleGroupMap }: PlusOauthConfig,
  isMember: (role: string) => boolean,
): RoleGroupChange | null {
  if (roleGroupMap.length === 0) return null;
  const groupsOf = (entries: PlusOauthConfig['roleGroupMap']) => [
    ...new Set(entries.flatMap(({ groups }) => groups)),
  ];
  return {
    held: groupsOf(roleGroupMap.filter(({ role }) => isMember(role))),
    managed: groupsOf(roleGroupMap),
  };
}

function checkUsername(given: unknown): string {
  if (typeof given !== 'string' || given === '') return refuse('the identity provider names no user');
  if (given.length > LONGEST_USERNAME || given.trim() !== given || UNSAFE.test(given))
    return refuse('the identity provider names the user in a way that is not accepted here');
  return given;
}

function refuse(title: string): never {
  throw new AppError('unauthorized', { title });
}
