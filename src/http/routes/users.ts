/** The users of the API, for administrators. Spec 02 §12. */

import Type from 'typebox';
import type { UserInput } from '../../auth/accounts/accounts.js';
import type { Access, Route } from '../route.js';
import { refuseSingleUser } from './refuse-single-user.js';
import { listedUser, userSchema } from './user-answer.js';

const TAG = 'Users';
const administrators: Access = { kind: 'user', admin: true };

const orNull = <Schema extends Type.TSchema>(schema: Schema) =>
  Type.Optional(Type.Union([schema, Type.Null()]));

const fields = {
  username: Type.Optional(Type.String({ description: 'At most 150 characters' })),
  password: Type.Optional(Type.String()),
  password_expired: orNull(
    Type.Boolean({
      description: 'No login until the password is changed. True ends all sessions of the user',
    }),
  ),
  groups: orNull(
    Type.Array(Type.String(), {
      description: 'All groups of the user; unknown ones come into being by that',
    }),
  ),
  two_fa_send_to: Type.Optional(
    Type.String({ description: 'Where codes of the second factor are sent; required where they are' }),
  ),
  totp_secret: Type.Optional(Type.String({ description: '`otpauth` URL for an authenticator app' })),
};

/** Web interfaces send back what they were shown. Spec 02 §22. */
const ignored = Type.Optional(Type.Unknown({ description: 'Cannot be changed; ignored' }));

const changeBody = Type.Object({
  ...fields,
  effective_user_permissions: ignored,
  effective_extended_permissions: ignored,
  group_permissions_enabled: ignored,
});

const single = 'the server has a single user';

const list: Route = {
  method: 'GET',
  path: '/users',
  access: administrators,
  docs: { tag: TAG, summary: 'List users', description: 'Sorted by name.', errors: { 400: `No, ${single}` } },
  responses: { 200: Type.Array(userSchema) },
  async handler(_request, context) {
    refuseSingleUser(context);
    return { status: 200, data: (await context.users.all()).map(listedUser) };
  },
};

const add: Route = {
  method: 'POST',
  path: '/users',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Add a user',
    errors: {
      400: `A field is missing or no good (one item for each broken rule), the name is in use, or ${single}`,
    },
  },
  audit: { application: 'auth.user', action: 'create' },
  body: Type.Object(fields),
  responses: { 201: null },
  async handler({ body }, context) {
    refuseSingleUser(context);
    const input = readInput(body);
    await context.accounts.addUser(input);
    return { status: 201, empty: true, audit: { affectedId: input.username ?? '' } };
  },
};

const change: Route = {
  method: 'PUT',
  path: '/users/{user_id}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Change a user',
    description:
      'What is absent, empty or null stays as it is; only an empty list of groups removes all. Sessions and API tokens go along with a new name. A new password ends no session.',
    errors: {
      400: `Nothing to change, a field is no good (one item for each broken rule), the name is in use, nobody else is an administrator, or ${single}`,
      404: 'No such user',
    },
  },
  audit: { application: 'auth.user', action: 'update' },
  body: changeBody,
  responses: { 204: null },
  async handler({ params, body }, context) {
    refuseSingleUser(context);
    await context.accounts.changeUser(params.user_id ?? '', readInput(body));
    return { status: 204, empty: true, audit: { affectedId: params.user_id ?? '' } };
  },
};

const remove: Route = {
  method: 'DELETE',
  path: '/users/{user_id}',
  access: administrators,
  docs: {
    tag: TAG,
    summary: 'Remove a user',
    description: 'Sessions and API tokens of the user end, and his schedules are not run any more.',
    errors: { 400: `Nobody else is an administrator, or ${single}`, 404: 'No such user' },
  },
  audit: { application: 'user', action: 'delete' },
  responses: { 204: null },
  async handler({ params }, context) {
    refuseSingleUser(context);
    await context.accounts.removeUser(params.user_id ?? '');
    return { status: 204, empty: true, audit: { affectedId: params.user_id ?? '' } };
  },
};

export const userRoutes: readonly Route[] = [list, add, change, remove];

function readInput(body: unknown): UserInput {
  const given = body as {
    username?: string;
    password?: string;
    password_expired?: boolean | null;
    groups?: readonly string[] | null;
    two_fa_send_to?: string;
    totp_secret?: string;
  };
  return {
    username: given.username ?? '',
    password: given.password ?? '',
    passwordExpired: given.password_expired ?? null,
    groups: given.groups ?? null,
    twoFaSendTo: given.two_fa_send_to ?? '',
    totpSecret: given.totp_secret ?? '',
  };
}
