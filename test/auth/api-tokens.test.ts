/** Personal API tokens. Spec 02 §10 and §24.8. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { scopeAllows } from '../../src/auth/api-tokens/token-scope.js';
import type { SecondFactor } from '../../src/auth/second-factor/second-factor.js';
import type { Method, Route } from '../../src/http/route.js';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  basic,
  bcryptHash,
  PASSWORD,
  titles,
} from '../support/auth-world.js';
import type { Injected } from '../support/inject.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
const SCOPE_TITLE = 'the scope of the provided token is not authorized for this operation';

const stub = (method: Method, path: string): Route => ({
  method,
  path,
  access: { kind: 'user' },
  docs: { tag: '', summary: '' },
  responses: {},
  handler: () => ({ status: 200, data: 'reached' }),
});

const withRoutes: Partial<AuthWorldParts> = {
  routes: [
    stub('GET', '/ws/commands'),
    stub('GET', '/clients-auth'),
    stub('POST', '/clients-auth'),
    stub('DELETE', '/clients-auth/{client_auth_id}'),
    stub('GET', '/clients/{client_id}'),
  ],
};

/** Never right, as far as these tests get. */
const secondFactor: SecondFactor = {
  method: 'email',
  ttl: 60_000,
  begin: () => Promise.reject(new Error('unused')),
  complete: () => Promise.reject(new Error('unused')),
};

/** Requests of one user with his password, or a token in its place. */
const as = (world: AuthWorld, username: string, secret = PASSWORD) => {
  const headers = { authorization: basic(username, secret) };
  return (method: string, path: string, body?: object | string): Promise<Injected> =>
    world.call({ method, url: `/api/v1${path}`, headers, ...(body === undefined ? {} : { body }) });
};

interface Created {
  readonly prefix: string;
  readonly expires_at: string;
  readonly scope: string;
  readonly token: string;
}

const create = async (world: AuthWorld, username: string, more: object = {}): Promise<Created> => {
  const answer = await as(world, username)('POST', '/me/tokens', {
    name: 'ci',
    scope: 'read+write',
    ...more,
  });
  assert.equal(answer.status, 200, answer.text);
  return (answer.json() as { data: Created }).data;
};

const listed = async (world: AuthWorld, username: string): Promise<Record<string, unknown>[]> =>
  ((await as(world, username)('GET', '/me/tokens')).json() as { data: Record<string, unknown>[] }).data;

test('a token is made, shown once, listed without its secret and revoked', async (t) => {
  const world = await authWorld(t);
  const anna = as(world, 'anna');
  assert.deepEqual((await anna('GET', '/me/tokens')).json(), { data: [] });
  const made = await create(world, 'anna');
  assert.deepEqual(Object.keys(made).sort(), ['expires_at', 'prefix', 'scope', 'token']);
  assert.match(made.prefix, /^[a-z0-9]{8}$/);
  const [prefix, secret] = made.token.split('_');
  assert.equal(prefix, made.prefix);
  assert.match(secret ?? '', UUID);
  assert.deepEqual([made.scope, made.expires_at], ['read+write', '2027-01-01T00:00:00Z']);
  assert.deepEqual(await listed(world, 'anna'), [
    {
      prefix: made.prefix,
      name: 'ci',
      created_at: '2026-01-01T00:00:00Z',
      expires_at: '2027-01-01T00:00:00Z',
      scope: 'read+write',
    },
  ]);
  const row = JSON.stringify(world.store.apiTokens.get('anna', made.prefix));
  assert.ok(!row.includes(secret ?? '-'), 'the secret is stored nowhere');
  assert.deepEqual(await listed(world, 'bert'), [], 'everybody has his own');

  assert.equal((await as(world, 'anna', made.token)('GET', '/me/ip')).status, 200);
  const removed = await anna('DELETE', `/me/tokens/${made.prefix}`);
  assert.deepEqual([removed.status, removed.text], [204, '']);
  assert.equal((await as(world, 'anna', made.token)('GET', '/me/ip')).status, 401);
});

