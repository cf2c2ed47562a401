/** Login by the word of a trusted proxy. Spec 02 §7.5 and §24.4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SingleSignOn } from '../../src/auth/sso/single-sign-on.js';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  basic,
  bcryptHash,
  PASSWORD,
  titles,
} from '../support/auth-world.js';

const PROXY = '10.0.0.1';
const api: NonNullable<AuthWorldParts['api']> = {
  authHeader: 'X-Authenticated',
  userHeader: 'Authentication-User',
  createMissingUsers: false,
  trustedProxies: [PROXY],
};

const vouched = (username: string, more: Record<string, string> = {}): Record<string, string> => ({
  'x-authenticated': 'yes',
  'authentication-user': username,
  ...more,
});

const login = (world: AuthWorld, headers: Record<string, string>, remoteAddress = PROXY) =>
  world.call({ url: '/api/v1/login', headers, remoteAddress });

const withoutAccounts = () => {
  const added: string[] = [];
  return { added, accounts: { addVouchedUser: async (name: string) => void added.push(name) } };
};

test('a trusted proxy vouches for a user, who needs no password', async (t) => {
  const world = await authWorld(t, { api });
  const answer = await login(world, vouched('bert'));
  assert.equal(answer.status, 200, answer.text);
  const { token } = (answer.json() as { data: { token: string } }).data;
  const me = (await world.get('/me', token)).json() as { data: { username: string } };
  assert.equal(me.data.username, 'bert');
  assert.deepEqual(world.hashed, []);
});

test('its word counts more than Basic credentials, right or wrong', async (t) => {
  const world = await authWorld(t, { api });
  for (const authorization of [basic('anna', 'wrong'), basic('anna', PASSWORD), 'Bearer x']) {
    const answer = await login(world, vouched('bert', { authorization }));
    assert.equal(answer.status, 200);
    const { token } = (answer.json() as { data: { token: string } }).data;
    assert.match((await world.get('/me', token)).text, /"username":"bert"/);
  }
});

test('from anybody else the headers are not even read', async (t) => {
  const world = await authWorld(t, { api });
  const spoofed = [
    vouched('anna'),
    vouched('anna', { 'x-forwarded-for': PROXY }),
    vouched('anna', { authorization: basic('anna', 'wrong') }),
  ];
  for (const headers of spoofed) {
    assert.equal((await login(world, headers, '192.0.2.1')).status, 401);
    world.clock.advance(2000);
  }
  const right = await login(world, vouched('anna', { authorization: basic('bert', PASSWORD) }), '192.0.2.1');
  const { token } = (right.json() as { data: { token: string } }).data;
  assert.match((await world.get('/me', token)).text, /"username":"bert"/);
});

test('it needs trusted proxies, the setting, and a value', async (t) => {
  const cases: [
    what: string,
    settings: NonNullable<AuthWorldParts['api']>,
    headers: Record<string, string>,
  ][] = [
    ['nobody is trusted', { ...api, trustedProxies: [] }, vouched('anna')],
    ['not configured', { ...api, authHeader: '' }, vouched('anna')],
    ['no value', api, { 'x-authenticated': '', 'authentication-user': 'anna' }],
    ['blank value', api, { 'x-authenticated': ' ', 'authentication-user': 'anna' }],
    ['only the name', api, { 'authentication-user': 'anna' }],
  ];
  for (const [what, settings, headers] of cases) {
    const world = await authWorld(t, { api: settings });
    const answer = await login(world, headers);
    assert.deepEqual([answer.status, ...titles(answer)], [401, 'auth is required'], what);
  }
  const world = await authWorld(t, { api });
  const nameless = await login(world, { 'x-authenticated': 'yes' });
  assert.deepEqual([nameless.status, ...titles(nameless)], [401, 'username is required']);
});

test('it counts for GET /login only', async (t) => {
  const world = await authWorld(t, { api });
  const requests = [
    { method: 'POST', url: '/api/v1/login', body: { username: 'anna', password: 'x' } },
    { url: '/api/v1/me/ip' },
    { url: '/api/v1/users/anna/sessions' },
  ];
  for (const request of requests) {
    const answer = await world.call({
      ...request,
      headers: vouched('anna', { 'content-type': 'application/json' }),
      remoteAddress: PROXY,
    });
    assert.equal(answer.status, 401, request.url);
  }
});

test('a header that was sent twice is refused: one may be the caller’s own', async (t) => {
  const world = await authWorld(t, { api });
  // Another spelling of the name is another entry here and the same header for the server.
  for (const twice of [{ 'Authentication-User': 'anna' }, { 'X-Authenticated': 'no' }]) {
    const answer = await login(world, { ...vouched('bert'), ...twice });
    assert.equal(answer.status, 400);
    assert.match(titles(answer)[0] ?? '', /was sent more than once$/);
  }
});

test('an unknown user is added only where that is configured', async (t) => {
  const { added, accounts } = withoutAccounts();
  const closed = await authWorld(t, { api, accounts });
  const refused = await login(closed, vouched('carla'));
  assert.deepEqual([refused.status, ...titles(refused)], [401, 'unauthorized']);
  assert.deepEqual(added, []);
  assert.equal((await login(closed, vouched('carla'))).status, 429, 'a failed login like any other');

  const open = await authWorld(t, { api: { ...api, createMissingUsers: true }, accounts });
  await login(open, vouched('anna'));
  assert.deepEqual(added, [], 'who is known is not added');
  await login(open, vouched('carla'));
  assert.deepEqual(added, ['carla']);
});

test('who is added gets the configured group and a password nobody knows', async (t) => {
  const settings = { ...api, createMissingUsers: true, defaultUserGroup: 'Guests' };
  const world = await authWorld(t, { api: settings });
  const answer = await login(world, vouched('carla'));
  assert.equal(answer.status, 200, answer.text);
  const { token } = (answer.json() as { data: { token: string } }).data;
  const me = (await world.get('/me', token)).json() as { data: { username: string; groups: string[] } };
  assert.deepEqual([me.data.username, me.data.groups], ['carla', ['Guests']]);
  assert.equal((await world.get('/users/anna/sessions', token)).status, 403);
  assert.equal((await world.login('carla', '')).status, 401);
  assert.equal((await login(world, vouched('carla'))).status, 200, 'known from now on');
  const blank = await login(world, vouched('dora\u0000'));
  assert.equal(blank.status, 400, 'a name that cannot be one is refused');
});

test('waits, bans, expired passwords and lifetimes apply', async (t) => {
  const expired = { username: 'old', password: bcryptHash(PASSWORD), password_expired: true };
  const users = [{ username: 'anna', password: bcryptHash(PASSWORD) }, expired];
  const world = await authWorld(t, { api: { ...api, maxFailedLogin: 2 }, users });
  const old = await login(world, vouched('old'));
  assert.deepEqual([old.status, ...titles(old)], [401, 'password has expired, please change your password']);
  const lifetime = await world.call({
    url: '/api/v1/login?token-lifetime=x',
    headers: vouched('anna'),
    remoteAddress: PROXY,
  });
  assert.equal(lifetime.status, 400);
  const from = { 'x-forwarded-for': '203.0.113.9' };
  assert.equal((await login(world, { authorization: basic('anna', 'wrong'), ...from })).status, 401);
  assert.equal((await login(world, vouched('anna', from))).status, 429);
  assert.equal((await login(world, vouched('anna'))).status, 200, 'from another address');
  await login(world, { authorization: basic('nobody', 'wrong'), ...from });
  assert.equal((await login(world, vouched('anna', from))).status, 423);
});

test('with an identity provider nobody logs in here, and nothing is counted', async (t) => {
  const sso = { provider: 'github' } as unknown as SingleSignOn;
  const world = await authWorld(t, { api: { ...api, maxFailedLogin: 1 }, sso });
  const title = 'built-in authorization disabled. please authorize via your configured authorization';
  for (const _ of [1, 2, 3]) {
    for (const answer of [
      await login(world, vouched('anna')),
      await login(world, {}),
      await world.login('anna', 'wrong'),
      await world.login('anna'),
      await world.call({ method: 'POST', url: '/api/v1/login', body: 'x' }),
    ]) {
      assert.deepEqual([answer.status, ...titles(answer)], [403, title]);
    }
  }
});

test('nobody gets other groups by giving up his name and coming back as somebody new', async (t) => {
  for (const parts of [
    { api: { ...api, createMissingUsers: true } },
    { sso: { createsMissingUsers: true } as SingleSignOn, api: { defaultUserGroup: 'Administrators' } },
  ]) {
    const world = await authWorld(t, { ownStore: true, ...parts });
    const answer = (username: string, body: object) =>
      world.call({
        method: 'PUT',
        url: '/api/v1/me',
        headers: { authorization: basic(username, PASSWORD) },
        body,
      });
    const refused = await answer('bert', { username: 'nobody' });
    assert.deepEqual(
      [refused.status, ...titles(refused)],
      [403, 'names of users come from elsewhere, ask an administrator'],
    );
    const own = { username: 'bert', password: 'a password long enough', old_password: PASSWORD };
    assert.equal((await answer('bert', own)).status, 204, 'web interfaces send the name along');
    assert.equal((await answer('anna', { username: 'anne' })).status, 204, 'an administrator may');
  }
  const plain = await authWorld(t, { ownStore: true, api });
  const headers = { authorization: basic('bert', PASSWORD) };
  const renamed = await plain.call({ method: 'PUT', url: '/api/v1/me', headers, body: { username: 'b' } });
  assert.equal(renamed.status, 204, 'unknown users are not added');
});
