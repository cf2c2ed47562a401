/** Users and groups on a running server, wherever they are kept: at once in every shard, and for good. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import type { ApiClient } from '../support/api-client.js';
import { bcryptHash } from '../support/auth-world.js';
import { tablesOf } from '../support/foreign-database.js';
import { TestServer, type TestServerOptions } from '../support/server.js';

/** The two shards take connections by chance: this many reach both but once in 2 ** 19. */
const EVERY_SHARD = 20;
const ROOT_PASSWORD = 'password of root';
const FIRST = 'the first password';
const SECOND = 'the second password';

const quiet = { user_login_wait: 0, max_failed_login: 0, auth: null };
const file = (name: string) => (_: string, folder: string) =>
  writeFileSync(
    join(folder, name),
    JSON.stringify([{ username: 'root', password: bcryptHash(ROOT_PASSWORD), groups: ['Administrators'] }]),
  );

interface Place {
  readonly name: string;
  readonly groups: boolean;
  readonly options: TestServerOptions;
}

const sqlDatabase: TestServerOptions = {
  api: {
    ...quiet,
    auth_user_table: 'users',
    auth_group_table: 'groups',
    auth_group_details_table: 'group_details',
  },
  database: { db_type: 'sqlite', db_name: 'users.db' },
  prepare(_, folder) {
    const database = new DatabaseSync(join(folder, 'users.db'));
    database.exec(tablesOf('sqlite'));
    const user = 'INSERT INTO users (username, password) VALUES (?, ?)';
    database.prepare(user).run('root', bcryptHash(ROOT_PASSWORD));
    database.exec("INSERT INTO `groups` (username, `group`) VALUES ('root', 'Administrators')");
    database.close();
  },
};

const places: readonly Place[] = [
  { name: 'the own store', groups: true, options: { api: quiet } },
  {
    name: 'a file',
    groups: false,
    options: { api: { ...quiet, auth_file: 'users.json' }, prepare: file('users.json') },
  },
  {
    name: 'a database',
    groups: true,
    options: sqlDatabase,
  },
];

