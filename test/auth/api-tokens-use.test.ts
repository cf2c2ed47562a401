/** Personal API tokens in place of a password. Spec 02 §5.3, §10.2 and §24.3. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { scopeAllows } from '../../src/auth/api-tokens/token-scope.js';
import type { SecondFactor } from '../../src/auth/second-factor/second-factor.js';
import type { Method, Route } from '../../src/http/route.js';
import { as, create, listed } from '../support/api-token-calls.js';
import { type AuthWorldParts, authWorld, bcryptHash, PASSWORD, titles } from '../support/auth-world.js';

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