test('what POST /me/tokens refuses, in its order', async (t) => {
  const world = await authWorld(t);
  await create(world, 'bert');
  const bert = (body: object | string) => as(world, 'bert')('POST', '/me/tokens', body);
  const cases: [body: object | string, title: string, detail: string | RegExp][] = [
    ['{', 'Invalid JSON data', 'unexpected EOF'],
    ['', 'Invalid JSON data', 'Missing body with json data.'],
    [{ scope: 'read', name: 'x', more: 1 }, 'Invalid JSON data', 'json: unknown field "more"'],
    [{ scope: 'read', name: 'x', expires_at: 'tomorrow' }, 'Invalid JSON data', /^parsing time "tomorrow"/],
    [
      { scope: 'x', name: 'x', expires_at: '0000-01-01T00:00:00+10:00' },
      'Invalid JSON data',
      /^parsing time/,
    ],
    [{ name: '' }, 'missing or invalid scope.', ''],
    [{ scope: 'write', name: 'x' }, 'missing or invalid scope.', ''],
    [{ scope: 'clients-auth' }, 'missing or invalid name.', 'field name is required, 250 characters max'],
    [{ scope: 'read', name: 'x'.repeat(250) }, 'missing or invalid name.', /250/],
    [{ scope: 'read', name: 'ü'.repeat(125) }, 'missing or invalid name.', /250/],
    [
      { scope: 'clients-auth', name: 'ci' },
      'current user should belong to Administrators group to create a token with this scope',
      '',
    ],
    [{ scope: 'read', name: 'ci' }, 'A token with the same name already exists', ''],
  ];
  for (const [body, title, detail] of cases) {
    const answer = await bert(body);
    const [error] = (answer.json() as { errors: { title: string; detail: string }[] }).errors;
    assert.deepEqual([answer.status, error?.title], [400, title]);
    if (typeof detail === 'string') assert.equal(error?.detail, detail);
    else assert.match(error?.detail ?? '', detail);
  }
  const tooLarge = await bert({ scope: 'read', name: 'x'.repeat(20_000) });
  assert.deepEqual([tooLarge.status, ...titles(tooLarge)], [400, 'Invalid JSON data']);
  assert.equal((await bert({ scope: 'read', name: 'x'.repeat(249) })).status, 200);
  assert.equal((await listed(world, 'bert')).length, 2);
  assert.equal((await create(world, 'anna', { scope: 'clients-auth' })).scope, 'clients-auth');
});

test('expires_at may be any instant, also a past one', async (t) => {
  const world = await authWorld(t);
  const offset = await create(world, 'anna', { name: 'a', expires_at: '2026-06-01T02:30:00.5+02:30' });
  assert.equal(offset.expires_at, '2026-06-01T00:00:00.5Z');
  const past = await create(world, 'anna', { name: 'b', expires_at: '2020-01-01T00:00:00Z' });
  assert.equal((await as(world, 'anna', past.token)('GET', '/me/ip')).status, 401);
});

test('PUT changes name and end, and nothing else', async (t) => {
  const world = await authWorld(t);
  const one = await create(world, 'anna', { name: 'one', scope: 'read' });
  await create(world, 'anna', { name: 'two' });
  const put = (body: object, prefix = one.prefix) => as(world, 'anna')('PUT', `/me/tokens/${prefix}`, body);
  const shown = async () => (await listed(world, 'anna')).find(({ prefix }) => prefix === one.prefix);

  const end = await put({ expires_at: '2030-01-01T00:00:00Z' });
  assert.deepEqual(end.json(), { data: { prefix: one.prefix, expires_at: '2030-01-01T00:00:00Z' } });
  const renamed = await put({ name: 'uno', expires_at: null });
  assert.deepEqual(renamed.json(), { data: { prefix: one.prefix, name: 'uno' } });
  assert.deepEqual((await put({ name: '' })).json(), { data: { prefix: one.prefix } });
  const expected = {
    prefix: one.prefix,
    name: 'uno',
    created_at: '2026-01-01T00:00:00Z',
    expires_at: '2030-01-01T00:00:00Z',
    scope: 'read',
  };
  assert.deepEqual(await shown(), expected);

  // A web interface sends back what it was shown.
  const whole = await put({ ...expected, scope: 'read+write', prefix: 'other', created_at: 5 });
  assert.equal(whole.status, 200, whole.text);
  assert.deepEqual(await shown(), expected, 'the scope cannot be widened');
  assert.equal((await as(world, 'anna', one.token)('GET', '/me/ip')).status, 200);

  const cases: [body: object, prefix: string, status: number, title: string][] = [
    [{ name: 'two' }, one.prefix, 400, 'A token with the same name already exists'],
    [{ name: 'x'.repeat(250) }, one.prefix, 400, 'missing or invalid name.'],
    [{ token: 'x' }, one.prefix, 400, 'Invalid JSON data.'],
    [{ expires_at: 'x' }, one.prefix, 400, 'Invalid JSON data.'],
    [{ name: 'x' }, 'short', 400, 'missing or invalid token prefix.'],
    [{ name: 'x' }, 'notthere', 404, 'cannot find API Token by prefix notthere'],
  ];
  for (const [body, prefix, status, title] of cases) {
    const answer = await put(body, prefix);
    assert.deepEqual([answer.status, ...titles(answer)], [status, title]);
  }
  assert.equal((await listed(world, 'anna')).length, 2, 'no ghost was made');
});

