/** The API over users in tables, as its callers see it. */

import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { hashPassword } from '../../src/auth/passwords/hash.js';
import { authWorld, basic, bcryptHash, PASSWORD, titles } from '../support/auth-world.js';
import { eventually } from '../support/eventually.js';
import {
  type Engine,
  engines,
  mariadb,
  sqlite,
  startMariadb,
  stopMariadb,
  userTables,
} from '../support/foreign-database.js';
import type { Injected } from '../support/inject.js';

after(stopMariadb);

const LONG_PASSWORD = 'a long new password 1';

async function world(t: TestContext, engine: Engine, api: Parameters<typeof authWorld>[1] = {}) {
  const foreign = await engine.create(t);
  // An old hash of hers would be replaced some time after her login, and what is known of users forgotten then.
  const annas = await hashPassword(PASSWORD);
  for (const [name, ...groups] of [['anna', 'Administrators'], ['bert', 'Ops', 'Viewers'], ['carl']]) {
    const hash = name === 'anna' ? annas : bcryptHash(PASSWORD);
    await foreign.run('INSERT INTO `users` (`username`, `password`) VALUES (?, ?)', [name, hash]);
    for (const group of groups) {
      await foreign.run('INSERT INTO `groups` (`username`, `group`) VALUES (?, ?)', [name, group]);
    }
  }
  const made = await authWorld(t, {
    ...api,
    database: foreign.config,
    api: { ...userTables, passwordZxcvbnMinscore: -1, ...api.api },
  });
  const token = await made.token('anna', 86_400);
  const send = (method: string, path: string, body?: object): Promise<Injected> =>
    made.call({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body }),
    });
  return { ...made, foreign, send, annasToken: token };
}

const dataOf = <Data>(answer: Injected): Data => (answer.json() as { data: Data }).data;

for (const engine of engines) {
  describe(engine.name, { skip: engine.skip }, () => {
    test('logins, sessions, and what one may do', async (t) => {
      const { login, token, get, send, clock, foreign } = await world(t, engine);
      assert.equal((await login('bert', 'wrong')).status, 401);
      clock.advance(3_000);
      assert.equal((await login('nobody')).status, 401);
      clock.advance(3_000);
      assert.deepEqual(dataOf<object>(await get('/status', await token('anna'))), {
        ...dataOf<object>(await get('/status', await token('anna'))),
        users_auth_source: 'DB',
        group_permissions_enabled: true,
      });
      const bert = await token('bert');
      const me = async () =>
        dataOf<{ effective_user_permissions: Record<string, boolean>; groups: string[] }>(
          await get('/me', bert),
        );
      assert.ok(Object.values((await me()).effective_user_permissions).every((granted) => !granted));
      assert.equal((await send('PUT', '/user-groups/Ops', { permissions: { vault: true } })).status, 200);
      assert.equal(
        (await send('PUT', '/user-groups/Viewers', { permissions: { monitoring: true, vault: false } }))
          .status,
        200,
      );
      const { effective_user_permissions: granted, groups } = await me();
      assert.deepEqual(groups, ['Ops', 'Viewers']);
      assert.deepEqual(
        Object.keys(granted).filter((permission) => granted[permission]),
        ['vault', 'monitoring'].sort(
          (one, other) => Object.keys(granted).indexOf(one) - Object.keys(granted).indexOf(other),
        ),
      );
      assert.equal((await get('/users', bert)).status, 403);
      // Another program makes him an administrator: it counts within a second.
      await foreign.run('INSERT INTO `groups` (`username`, `group`) VALUES (?, ?)', [
        'bert',
        'Administrators',
      ]);
      clock.advance(1_000);
      assert.equal((await get('/users', bert)).status, 200);
      await foreign.run("DELETE FROM `users` WHERE `username` = 'bert'");
      clock.advance(1_000);
      assert.equal((await get('/me', bert)).status, 401);
    });

    test('users are added, changed and removed', async (t) => {
      const { login, send, foreign, clock } = await world(t, engine);
      assert.equal(
        (await send('POST', '/users', { username: 'dora', password: LONG_PASSWORD, groups: ['Ops'] })).status,
        201,
      );
      const [row] = await foreign.run(
        "SELECT `password` p, `password_expired` e FROM `users` WHERE `username` = 'dora'",
      );
      assert.match(String(row?.p), /^\$argon2id\$/);
      assert.equal(row?.e, 0);
      assert.equal((await login('dora', LONG_PASSWORD)).status, 200);
      const again = await send('POST', '/users', { username: 'dora', password: LONG_PASSWORD });
      assert.equal(again.status, 400);
      assert.deepEqual(titles(again), ['Another user with this username already exists']);
      assert.equal((await send('PUT', '/users/dora', { username: 'zoe', groups: [] })).status, 204);
      assert.equal((await send('PUT', '/users/dora', { groups: [] })).status, 404);
      assert.equal((await login('zoe', LONG_PASSWORD)).status, 200);
      const names = dataOf<{ username: string }[]>(await send('GET', '/users')).map(
        ({ username }) => username,
      );
      assert.deepEqual(names, ['anna', 'bert', 'carl', 'zoe']);
      assert.equal((await send('DELETE', '/users/zoe')).status, 204);
      assert.equal((await send('DELETE', '/users/zoe')).status, 404);
      clock.advance(3_000);
      assert.equal((await login('zoe', LONG_PASSWORD)).status, 401);
      const last = await send('DELETE', '/users/anna');
      assert.equal(last.status, 400);
      assert.equal((await login('anna')).status, 200);
    });

    test('groups are listed, replaced and removed (spec 02 §14.3)', async (t) => {
      const { send } = await world(t, engine);
      const names = async () =>
        dataOf<{ name: string }[]>(await send('GET', '/user-groups')).map(({ name }) => name);
      assert.deepEqual(await names(), ['Administrators', 'Ops', 'Viewers']);
      const put = await send('PUT', '/user-groups/Ops', {
        permissions: { tunnels: true },
        tunnels_restricted: { Scheme: ['ssh'] },
      });
      assert.equal(put.status, 200);
      const stored = dataOf<Record<string, unknown>>(await send('GET', '/user-groups/Ops'));
      assert.deepEqual([stored.name, stored.tunnels_restricted], ['Ops', { scheme: ['ssh'] }]);
      assert.equal((await send('PUT', '/user-groups/Administrators', {})).status, 400);
      for (const name of ['Administrators', 'administrators']) await send('DELETE', `/user-groups/${name}`);
      assert.equal((await send('GET', '/users')).status, 200);
      assert.equal((await send('DELETE', '/user-groups/Ops')).status, 204);
      assert.deepEqual(await names(), ['Administrators', 'Viewers']);
    });

    test('statements in names and passwords are only text', async (t) => {
      const { login, call, send, clock, foreign } = await world(t, engine);
      const hostile = [
        "' OR '1'='1",
        "anna' --",
        'anna"; DROP TABLE users',
        '`',
        "\\' OR 1=1 #",
        'anna\u0000',
      ];
      for (const text of hostile) {
        clock.advance(3_000);
        assert.equal((await login(text)).status, 401, text);
        clock.advance(3_000);
        assert.equal((await login('anna', text)).status, 401, text);
        const headers = { authorization: basic(text, PASSWORD) };
        assert.ok(
          [401, 423, 429].includes(
            (await call({ url: '/api/v1/me', headers, remoteAddress: '192.0.2.8' })).status,
          ),
        );
        const path = encodeURIComponent(text);
        assert.equal((await send('DELETE', `/users/${path}`)).status, 404, text);
        assert.ok((await send('GET', `/user-groups/${path}`)).status < 500);
        assert.ok((await send('DELETE', `/user-groups/${path}`)).status < 500);
        clock.advance(700_000);
      }
      assert.equal((await foreign.run('SELECT * FROM `users`')).length, 3);
      assert.equal((await foreign.run('SELECT * FROM `groups`')).length, 3);
    });

    test('passwords: plain text and bcrypt work, an empty one never, better hashes replace worse', async (t) => {
      const { login, foreign, clock } = await world(t, engine);
      await foreign.run("UPDATE `users` SET `password` = 'in the clear' WHERE `username` = 'bert'");
      await foreign.run("UPDATE `users` SET `password` = '' WHERE `username` = 'carl'");
      assert.equal((await login('bert', 'in the clear')).status, 200);
      for (const password of ['', ' ']) {
        assert.equal((await login('carl', password)).status, 401);
        clock.advance(3_000);
      }
    });
  });
}

