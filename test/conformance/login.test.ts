/** Logins, tokens, waits and bans of the API. Spec 02 §24.2 to §24.5. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import bcrypt from 'bcryptjs';
import { type ApiAnswer, type ApiClient, basic } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { TestServer } from '../support/server.js';

const PASSWORD = 'password-of-the-tests';
/** So long that the steps of a test come within it, also where everything stands still for a moment. */
const WAIT_SECONDS = 3;
let server: TestServer;
let addresses = 0;

before(async () => {
  server = await TestServer.start({
    api: {
      auth: null,
      auth_file: 'users.json',
      trusted_proxies: ['127.0.0.1'],
      user_login_wait: WAIT_SECONDS,
      max_failed_login: 4,
      ban_time: WAIT_SECONDS,
      max_token_lifetime: 24,
    },
    prepare(_dataDir, folder) {
      // Cost 4: the tests are not about slow hashes.
      const password = bcrypt.hashSync(PASSWORD, 4).replace('$2b$', '$2y$');
      const user = (username: string, more = {}) => ({ username, password, groups: ['ops'], ...more });
      writeFileSync(
        join(folder, 'users.json'),
        JSON.stringify([
          user('admin', { groups: ['Administrators'] }),
          user('anna', { groups: null, two_fa_send_to: 'anna@example.org' }),
          user('expired', { password_expired: true }),
          user('changer'),
          ...Array.from({ length: 8 }, (_, at) => user(`user-${at}`)),
        ]),
      );
    },
  });
});
after(() => server.remove());

/** Of a block for tests that is large enough for one that asks again and again. RFC 2544. */
const nextAddress = (): string => {
  addresses += 1;
  return `198.18.${addresses >> 8}.${addresses & 0xff}`;
};
/** A caller whose address no other test uses, so that waits and bans do not meet. */
const caller = (ip = nextAddress()): ApiClient => server.anonymous().with({ 'x-forwarded-for': ip });
const as = (username: string, password = PASSWORD, api = caller()): ApiClient =>
  api.with({ authorization: basic(username, password) });
const bearer = (token: string, api = caller()): ApiClient => api.with({ authorization: `Bearer ${token}` });
const tokenOf = (answer: ApiAnswer): string => answer.data<{ token: string }>().token;
const login = async (username: string, query = ''): Promise<string> =>
  tokenOf(await as(username).get(`/login${query}`));

test('the address of the caller behind a trusted proxy', async () => {
  for (const [header, ip] of [
    ['8.8.8.8', '8.8.8.8'],
    ['192.168.88.23', '192.168.88.23'],
    ['192.168.88.23,8.8.8.8', '8.8.8.8'],
    ['192.168.88.23, 8.8.8.8', '8.8.8.8'],
    ['garbage', '127.0.0.1'],
  ] as const) {
    assert.deepEqual((await as('admin', PASSWORD, caller(header)).get('/me/ip')).data(), { ip }, header);
  }
});

test('login by basic authentication, form and JSON', async () => {
  const answer = await as('anna').get('/login');
  const { token, two_fa } = answer.data<{ token: string; two_fa: unknown }>();
  assert.equal(two_fa, null);
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
    [key: string]: unknown;
  };
  assert.equal(claims.username, 'anna');
  assert.equal(typeof claims.sessionID, 'number');
  assert.equal(typeof claims.jti, 'string');
  assert.equal(typeof claims.exp, 'number');
  assert.deepEqual(claims.scopes, [
    { uri: '*', method: '*' },
    { uri: '/api/v1/verify-2fa', method: '*', exclude: true },
  ]);
  for (const [type, body] of [
    ['application/x-www-form-urlencoded', `username=anna&password=${PASSWORD}`],
    ['application/json', JSON.stringify({ username: 'anna', password: PASSWORD })],
    ['application/json; charset=utf-8', JSON.stringify({ username: 'anna', password: PASSWORD })],
  ] as const) {
    const posted = await caller().post('/login', { body, headers: { 'content-type': type } });
    assert.equal((await bearer(tokenOf(posted)).get('/me')).status, 200, type);
  }
});

test('refused logins', async () => {
  assert.equal((await caller().get('/login')).refusal, '401 auth is required');
  assert.equal((await as('anna', 'wrong').get('/login')).refusal, '401 unauthorized');
  assert.equal((await as('nobody', PASSWORD).get('/login')).refusal, '401 unauthorized');
  assert.equal((await as('', PASSWORD).get('/login')).refusal, '401 username is required');
  assert.equal(
    (await as('expired').get('/login')).refusal,
    '401 password has expired, please change your password',
  );
  assert.equal((await as('expired').get('/me')).status, 401);
  const untyped = await caller().post('/login', { body: 'x', headers: { 'content-type': 'text/plain' } });
  assert.equal(untyped.refusal, '400 unsupported content type: text/plain');
  const inQuery = await caller().post(`/login?username=anna&password=${PASSWORD}`, {
    body: '',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
  });
  assert.equal(inQuery.status, 401);
});

