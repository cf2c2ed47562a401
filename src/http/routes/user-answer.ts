/** Users as the API shows them: without password and TOTP secret. Spec 02 §11 and §12.1. */

import Type from 'typebox';
import type { Restriction } from '../../auth/groups/group.js';
import { permissionFlags } from '../../auth/groups/permission-flags.js';
import { type Principal, permissions } from '../../auth/principal.js';
import type { User, UserProvider } from '../../auth/users/provider.js';
import { commandsRestrictedSchema, tunnelsRestrictedSchema } from './restriction-schema.js';

const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

export const permissionFlagsSchema = Type.Object(
  Object.fromEntries([...permissions].sort().map((permission) => [permission, Type.Boolean()])),
);

const perGroup = <Schema extends Type.TSchema>(schema: Schema) =>
  orNull(Type.Array(schema, { description: 'One object per group that has any' }));

export const userSchema = Type.Object(
  {
    username: Type.String(),
    password_expired: Type.Boolean({ description: 'No login until the password is changed' }),
    groups: orNull(Type.Array(Type.String())),
    two_fa_send_to: Type.String({ description: 'Where codes of the second factor are sent' }),
    effective_user_permissions: orNull(permissionFlagsSchema),
    effective_extended_permissions: Type.Object({
      tunnels_restricted: perGroup(tunnelsRestrictedSchema),
      commands_restricted: perGroup(commandsRestrictedSchema),
    }),
    group_permissions_enabled: Type.Boolean({ description: 'Groups carry permissions in this user store' }),
  },
  { title: 'UserGet' },
);

/** An item of the list of users, which says nothing about permissions. */
export const listedUser = (user: User): unknown => ({
  ...account(user, user.passwordExpired),
  effective_user_permissions: null,
  effective_extended_permissions: { tunnels_restricted: null, commands_restricted: null },
  group_permissions_enabled: false,
});

/** The caller, with what he may do. */
export async function callingUser(user: User, principal: Principal, users: UserProvider): Promise<unknown> {
  // Nothing restricts an administrator.
  const groups = principal.admin ? [] : await users.groups(user.groups ?? []);
  return {
    // The reference never fills it here; whoever has got this far has a password that counts.
    ...account(user, false),
    effective_user_permissions: permissionFlags(principal.permissions),
    effective_extended_permissions: {
      tunnels_restricted: collected(groups.map((group) => group.tunnelsRestricted)),
      commands_restricted: collected(groups.map((group) => group.commandsRestricted)),
    },
    group_permissions_enabled: users.groupSupport === 'details',
  };
}

const account = ({ username, groups, twoFaSendTo }: User, passwordExpired: boolean) => ({
  username,
  password_expired: passwordExpired,
  groups,
  two_fa_send_to: twoFaSendTo,
});

function collected(restrictions: readonly (Restriction | null)[]): readonly Restriction[] | null {
  const all = restrictions.filter((one) => one !== null);
  return all.length === 0 ? null : all;
}
