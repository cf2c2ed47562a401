/** The caller himself. Spec 02 §11. */

import Type from 'typebox';
import { type Principal, permissions } from '../../auth/principal.js';
import type { User } from '../../auth/users/provider.js';
import { AppError } from '../../errors.js';
import type { ApiContext } from '../context.js';
import type { Access, ApiReply, Method, Route } from '../route.js';

const TAG = 'Profile & Info';
const anyUser: Access = { kind: 'user' };

const sortedPermissions = [...permissions].sort();

const restrictions = (what: string) =>
  Type.Union([Type.Array(Type.Object({}, { additionalProperties: true })), Type.Null()], {
    description: `Restrictions of ${what}, one object per group that has any`,
  });

const userSchema = Type.Object(
  {
    username: Type.String(),
    password_expired: Type.Boolean(),
    groups: Type.Union([Type.Array(Type.String()), Type.Null()]),
    two_fa_send_to: Type.String({ description: 'Where codes of the second factor are sent' }),
    effective_user_permissions: Type.Object(
      Object.fromEntries(sortedPermissions.map((permission) => [permission, Type.Boolean()])),
    ),
    effective_extended_permissions: Type.Object({
      tunnels_restricted: restrictions('tunnels'),
      commands_restricted: restrictions('commands'),
    }),
    group_permissions_enabled: Type.Boolean({ description: 'Groups carry permissions in this user store' }),
  },
  { title: 'UserGet' },
);

const getMe: Route = {
  method: 'GET',
  path: '/me',
  access: anyUser,
  docs: { tag: TAG, summary: 'Show the calling user', errors: { 404: 'The user has just been removed' } },
  responses: { 200: userSchema },
  handler({ principal }, context) {
    if (principal === null) throw new AppError('unauthorized');
    const user = context.users.find(principal.username);
    return user instanceof Promise
      ? user.then((known) => showUser(known, principal, context))
      : showUser(user, principal, context);
  },
};

const getMyIp: Route = {
  method: 'GET',
  path: '/me/ip',
  access: anyUser,
  docs: { tag: TAG, summary: 'Show the address this request came from' },
  responses: { 200: Type.Object({ ip: Type.String() }) },
  handler: ({ ip }) => ({ status: 200, data: { ip } }),
};

/** The one-token interface of old versions; `/me/tokens` took its place. Spec 02 §10.3. */
const removed = (method: Method, path: string): Route => ({
  method,
  path,
  access: anyUser,
  docs: { tag: TAG, summary: 'Removed', errors: { 410: 'Always' } },
  responses: {},
  handler() {
    throw new AppError('gone', { title: 'use new token management on /me/tokens' });
  },
});

export const meRoutes: readonly Route[] = [
  getMe,
  getMyIp,
  removed('GET', '/me/token'),
  removed('POST', '/me/token'),
  removed('PUT', '/me/token/{prefix}'),
  removed('DELETE', '/me/token/{prefix}'),
];

function showUser(user: User | undefined, principal: Principal, { users }: ApiContext): ApiReply {
  if (user === undefined) throw new AppError('not_found', { title: 'user not found' });
  return {
    status: 200,
    data: {
      username: user.username,
      // The reference never fills it here; whoever has got this far has a password that counts.
      password_expired: false,
      groups: user.groups,
      two_fa_send_to: user.twoFaSendTo,
      effective_user_permissions: Object.fromEntries(
        sortedPermissions.map((permission) => [permission, principal.permissions.has(permission)]),
      ),
      effective_extended_permissions: { tunnels_restricted: null, commands_restricted: null },
      group_permissions_enabled: users.groupSupport === 'details',
    },
  };
}