for (const { name, groups, options } of places) {
  describe(`users in ${name}`, () => {
    let server: TestServer;
    let root: ApiClient;
    before(async () => {
      server = await TestServer.start(options);
      const [, user = 'root', password = ROOT_PASSWORD] = /Login +(admin) \/ (\S+)/.exec(server.output) ?? [];
      root = server.api(user, password);
    });
    after(() => server?.remove());

    /** Statuses of `GET /me` over all shards, right now. */
    const everywhere = async (caller: ApiClient): Promise<number[]> => {
      const seen = new Set<number>();
      for (let call = 0; call < EVERY_SHARD; call += 1) seen.add((await caller.get('/me')).status);
      return [...seen];
    };
    const add = async (username: string, more: object = {}): Promise<void> => {
      const answer = await root.post('/users', { body: { username, password: FIRST, ...more } });
      assert.equal(answer.status, 201, answer.text);
    };
    const put = async (path: string, body: object): Promise<void> => {
      const answer = await root.put(path, { body });
      assert.ok([200, 204].includes(answer.status), answer.text);
    };
    const signIn = async (username: string, password: string): Promise<ApiClient> => {
      const login = await server.api(username, password).get('/login?token-lifetime=3600');
      return server.anonymous().with({ authorization: `Bearer ${login.data<{ token: string }>().token}` });
    };

    it('what is acknowledged counts in every shard at once', async () => {
      await add('anna', { groups: ['Ops'] });
      assert.deepEqual(await everywhere(server.api('anna', FIRST)), [200]);
      const session = await signIn('anna', FIRST);

      await put('/users/anna', { password: SECOND });
      assert.deepEqual(await everywhere(server.api('anna', FIRST)), [401]);
      assert.deepEqual(await everywhere(server.api('anna', SECOND)), [200]);
      assert.deepEqual(await everywhere(session), [200]);

      await put('/users/anna', { username: 'annette' });
      assert.deepEqual(await everywhere(server.api('anna', SECOND)), [401]);
      assert.deepEqual(await everywhere(session), [200], 'the session goes along');
      for (let call = 0; call < EVERY_SHARD; call += 1) {
        assert.equal((await session.get('/me')).data<{ username: string }>().username, 'annette');
      }

      await put('/users/annette', { password_expired: true });
      assert.deepEqual(await everywhere(session), [401]);
      assert.equal((await root.delete('/users/annette')).status, 204);
      assert.deepEqual(await everywhere(server.api('annette', SECOND)), [401]);
    });

    it('administrators are administrators from the next call on, and no longer', async () => {
      await add('berta');
      const berta = await signIn('berta', FIRST);
      const statuses = async () => {
        const seen = new Set<number>();
        for (let call = 0; call < EVERY_SHARD; call += 1) seen.add((await berta.get('/users')).status);
        return [...seen];
      };
      assert.deepEqual(await statuses(), [403]);
      await put('/users/berta', { groups: ['Administrators'] });
      assert.deepEqual(await statuses(), [200]);
      await put('/users/berta', { groups: [] });
      assert.deepEqual(await statuses(), [403]);
    });

    it('what is acknowledged survives a crash', async () => {
      await add('carla', { groups: ['Ops', 'Dev'] });
      if (groups)
        await put('/user-groups/Ops', { permissions: { vault: true }, tunnels_restricted: { local: ['1'] } });
      await server.crashAndRestart();
      const me = (await server.api('carla', FIRST).get('/me')).data<Record<string, unknown>>();
      assert.deepEqual([...(me.groups as string[])].sort(), ['Dev', 'Ops']);
      if (groups) {
        assert.deepEqual((me.effective_user_permissions as { vault: boolean }).vault, true);
        assert.deepEqual(me.effective_extended_permissions, {
          tunnels_restricted: [{ local: ['1'] }],
          commands_restricted: null,
        });
      }
      const session = await signIn('carla', FIRST);
      assert.equal((await root.delete('/users/carla')).status, 204);
      await server.crashAndRestart();
      assert.equal((await session.get('/me')).status, 401);
      assert.equal((await server.api('carla', FIRST).get('/me')).status, 401);
      assert.equal((await root.get('/users')).status, 200);
    });

    it('administrators who demote each other over several connections: one stays', async () => {
      const before = (await root.get('/users')).data<{ username: string; groups: string[] | null }[]>();
      const [first] = before.filter((user) => user.groups?.includes('Administrators'));
      await add('dora', { groups: ['Administrators'] });
      const dora = await signIn('dora', FIRST);
      const demote = (who: ApiClient, whom: string) => who.put(`/users/${whom}`, { body: { groups: [] } });
      const answers = await Promise.all([
        demote(root, 'dora'),
        demote(dora, first?.username ?? ''),
        demote(root, 'dora'),
        demote(dora, first?.username ?? ''),
      ]);
      for (const { status, text } of answers) assert.ok([204, 400, 403].includes(status), text);
      const [rootSees, doraSees] = [await root.get('/users'), await dora.get('/users')];
      assert.deepEqual([rootSees.status, doraSees.status].sort(), [200, 403]);
      const winner = rootSees.status === 200 ? root : dora;
      const whole = { body: { groups: ['Administrators'] } };
      assert.equal((await winner.put(`/users/${first?.username}`, whole)).status, 204);
      assert.equal((await root.delete('/users/dora')).status, 204);
    });

    it('many changes at once are all made, or refused with a reason', async () => {
      const names = Array.from({ length: 30 }, (_, at) => `many-${String(at).padStart(2, '0')}`);
      const answers = await Promise.all(
        [...names, ...names].map((username) => root.post('/users', { body: { username, password: FIRST } })),
      );
      const outcomes = answers.map((answer) => (answer.status === 201 ? '201' : answer.refusal)).sort();
      assert.deepEqual(outcomes, [
        ...names.map(() => '201'),
        ...names.map(() => '400 Another user with this username already exists'),
      ]);
      const listed = (await root.get('/users'))
        .data<{ username: string }[]>()
        .map(({ username }) => username);
      assert.deepEqual(
        listed.filter((username) => username.startsWith('many-')),
        names,
      );
      assert.deepEqual(listed, listed.toSorted());
    });
  });
}

