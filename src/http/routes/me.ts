/** The caller himself. Spec 02 §11. */

import Type from 'typebox';
import type { Principal } from '../../auth/principal.js';
import type { User, UserProvider } from '../../auth/users/provider.js';
import { AppError } from '../../errors.js';
import { jsonText } from '../../go/json-text.js';
import type { ApiContext } from '../context.js';
import type { Access, ApiReply, Method, Route } from '../route.js';
import { callingUser, userSchema } from './user-answer.js';

const TAG = 'Profile & Info';
const anyUser: Access = { kind: 'user' };

const getMe: Route = {
  method: 'GET',
  path: '/me',
  access: anyUser,
  docs: { tag: TAG, summary: 'Show the calling user', errors: { 404: 'The user has just been removed' } },
  responses: { 200: userSchema },
  handler({ principal }, { users }) {
    if (principal === null) throw new AppError('unauthorized');
    const user = users.find(principal.username);
    return user instanceof Promise
      ? user.then((found) => showCaller(found, principal, users))
      : showCaller(user, principal, users);
  },
};

/** The answer to each caller. When he or one of his groups changes, both keys are other objects. */
const shown = new WeakMap<Principal, { readonly user: User; readonly json: string }>();

function showCaller(
  user: User | undefined,
  principal: Principal,
  users: UserProvider,
): ApiReply | Promise<ApiReply> {
  if (user === undefined) throw new AppError('not_found', { title: 'user not found' });
  const known = shown.get(principal);
  if (known?.user === user) return { status: 200, json: known.json };
  return callingUser(user, principal, users).then((data) => {
    const json = jsonText({ data });
    shown.set(principal, { user, json });
    return { status: 200, json };
  });
}

const changeMe: Route = {
  method: 'PUT',
  path: '/me',
  access: anyUser,
  docs: {
    tag: TAG,
    summary: 'Change the calling user',
    description:
      'What is absent or empty stays as it is. Sessions and API tokens go along with a new name. A new password ends no session.',
    errors: {
      400: 'Nothing to change, or a field is no good; one item for each broken rule',
      403: 'The old password is missing or wrong; or names come from elsewhere, so that only administrators change them',
      429: 'Too many wrong old passwords',
    },
  },
  audit: { application: 'auth.user.me', action: 'update' },
  body: Type.Object({
    username: Type.Optional(Type.String({ description: 'The new name' })),
    password: Type.Optional(Type.String({ description: 'The new password' })),
    old_password: Type.Optional(Type.String({ description: 'Required with `password`' })),
    two_fa_send_to: Type.Optional(Type.String({ description: 'Where to send codes of the second factor' })),
  }),
  responses: { 204: null },
  async handler({ principal, body, ip }, context) {
    const { users, accounts, auth } = context;
    if (principal === null) throw new AppError('unauthorized');
    const { password = '', ...given } = body as {
      username?: string;
      password?: string;
      old_password?: string;
      two_fa_send_to?: string;
    };
    const user: User | undefined = await users.findCurrent(principal.username);
    if (user === undefined) throw new AppError('unauthorized', { title: 'unauthorized access' });
    const { username = '' } = given;
    if (username !== '' && username !== user.username && !principal.admin) refuseVouchedName(context);
    if (password !== '') {
      const { old_password: oldPassword = '' } = given;
      if (oldPassword === '') throw new AppError('forbidden', { title: 'Missing old password.' });
      await auth.confirmPassword(user.username, oldPassword, ip);
    }
    await accounts.changeUser(user.username, {
      password,
      username,
      twoFaSendTo: given.two_fa_send_to ?? '',
    });
    return { status: 204, empty: true };
  },
};

/**
 * Where a proxy or an identity provider names the users and unknown ones are added, who gives up his name comes back
 * under it as somebody new, in `default_user_group` whatever groups he was in. Throws `AppError` 403.
 */
function refuseVouchedName({ config, sso }: ApiContext): void {
  const { authHeader, createMissingUsers } = config.api;
  if (!(sso?.createsMissingUsers ?? (authHeader !== '' && createMissingUsers))) return;
  throw new AppError('forbidden', { title: 'names of users come from elsewhere, ask an administrator' });
}

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
  changeMe,
  getMyIp,
  removed('GET', '/me/token'),
  removed('POST', '/me/token'),
  removed('PUT', '/me/token/{prefix}'),
  removed('DELETE', '/me/token/{prefix}'),
];