test('tokens of others cannot be seen, changed or revoked', async (t) => {
  const world = await authWorld(t);
  const { prefix, token } = await create(world, 'anna');
  const bert = as(world, 'bert');
  assert.equal((await bert('PUT', `/me/tokens/${prefix}`, { name: 'mine' })).status, 404);
  const removal = await bert('DELETE', `/me/tokens/${prefix}`);
  assert.deepEqual([removal.status, ...titles(removal)], [404, `cannot find API Token by prefix ${prefix}`]);
  assert.equal((await bert('DELETE', '/me/tokens/x')).status, 400);
  assert.equal((await as(world, 'bert', token)('GET', '/me/ip')).status, 401);
  assert.equal((await as(world, 'anna', token)('GET', '/me/ip')).status, 200);
});

test('there are at most a thousand tokens of one user', async (t) => {
  const world = await authWorld(t);
  const row = { username: 'anna', scope: 'read', createdAt: 0, expiresAt: null, hash: 'sha256:' };
  const prefix = (index: number) => String(index).padStart(8, '0');
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) =>
      world.store.apiTokens.add({ ...row, prefix: prefix(index), name: `${index}` }, 1000),
    ),
  );
  const answer = await as(world, 'anna')('POST', '/me/tokens', { scope: 'read', name: 'one more' });
  assert.deepEqual([answer.status, ...titles(answer)], [400, 'a user can have 1000 tokens at most']);
});

test('the removed one-token routes are 410', async (t) => {
  const world = await authWorld(t);
  for (const [method, path] of [
    ['GET', '/me/token'],
    ['POST', '/me/token'],
    ['PUT', '/me/token/x'],
    ['DELETE', '/me/token/x'],
  ] as const) {
    const answer = await as(world, 'anna')(method, path);
    assert.deepEqual([answer.status, ...titles(answer)], [410, 'use new token management on /me/tokens']);
  }
});

test('scopes decide by method and route (spec 02 §10.2)', () => {
  const allowed = (scope: string, method: string, path: string) =>
    scopeAllows(scope, method, `/api/v1${path}`);
  assert.deepEqual(
    [
      allowed('read', 'GET', '/me/ip'),
      allowed('read', 'GET', '/clients/{client_id}'),
      allowed('read', 'GET', '/wsx'),
      allowed('read', 'POST', '/me/ip'),
      allowed('read', 'GET', '/ws/commands'),
      allowed('read', 'GET', '/ws'),
    ],
    [true, true, true, false, false, false],
  );
  assert.deepEqual(
    [
      allowed('clients-auth', 'GET', '/clients-auth'),
      allowed('clients-auth', 'DELETE', '/clients-auth/{client_auth_id}'),
      allowed('clients-auth', 'GET', '/me/ip'),
      allowed('clients-auth', 'GET', '/clients-authx'),
      allowed('clients-auth', 'GET', '/users/clients-auth/sessions'),
    ],
    [true, true, false, false, false],
  );
  assert.deepEqual(
    [allowed('read+write', 'DELETE', '/x'), allowed('', 'GET', '/x'), allowed('admin', 'GET', '/x')],
    [true, false, false],
  );
});