describe('users in a database without a table of group details', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({
      ...sqlDatabase,
      api: { ...sqlDatabase.api, auth_group_details_table: null },
    });
  });
  after(() => server?.remove());

  it('groups are names with members: listed, but nothing can be said about them', async () => {
    const root = server.api('root', ROOT_PASSWORD);
    const carla = { username: 'carla', password: FIRST, groups: ['Ops'] };
    assert.equal((await root.post('/users', { body: carla })).status, 201);
    const listed = (await root.get('/user-groups')).data<{ name: string; permissions: object }[]>();
    assert.deepEqual(
      listed.map(({ name, permissions }) => [name, Object.values(permissions).every(Boolean)]),
      [
        ['Administrators', true],
        ['Ops', false],
      ],
    );
    const refused = '400 User group details table must be configured for this operation.';
    assert.equal((await root.put('/user-groups/Ops', { body: {} })).refusal, refused);
    assert.equal((await root.delete('/user-groups/Ops')).refusal, refused);
    assert.equal((await root.delete('/user-groups/Administrators')).refusal, refused);
    const me = (await server.api('carla', FIRST).get('/me')).data<Record<string, object>>();
    assert.deepEqual([me.groups, me.group_permissions_enabled], [['Ops'], false]);
    assert.ok(Object.values(me.effective_user_permissions ?? {}).every(Boolean));
  });
});

describe('users in another file after a reload', () => {
  let server: TestServer;
  before(async () => {
    server = await TestServer.start({
      api: { ...quiet, auth_file: 'users.json' },
      prepare(dataDir, folder) {
        file('users.json')(dataDir, folder);
        file('others.json')(dataDir, folder);
      },
    });
  });
  after(() => server?.remove());

  it('changes go where the users are, under the rules of the new configuration', async () => {
    const root = server.api('root', ROOT_PASSWORD);
    const add = (username: string, password: string) => root.post('/users', { body: { username, password } });
    assert.equal((await add('anna', FIRST)).status, 201);
    const line = await server.reload({ api: { auth_file: 'others.json', password_zxcvbn_minscore: 4 } });
    assert.match(line, /configuration reloaded/);
    assert.equal((await add('berta', 'aaaaaaaaaaaaaaaa')).refusal, '400 Your password is too guessable');
    assert.equal((await add('berta', 'wicker-lantern-ozone-93')).status, 201);
    const names = (name: string) =>
      (JSON.parse(readFileSync(join(server.folder, name), 'utf8')) as { username: string }[]).map(
        ({ username }) => username,
      );
    assert.deepEqual(names('users.json'), ['root', 'anna']);
    assert.deepEqual(names('others.json'), ['root', 'berta']);
    assert.equal((await server.api('anna', FIRST).get('/me')).status, 401);
  });

  it('a file that cannot be read any more: 500 without its path, which is in the log', async () => {
    const root = server.api('root', ROOT_PASSWORD);
    const session = (await root.get('/login?token-lifetime=3600')).data<{ token: string }>().token;
    const path = join(server.folder, 'others.json');
    const good = readFileSync(path);
    writeFileSync(path, '{');
    const seen = server.output.length;
    const carla = { body: { username: 'carla', password: 'wicker-lantern-ozone-93' } };
    const headers = { authorization: `Bearer ${session}` };
    const answer = await server.anonymous().post('/users', { ...carla, headers });
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /others\.json|JSON/);
    await server.untilLogged(/others\.json|parse/, seen);
    writeFileSync(path, good);
    assert.equal((await root.post('/users', carla)).status, 201);
  });
});
