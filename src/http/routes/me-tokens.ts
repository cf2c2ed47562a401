/** The personal API tokens of the caller. Spec 02 §10.3. */

import Type from 'typebox';
import { tokenScopes } from '../../auth/api-tokens/token-scope.js';
import type { Principal } from '../../auth/principal.js';
import { AppError } from '../../errors.js';
import { goInstant } from '../../go/instant.js';
import { goQuote } from '../../go/quote.js';
import { parseRfc3339 } from '../../query/instant.js';
import { instant, type Milliseconds } from '../../time.js';
import type { Access, ApiRequest, Route, RouteDocs } from '../route.js';

const TAG = 'Profile & Info';
const anyUser: Access = { kind: 'user' };
const POST_BODY_TITLE = 'Invalid JSON data';

const prefix = Type.String({ description: 'Names the token: its part before the underscore' });
const name = Type.String({ description: '1 to 249 bytes, unique among the tokens of the user' });
const scope = Type.String({ description: `One of ${tokenScopes.map((one) => `\`${one}\``).join(', ')}` });
const dateTime = (description: string) => Type.String({ format: 'date-time', description });
const orNull = <Schema extends Type.TSchema>(schema: Schema) => Type.Union([schema, Type.Null()]);

const tokenSchema = Type.Object(
  {
    prefix,
    name,
    created_at: dateTime('UTC'),
    expires_at: orNull(dateTime('UTC; null: never')),
    scope,
  },
  { $id: 'APITokenInfo' },
);

const createdSchema = Type.Object(
  {
    prefix,
    expires_at: dateTime('UTC'),
    scope,
    token: Type.String({
      description: 'The token itself, shown only now. It is used as the password of HTTP Basic',
    }),
  },
  { $id: 'APIToken' },
);

const createBody = Type.Object({
  scope,
  name,
  expires_at: orNull(dateTime('RFC 3339; in a year when absent')),
});

/** Web interfaces send back what they were shown. */
const ignored = Type.Optional(Type.Unknown({ description: 'Cannot be changed; ignored' }));
const changeBody = Type.Object({
  name: Type.Optional(name),
  expires_at: Type.Optional(orNull(dateTime('RFC 3339'))),
  scope: ignored,
  prefix: ignored,
  created_at: ignored,
});

const errors: NonNullable<RouteDocs['errors']> = {
  400: 'The body, the scope, the name or the prefix is no good, or the name is in use',
  404: 'The caller has no such token',
};

const list: Route = {
  method: 'GET',
  path: '/me/tokens',
  access: anyUser,
  docs: { tag: TAG, summary: "List the caller's API tokens", description: 'Sorted by prefix.' },
  responses: { 200: Type.Array(tokenSchema) },
  handler(request, { auth }) {
    const data = auth.apiTokens.list(callerOf(request).username).map((token) => ({
      prefix: token.prefix,
      name: token.name,
      created_at: toText(token.createdAt),
      expires_at: token.expiresAt === null ? null : toText(token.expiresAt),
      scope: token.scope,
    }));
    return { status: 200, data };
  },
};

const create: Route = {
  method: 'POST',
  path: '/me/tokens',
  access: anyUser,
  docs: {
    tag: TAG,
    summary: 'Create an API token',
    description:
      'Scope `read` is for GET requests, `clients-auth` for `/clients-auth` (administrators only), `read+write` for everything the user may do.',
    errors: { 400: errors[400] ?? '' },
  },
  audit: { application: 'auth.user.me.token', action: 'create' },
  body: createBody,
  invalidBodyTitle: POST_BODY_TITLE,
  responses: { 200: createdSchema },
  async handler(request, { auth }) {
    const body = request.body as { scope: string; name: string; expires_at: string | null };
    const { token, clear } = await auth.apiTokens.create(callerOf(request), {
      name: body.name,
      scope: body.scope,
      expiresAt: readInstant(body.expires_at ?? null, POST_BODY_TITLE),
    });
    return {
      status: 200,
      data: {
        prefix: token.prefix,
        expires_at: token.expiresAt === null ? null : toText(token.expiresAt),
        scope: token.scope,
        token: clear,
      },
      audit: { affectedId: `[${token.username},${token.prefix}]` },
    };
  },
};

const change: Route = {
  method: 'PUT',
  path: '/me/tokens/{prefix}',
  access: anyUser,
  docs: {
    tag: TAG,
    summary: 'Rename an API token, or let it end at another time',
    description: 'What is absent, empty or null stays as it is.',
    errors,
  },
  audit: { application: 'auth.user.me.token', action: 'update' },
  body: changeBody,
  responses: {
    200: Type.Object({
      prefix,
      name: Type.Optional(name),
      expires_at: Type.Optional(dateTime('UTC')),
    }),
  },
  async handler(request, { auth }) {
    const { prefix: token = '' } = request.params;
    const body = request.body as { name?: string; expires_at?: string | null };
    const newName = body.name ?? '';
    const expiresAt = readInstant(body.expires_at ?? null);
    const { username } = callerOf(request);
    await auth.apiTokens.change(username, token, { name: newName, expiresAt });
    return {
      status: 200,
      data: {
        prefix: token,
        ...(newName === '' ? {} : { name: newName }),
        ...(expiresAt === null ? {} : { expires_at: toText(expiresAt) }),
      },
      audit: {
        affectedId: username,
        request: { expires_at: expiresAt === null ? null : toText(expiresAt), name: newName },
      },
    };
  },
};

const remove: Route = {
  method: 'DELETE',
  path: '/me/tokens/{prefix}',
  access: anyUser,
  docs: { tag: TAG, summary: 'Revoke an API token', errors },
  audit: { application: 'auth.user.me.token', action: 'delete' },
  responses: { 204: null },
  async handler(request, { auth }) {
    const { username } = callerOf(request);
    await auth.apiTokens.remove(username, request.params.prefix ?? '');
    return { status: 204, empty: true, audit: { affectedId: username } };
  },
};

export const myTokenRoutes: readonly Route[] = [list, create, change, remove];

function callerOf({ principal }: ApiRequest): Principal {
  if (principal === null) throw new AppError('unauthorized');
  return principal;
}

const toText = (at: Milliseconds): string => goInstant(instant(at));

/** `null` for an absent instant. Throws `AppError` 400 for what is none. */
function readInstant(text: string | null, title?: string): Milliseconds | null {
  if (text === null) return null;
  const at = parseRfc3339(text);
  // An offset can lead out of the years that four digits can write.
  if (at !== undefined && /^\d/.test(instant(at))) return Math.floor(at);
  throw new AppError('invalid_json', {
    ...(title === undefined ? {} : { title }),
    detail: `parsing time ${goQuote(text.slice(0, 100))}: not in the form of RFC 3339`,
  });
}
