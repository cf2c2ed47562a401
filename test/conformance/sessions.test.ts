/** Sessions, API tokens and logins by header over several shards and crashes. Spec 02 §24.4, §24.8, §24.12. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import bcrypt from 'bcryptjs';
import { type ApiClient, basic } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { TestServer } from '../support/server.js';

const PASSWORD = 'password-of-the-tests';
/** Each request is a new connection, which may land on any shard; not all of them miss one of two. */
const CONNECTIONS = 12;
let server: TestServer;

before(async () => {
  server = await TestServer.start({
    api: {
      auth: null,
      auth_file: 'users.json',
      trusted_proxies: ['127.0.0.1'],
      auth_header: 'X-Authenticated',
      max_failed_login: 0,
      user_login_wait: 0,
    },
    prepare(_dataDir, folder) {
      // Cost 4: the tests are not about slow hashes.
      const password = bcrypt.hashSync(PASSWORD, 4).replace('$2b$', '$2y$');
      const users = [
        { username: 'admin', password, groups: ['Administrators'] },
        { username: 'anna', password, groups: ['ops'] },
      ];
      writeFileSync(join(folder, 'users.json'), JSON.stringify(users));
    },
  });
});
after(() => server.remove());

const as = (username: string, secret = PASSWORD): ApiClient =>
  server.anonymous().with({ authorization: basic(username, secret) });
const bearer = (token: string): ApiClient => server.anonymous().with({ authorization: `Bearer ${token}` });
const login = async (username: string): Promise<string> =>
  (await as(username).get('/login?token-lifetime=3600')).data<{ token: string }>().token;

/** What as many new connections are answered at once. */
const statuses = async (api: () => ApiClient, path = '/me/ip'): Promise<number[]> => {
  const answers = await Promise.all(Array.from({ length: CONNECTIONS }, () => api().get(path)));
  return [...new Set(answers.map(({ status }) => status))];
};

interface Session {
  readonly session_id: number;
  readonly username: string;
  readonly user_agent: string;
  readonly last_access_at: string;
}

const sessionsOf = async (user: string): Promise<readonly Session[]> =>
  (await as('admin').get(`/users/${user}/sessions`)).data<readonly Session[]>();

test('a session that is ended is refused by every shard at once', async () => {
  const tokens = await Promise.all([login('anna'), login('anna')]);
  for (const token of tokens) assert.deepEqual(await statuses(() => bearer(token)), [200]);
  const [first] = tokens;
  const id = (
    JSON.parse(Buffer.from(first.split('.')[1] ?? '', 'base64url').toString()) as { sessionID: number }
  ).sessionID;
  assert.equal((await as('admin').delete(`/users/admin/sessions/${id}`)).status, 204);
  assert.deepEqual(await statuses(() => bearer(first)), [200], 'not under the name of somebody else');
  assert.equal((await as('admin').delete(`/users/anna/sessions/${id}`)).status, 204);
  assert.deepEqual(await statuses(() => bearer(first)), [401]);
  assert.deepEqual(await statuses(() => bearer(tokens[1])), [200]);
  assert.equal((await as('admin').delete('/users/anna/sessions')).status, 204);
  assert.deepEqual(await statuses(() => bearer(tokens[1])), [401]);
  assert.deepEqual(await sessionsOf('anna'), []);
});

test('a list shows who used a session and when', async () => {
  const token = await login('anna');
  const before = Date.now();
  const used = await bearer(token).with({ 'user-agent': 'the last agent' }).get('/me');
  assert.equal(used.status, 200);
  // Uses are written at most once a second.
  const session = await eventually('the use to be shown', async () => {
    const all = await sessionsOf('anna');
    return all.find(({ user_agent }) => user_agent === 'the last agent');
  });
  assert.ok(Date.parse(session.last_access_at) >= before - 1);
  assert.equal((await as('anna').get('/users/anna/sessions')).status, 403);
});

test('sessions and API tokens survive a crash, what was ended stays ended', async () => {
  const create = async (name: string) =>
    (await as('anna').post('/me/tokens', { body: { name, scope: 'read' } })).data<{
      token: string;
      prefix: string;
    }>();
  const [kept, revoked] = [await create('kept'), await create('revoked')];
  const [open, closed] = [await login('anna'), await login('anna')];
  assert.equal((await as('anna').delete(`/me/tokens/${revoked.prefix}`)).status, 204);
  assert.equal((await bearer(closed).delete('/logout')).status, 204);
  await server.crashAndRestart();
  assert.deepEqual(await statuses(() => as('anna', kept.token)), [200]);
  assert.deepEqual(await statuses(() => bearer(open)), [200]);
  assert.equal((await as('anna', revoked.token).get('/me/ip')).status, 401);
  assert.deepEqual(await statuses(() => bearer(closed)), [401]);
});

test('an API token works and ends in every shard at once', async () => {
  const body = { name: 'shards', scope: 'read', expires_at: '2100-01-01T00:00:00Z' };
  const { token, prefix } = (await as('admin').post('/me/tokens', { body })).data<{
    token: string;
    prefix: string;
  }>();
  assert.deepEqual(await statuses(() => as('admin', token)), [200]);
  const refused = await as('admin', token).delete(`/me/tokens/${prefix}`);
  assert.equal(refused.refusal, '403 the scope of the provided token is not authorized for this operation');
  const ended = await as('admin').put(`/me/tokens/${prefix}`, {
    body: { expires_at: '2020-01-01T00:00:00Z' },
  });
  assert.equal(ended.status, 200);
  assert.deepEqual(await statuses(() => as('admin', token)), [401]);
});

test('a trusted proxy vouches for a user, with one header of each kind', async () => {
  const proxied = server.anonymous().with({ 'x-authenticated': '1', 'authentication-user': 'anna' });
  const { token } = (await proxied.get('/login')).data<{ token: string }>();
  assert.equal((await bearer(token).get('/me')).data<{ username: string }>().username, 'anna');
  const unknown = await server
    .anonymous()
    .with({ 'x-authenticated': '1', 'authentication-user': 'carla' })
    .get('/login');
  assert.equal(unknown.refusal, '401 unauthorized');
  const twice = await server
    .anonymous()
    .with({ 'x-authenticated': '1', 'authentication-user': ['anna', 'admin'] as unknown as string })
    .get('/login');
  assert.equal(twice.refusal, '400 header "Authentication-User" was sent more than once');
});