test('a file that another program has locked delays a login, and nothing else', async (t) => {
  const { login, get, annasToken, clock, foreign } = await world(t, sqlite);
  assert.equal((await get('/me', annasToken)).status, 200);
  const timers = clock.waiting;
  await foreign.run('BEGIN EXCLUSIVE');
  const waiting = login('bert');
  const second = login('carl', 'wrong');
  // Remembered for a second, and no thread waits.
  assert.equal((await get('/me', annasToken)).status, 200);
  await eventually('both to wait', () => clock.waiting >= timers + 2);
  await foreign.run('COMMIT');
  clock.advance(100);
  assert.equal((await waiting).status, 200);
  assert.equal((await second).status, 401);
});

test('a server that is away is a 503 without details, and used again when it is back', {
  skip: mariadb.skip,
}, async (t) => {
  const { login, get, send, annasToken, clock, log, foreign } = await world(t, mariadb);
  assert.equal((await get('/me', annasToken)).status, 200);
  const server = await startMariadb();
  await server.stopServer('SIGKILL');
  // Known for the rest of this second, not longer.
  assert.equal((await get('/me/ip', annasToken)).status, 200);
  clock.advance(1_000);
  const title = 'the database is not available, please try later';
  const answers = [
    await get('/me', annasToken),
    await login('bert'),
    await send('GET', '/users'),
    await send('POST', '/users', { username: 'dora', password: LONG_PASSWORD }),
    await send('DELETE', '/user-groups/Ops'),
  ];
  for (const answer of answers) {
    assert.equal(answer.status, 503);
    assert.deepEqual(answer.json(), { errors: [{ code: '', title, detail: '' }] });
  }
  const lines = log.lines.filter((line) => line.includes('the database of users'));
  assert.match(lines[0] ?? '', /^error: the database of users: unavailable: /);
  const secrets = [foreign.config.dbPassword, 'SELECT', PASSWORD, LONG_PASSWORD, '$2y$'];
  for (const line of log.lines) for (const secret of secrets) assert.ok(!line.includes(secret), line);
  // A failing database is no reason to keep somebody out.
  await server.startServer();
  assert.equal((await get('/me', annasToken)).status, 200);
  assert.equal((await login('bert')).status, 200);
  assert.equal((await send('POST', '/users', { username: 'dora', password: LONG_PASSWORD })).status, 201);
  assert.ok(log.lines.includes('info: the database of users answers again'));
});