test('a new password at login', async () => {
  const change = (username: string, password: string, newPassword: string) =>
    caller().post('/login', { body: { username, password, new_password: newPassword } });
  assert.equal((await change('changer', PASSWORD, 'short')).status, 400);
  assert.equal((await change('changer', PASSWORD, 'a-new-password-1')).status, 200);
  assert.equal((await as('changer', 'a-new-password-1').get('/me')).status, 200);
  assert.equal((await as('changer').get('/me')).status, 401);
  assert.equal((await change('expired', PASSWORD, 'a-new-password-2')).status, 200);
  assert.equal((await as('expired', 'a-new-password-2').get('/login')).status, 200);
});

test('token lifetimes', async () => {
  for (const lifetime of ['abc', '1.5', '9223372036854775808', '7776001', '86401']) {
    assert.equal((await as('anna').get(`/login?token-lifetime=${lifetime}`)).status, 400, lifetime);
  }
  for (const lifetime of ['-5', '0', '60']) {
    assert.equal((await bearer(await login('anna', `?token-lifetime=${lifetime}`)).get('/me')).status, 200);
  }
  const brief = await login('anna', '?token-lifetime=1');
  const [, payload = ''] = brief.split('.');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as { sessionID: number };
  // Looked at from outside, because a use would prolong it.
  await eventually('the session to end', async () => {
    const sessions = await as('admin').get('/users/anna/sessions');
    return sessions
      .data<{ session_id: number }[]>()
      .every(({ session_id }) => session_id !== claims.sessionID);
  });
  assert.equal((await bearer(brief).get('/me')).status, 401);
});

test('logout is final', async () => {
  const token = await login('anna');
  assert.equal((await caller().delete('/logout')).refusal, '400 authorization Bearer token required');
  assert.equal((await as('anna').delete('/logout')).refusal, '400 authorization Bearer token required');
  assert.match((await bearer('garbage').delete('/logout')).refusal, /^400 token is invalid: /);
  const done = await bearer(token).delete('/logout');
  assert.deepEqual([done.status, done.text], [204, '']);
  assert.equal((await bearer(token).delete('/logout')).refusal, '400 token is invalid or expired');
  assert.equal((await bearer(token).get('/me')).refusal, '401 unauthorized');
  await login('admin');
  assert.equal((await bearer(token).get('/me')).refusal, '401 unauthorized', 'nobody revives it');
});

test('tokens that are none of ours are 401', async () => {
  const token = await login('anna');
  const [head = '', body = '', signature = ''] = token.split('.');
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  for (const forged of ['abc', `${head}.${body}.${signature.slice(0, -4)}AAAA`, `${none}.${body}.`]) {
    assert.equal((await bearer(forged).get('/me')).refusal, '401 unauthorized');
  }
  const lower = caller().with({ authorization: `bearer ${token}` });
  assert.equal((await lower.get('/me')).status, 200);
});

test('/me shows the caller', async () => {
  assert.deepEqual((await as('anna').get('/me')).data(), {
    username: 'anna',
    password_expired: false,
    groups: null,
    two_fa_send_to: 'anna@example.org',
    effective_user_permissions: {
      auditlog: true,
      commands: true,
      monitoring: true,
      scheduler: true,
      scripts: true,
      tunnels: true,
      uploads: true,
      vault: true,
    },
    effective_extended_permissions: { tunnels_restricted: null, commands_restricted: null },
    group_permissions_enabled: false,
  });
});

test('after a wrong password the user must wait, at this address only', async () => {
  const api = caller();
  assert.equal((await as('user-0', 'wrong', api).get('/login')).refusal, '401 unauthorized');
  const waiting = await as('user-0', PASSWORD, api).get('/login');
  assert.equal(waiting.refusal, '429 too many requests, please try later');
  assert.equal((await as('user-0', PASSWORD, api).get('/me')).status, 429);
  assert.equal((await as('user-0').get('/login')).status, 200, 'nobody can lock another one out');
  await eventually(
    'the wait to end',
    async () => (await as('user-0', PASSWORD, api).get('/me')).status === 200,
  );
});

test('an open session is not blocked by wrong passwords', async () => {
  const api = caller();
  const token = tokenOf(await as('user-1', PASSWORD, api).get('/login'));
  await as('user-1', 'wrong', api).get('/login');
  assert.equal((await bearer(token, api).get('/me')).status, 200);
});

test('too many failures ban the address, with the exact text, for a while', async () => {
  const api = caller();
  for (const user of ['user-2', 'user-3', 'user-4', 'user-5']) {
    assert.equal((await as(user, 'wrong', api).get('/login')).status, 401, user);
  }
  const banned = await as('user-6', PASSWORD, api).get('/login');
  assert.equal(banned.status, 423);
  assert.equal(banned.text, 'Too many bad attempts. Please try later.\n');
  assert.equal(banned.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal((await as('user-6', PASSWORD, api).get('/me')).status, 423);
  assert.equal((await as('user-6').get('/me')).status, 200, 'other addresses are not affected');
  await eventually(
    'the ban to end',
    async () => (await as('user-6', PASSWORD, api).get('/me')).status === 200,
  );
});

test('a success clears the count', async () => {
  const api = caller();
  for (const user of ['user-2', 'user-3', 'user-4']) await as(user, 'wrong', api).get('/login');
  assert.equal((await as('user-7', PASSWORD, api).get('/login')).status, 200);
  for (const user of ['user-5', 'user-6']) {
    assert.equal((await as(user, 'wrong', api).get('/login')).status, 401, user);
  }
  assert.equal((await as('user-7', PASSWORD, api).get('/me')).status, 200);
});