test('a scope is enforced with 403 and does not count as a failed login', async (t) => {
  const world = await authWorld(t, { ...withRoutes, api: { maxFailedLogin: 3 } });
  const tokens = {
    read: (await create(world, 'anna', { scope: 'read', name: 'r' })).token,
    all: (await create(world, 'anna', { name: 'rw' })).token,
    auth: (await create(world, 'anna', { scope: 'clients-auth', name: 'ca' })).token,
  };
  const cases: [token: string, method: string, path: string, status: number][] = [
    [tokens.read, 'GET', '/me/ip', 200],
    [tokens.read, 'GET', '/clients/ws-1', 200],
    [tokens.read, 'POST', '/me/tokens', 403],
    [tokens.read, 'DELETE', '/me/tokens/aaaaaaaa', 403],
    [tokens.read, 'GET', '/ws/commands', 403],
    [tokens.read, 'GET', '/%77s/commands', 403],
    [tokens.read, 'GET', '/ws/%63ommands', 403],
    [tokens.all, 'GET', '/ws/commands', 200],
    [tokens.all, 'GET', '/me/tokens', 200],
    [tokens.auth, 'GET', '/clients-auth', 200],
    [tokens.auth, 'POST', '/clients-auth', 200],
    [tokens.auth, 'DELETE', '/clients-auth/x', 200],
    [tokens.auth, 'GET', '/me/ip', 403],
    [tokens.auth, 'GET', '/clients/clients-auth', 403],
    [tokens.auth, 'DELETE', '/users/clients-auth/sessions', 403],
  ];
  for (const [token, method, path, status] of cases) {
    const answer = await as(world, 'anna', token)(method, path);
    assert.equal(answer.status, status, `${method} ${path}`);
    if (status === 403) assert.deepEqual(titles(answer), [SCOPE_TITLE]);
  }
  assert.equal((await world.login('anna')).status, 200);
});

test('a token opens neither login nor logout', async (t) => {
  const world = await authWorld(t);
  const { token } = await create(world, 'anna');
  const answers = [
    await world.login('anna', token),
    await world.call({ method: 'POST', url: '/api/v1/login', body: { username: 'anna', password: token } }),
    await as(world, 'anna', token)('DELETE', '/logout'),
    await world.get('/me/ip', token),
  ];
  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 400, 400, 401],
  );
});

test('with a second factor tokens work and passwords do not (spec 02 §24.3)', async (t) => {
  const world = await authWorld(t, { secondFactor });
  const { clear: token } = await world.auth.apiTokens.create(
    { username: 'anna', admin: true },
    { name: 'ci', scope: 'read+write', expiresAt: null },
  );
  assert.equal((await as(world, 'anna', token)('GET', '/me/ip')).status, 200);
  const refused = await as(world, 'anna')('GET', '/me/ip');
  assert.deepEqual([refused.status, ...titles(refused)], [401, 'unauthorized']);
  assert.equal((await as(world, 'anna')('GET', '/me/ip')).status, 429, 'a guess like any other');
  assert.deepEqual(world.hashed, [], 'nobody learns whether the password was right');
  assert.equal((await as(world, 'anna', token)('GET', '/me/ip')).status, 200);
});

test('a token costs no slow hash, and neither do guesses of one', async (t) => {
  const world = await authWorld(t);
  const { token, prefix } = await create(world, 'anna');
  const before = world.hashed.length;
  for (let count = 0; count < 20; count++) {
    assert.equal((await as(world, 'anna', token)('GET', '/me/ip')).status, 200);
  }
  assert.equal((await as(world, 'anna', `${prefix}_guess`)('GET', '/me/ip')).status, 401);
  assert.equal(world.hashed.length, before);
});

test('a password that looks like a token still works', async (t) => {
  const password = 'abcdefgh_and more';
  const world = await authWorld(t, { users: [{ username: 'anna', password: bcryptHash(password) }] });
  assert.equal((await as(world, 'anna', password)('GET', '/me/ip')).status, 200);
});

test('wrong tokens are 401 whoever they are for (spec 02 §24.3)', async (t) => {
  const world = await authWorld(t, { api: { userLoginWait: 0, maxFailedLogin: 0 } });
  const { token, prefix } = await create(world, 'anna');
  const secret = token.slice(9);
  const cases: [username: string, secret: string][] = [
    ['anna', 'wrong-token'],
    ['anna', `${prefix}_`],
    ['anna', `${prefix}_${secret.toUpperCase()}`],
    ['anna', `${prefix}_${secret} `],
    ['anna', `${prefix}_${'x'.repeat(5000)}`],
    ['anna', `aaaaaaaa_${secret}`],
    ['anna', secret],
    ['anna', prefix],
    ['anna', ''],
    ['Anna', token],
    ['bert', token],
    ['nobody', token],
    ['', token],
  ];
  for (const [username, guess] of cases) {
    const answer = await as(world, username, guess)('GET', '/me/ip');
    assert.deepEqual([answer.status, ...titles(answer)], [401, 'unauthorized'], `${username} ${guess}`);
  }
});

