/** Secrets of authenticator apps. Spec 02 §9.2. */

import Type from 'typebox';
import { noSecretTitle } from '../../auth/second-factor/pending-challenges.js';
import { qrCode } from '../../auth/second-factor/totp/qr-code.js';
import { readTotpKey } from '../../auth/second-factor/totp/read-key.js';
import { newTotpUrl, type TotpKey } from '../../auth/second-factor/totp/secret.js';
import type { User } from '../../auth/users/provider.js';
import { AppError } from '../../errors.js';
import type { ApiContext } from '../context.js';
import type { Access, ApiReply, ApiRequest, Route } from '../route.js';
import { refuseSingleUser } from './refuse-single-user.js';

const PATH = '/me/totp-secret';
const TAG = 'Profile & Info';
const anyUser: Access = { kind: 'user' };
const JSON_TYPE = 'application/json';

const totpSchema = Type.Object(
  {
    secret: Type.String({ description: 'Base32' }),
    qr: Type.String({ description: 'PNG, 200×200, Base64: to be scanned by the authenticator app' }),
  },
  { title: 'TotP' },
);
const disabled = 'Authenticator apps are not in use here';

const show: Route = {
  method: 'GET',
  path: PATH,
  access: anyUser,
  docs: {
    tag: TAG,
    summary: "Show the secret of the caller's authenticator app",
    contentType: JSON_TYPE,
    errors: { 400: disabled, 404: 'There is none' },
  },
  responses: { 200: totpSchema },
  async handler(request, context) {
    const key = readTotpKey(await caller(request, context));
    if (key === null) throw new AppError('not_found', { title: noSecretTitle });
    return secretReply(key);
  },
};

const create: Route = {
  method: 'POST',
  path: PATH,
  access: anyUser,
  docs: {
    tag: TAG,
    summary: "Make a secret for the caller's authenticator app",
    description:
      'The token of the first step of a login will do as long as there is no secret. The secret counts at once.',
    contentType: JSON_TYPE,
    errors: { 400: disabled, 409: 'There is one already' },
  },
  audit: { application: 'auth.user.totp', action: 'create' },
  responses: { 200: totpSchema },
  async handler(request, context) {
    const { username } = await caller(request, context);
    const totpSecret = newTotpUrl(username, context.config.api.totpAccountName);
    await context.accounts.setTotpSecret(username, totpSecret, true);
    const key = readTotpKey({ totpSecret });
    if (key === null) throw new Error('a new secret is blank');
    return secretReply(key);
  },
};

const remove: Route = {
  method: 'DELETE',
  path: PATH,
  access: anyUser,
  docs: {
    tag: TAG,
    summary: "Remove the secret of the caller's authenticator app",
    description: 'The next login starts with a new one.',
    errors: { 400: disabled },
  },
  audit: { application: 'auth.user.totp', action: 'delete' },
  responses: { 204: null },
  async handler(request, context) {
    const { username } = await caller(request, context);
    await context.accounts.setTotpSecret(username, null);
    return { status: 204, empty: true };
  },
};

const removeOfUser: Route = {
  method: 'DELETE',
  path: '/users/{user_id}/totp-secret',
  access: { kind: 'user', admin: true },
  docs: {
    tag: 'Users',
    summary: "Remove the secret of a user's authenticator app",
    errors: { 400: `${disabled}, or there is a single user only`, 404: 'No such user' },
  },
  audit: { application: 'auth.user.totp', action: 'delete' },
  responses: { 204: null },
  async handler({ params }, context) {
    refuseSingleUser(context);
    refuseDisabled(context);
    const { username } = known(await context.users.findCurrent(params.user_id ?? ''));
    await context.accounts.setTotpSecret(username, null);
    // quirk: spec 03 §12.4, scripts count them.
    return { status: 204, empty: true, audit: [{ affectedId: params.user_id ?? '' }, {}] };
  },
};

export const totpRoutes: readonly Route[] = [show, create, remove, removeOfUser];

/** Throws `AppError` 400, 404. */
async function caller({ principal }: ApiRequest, context: ApiContext): Promise<User> {
  refuseDisabled(context);
  if (principal === null) throw new AppError('unauthorized');
  return known(await context.users.findCurrent(principal.username));
}

/** Throws `AppError` 400. */
function refuseDisabled({ config }: ApiContext): void {
  if (!config.api.totpEnabled) throw new AppError('bad_request', { title: 'TotP is disabled' });
}

/** Throws `AppError` 404. */
function known(user: User | undefined): User {
  if (user === undefined) throw new AppError('not_found', { title: 'user not found' });
  return user;
}

/** quirk: not in the envelope; clients read it as it is. */
async function secretReply({ secret, url }: TotpKey): Promise<ApiReply> {
  return { status: 200, json: JSON.stringify({ secret, qr: await qrCode(url) }) };
}
