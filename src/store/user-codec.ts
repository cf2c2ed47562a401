/** Rows of the tables `users` and `user_groups` as JSON text. */

import type { User } from '../auth/users/provider.js';
import { rowFields } from './row-fields.js';
import type { UserGroupRecord } from './user-groups.js';

/** A group the user is in comes once. */
export const encodeUser = (user: User): string =>
  JSON.stringify({ ...user, groups: user.groups === null ? null : [...new Set(user.groups)] });

/** `undefined` for what is not wholly a user: half a row could let in somebody whose password has expired. */
export function decodeUser(username: string, text: string): User | undefined {
  const fields = rowFields(text);
  const user: User = {
    username: fields.text('username'),
    password: fields.text('password'),
    passwordExpired: fields.flag('passwordExpired'),
    groups: fields.texts('groups'),
    twoFaSendTo: fields.text('twoFaSendTo'),
    totpSecret: fields.text('totpSecret'),
  };
  return fields.fits && user.username === username && user.password !== '' ? user : undefined;
}

export const encodeUserGroup = (group: UserGroupRecord): string => JSON.stringify(group);

/** `undefined` for what is not wholly a group: half a row could lift a restriction. */
export function decodeUserGroup(name: string, text: string): UserGroupRecord | undefined {
  const fields = rowFields(text);
  const restriction = (key: string) =>
    fields.object(key, (value) => value as NonNullable<UserGroupRecord['tunnelsRestricted']>);
  const group: UserGroupRecord = {
    name: fields.text('name'),
    permissions: fields.texts('permissions') ?? [],
    tunnelsRestricted: restriction('tunnelsRestricted'),
    commandsRestricted: restriction('commandsRestricted'),
  };
  return fields.fits && group.name === name ? group : undefined;
}