test('guesses make wait and ban like wrong passwords, and the right token goes on (spec 02 §24.5)', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 3 } });
  const { token, prefix } = await create(world, 'anna');
  const ask = (secret: string) => as(world, 'anna', secret)('GET', '/me/ip');
  assert.equal((await ask(`${prefix}_guess`)).status, 401);
  const waiting = await ask(`${prefix}_guess`);
  assert.deepEqual([waiting.status, waiting.header('retry-after')], [429, '2']);
  assert.equal((await ask(PASSWORD)).status, 429);
  assert.equal((await ask(token)).status, 200);
  for (const _ of [1, 2, 3]) {
    world.clock.advance(2000);
    assert.equal((await ask(`${prefix}_guess`)).status, 401);
  }
  assert.equal((await ask(`${prefix}_guess`)).status, 423);
  assert.equal((await ask(token)).status, 200);
  assert.equal((await ask(PASSWORD)).status, 423, 'the token does not lift the ban');
});

test('an expired token, or one of a user whose password has expired, opens nothing and is no guess', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 2 } });
  const ended = await create(world, 'anna', { expires_at: '2026-01-01T00:00:05Z' });
  const ask = (username: string, token: string) => as(world, username, token)('GET', '/me/ip');
  assert.equal((await ask('anna', ended.token)).status, 200);
  world.clock.advance(5000);
  for (const _ of [1, 2, 3]) assert.equal((await ask('anna', ended.token)).status, 401);

  const bert = await create(world, 'bert');
  writeFileSync(
    world.usersFile,
    JSON.stringify([{ username: 'bert', password: bcryptHash(PASSWORD), password_expired: true }]),
  );
  world.clock.advance(2000);
  for (const _ of [1, 2, 3]) {
    const answer = await ask('bert', bert.token);
    assert.deepEqual(
      [answer.status, ...titles(answer)],
      [401, 'password has expired, please change your password'],
    );
  }
});

test('a user who comes back under his name inherits no token', async (t) => {
  const world = await authWorld(t);
  const { token } = await create(world, 'bert');
  const bert = { username: 'bert', password: bcryptHash(PASSWORD) };
  writeFileSync(world.usersFile, '[]');
  world.clock.advance(2000);
  assert.equal((await as(world, 'bert', token)('GET', '/me/ip')).status, 401);
  world.clock.advance(2000);
  await world.store.apiTokens.removeUser('bert');
  writeFileSync(world.usersFile, JSON.stringify([bert]));
  world.clock.advance(2000);
  assert.equal((await as(world, 'bert', token)('GET', '/me/ip')).status, 401);
  world.clock.advance(2000);
  assert.deepEqual(await listed(world, 'bert'), []);
});

test('tokens go with a renamed user, the next one of the old name has none', async (t) => {
  const world = await authWorld(t);
  const { token } = await create(world, 'bert');
  const user = (username: string) => ({ username, password: bcryptHash(PASSWORD) });
  writeFileSync(world.usersFile, JSON.stringify([user('bert'), user('robert')]));
  await world.store.apiTokens.renameUser('bert', 'robert');
  world.clock.advance(2000);
  assert.equal((await as(world, 'robert', token)('GET', '/me/ip')).status, 200);
  assert.equal((await as(world, 'bert', token)('GET', '/me/ip')).status, 401);
});

test('the single user has tokens, too', async (t) => {
  const world = await authWorld(t, { staticUser: `admin:${PASSWORD}` });
  const { token } = await create(world, 'admin', { scope: 'clients-auth' });
  assert.equal((await as(world, 'admin', token)('GET', '/me/ip')).status, 403);
  assert.equal(
    (await as(world, 'admin', (await create(world, 'admin', { name: 'all' })).token)('GET', '/me')).status,
    200,
  );
});

test('no token, hash or password gets into the log', async (t) => {
  const world = await authWorld(t);
  const { token, prefix } = await create(world, 'anna');
  await as(world, 'anna', token)('GET', '/me/ip');
  await as(world, 'anna', `${prefix}_a guess`)('GET', '/me/ip');
  const log = world.log.lines.join('\n');
  for (const secret of [token.slice(9), 'a guess', PASSWORD]) assert.ok(!log.includes(secret), secret);
});
