/** The command while a server runs: what it changes counts in every shard within a second. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bcryptHash } from '../support/auth-world.js';
import { eventually } from '../support/eventually.js';
import { TestServer, type TestServerOptions } from '../support/server.js';
import { tidewayCommand, userCommand } from '../support/user-command.js';

/** The two shards take connections by chance: this many reach both but once in 2 ** 19. */
const EVERY_SHARD = 20;
const ROOT = { username: 'root', password: 'password of root' };
const FIRST = 'the first password';
const SECOND = 'the second password';

let server: TestServer;

const command = (line: string, input?: string) =>
  userCommand([...line.split(' '), '-c', join(server.folder, 'rportd.conf')], {
    cwd: server.folder,
    ...(input === undefined ? {} : { input }),
  });
const succeed = async (line: string, input?: string): Promise<void> => {
  const { code, err } = await command(line, input);
  assert.deepEqual([code, err], [0, ''], line);
};
/** Statuses of `GET /me` over all shards. */
const statuses = async (password: string): Promise<number[]> => {
  const seen = new Set<number>();
  for (let turn = 0; turn < EVERY_SHARD; turn += 1) {
    seen.add((await server.api('anna', password).get('/me')).status);
  }
  return [...seen];
};
const until = (status: number, password: string): Promise<boolean> =>
  eventually(
    `every shard to answer ${status}`,
    async () => (await statuses(password)).join() === String(status),
  );

async function start(api: TestServerOptions['api']): Promise<void> {
  server = await TestServer.start({
    api: { ...api, user_login_wait: 0, max_failed_login: 0 },
    prepare: (_, folder) =>
      writeFileSync(
        join(folder, 'users.json'),
        JSON.stringify([
          { username: 'root', password: bcryptHash(ROOT.password), groups: ['Administrators'] },
        ]),
      ),
  });
}

for (const [place, api] of [
  ['own store', { auth: null }],
  ['file', { auth: null, auth_file: 'users.json' }],
] as const) {
  describe(`beside a server whose users are in its ${place}`, () => {
    before(() => start(api));
    after(() => server.remove());

    it('a user that is added, changed and removed counts everywhere, and his sessions end', async () => {
      await succeed('add -u anna -g x', FIRST);
      await until(200, FIRST);
      const login = await server.api('anna', FIRST).get('/login?token-lifetime=3600');
      const { token } = login.data<{ token: string }>();
      const withToken = async (): Promise<number> =>
        (await server.anonymous().get('/me', { headers: { authorization: `Bearer ${token}` } })).status;
      assert.equal(await withToken(), 200);

      await succeed('change -u anna -p', SECOND);
      await until(200, SECOND);
      assert.deepEqual(await statuses(FIRST), [401]);

      await succeed('delete -u anna');
      assert.equal(await withToken(), 401);
      await until(401, SECOND);
    });
  });
}

describe('the audit log of the server', () => {
  before(() => start({ auth: null, auth_file: 'users.json' }));
  after(() => server.remove());

  it('has what the command does, and stays whole whoever writes at the same time', async () => {
    const root = server.api(ROOT.username, ROOT.password);
    const names = ['bert', 'carla'];
    let working = true;
    let byApi = 0;
    const others = Array.from({ length: 4 }, async (_, worker) => {
      for (; working; byApi += 1) {
        const path = `/client-groups/group-${worker}`;
        const { status } = await root.put(path, {
          body: { id: `group-${worker}`, description: `${byApi}` },
        });
        assert.ok(status < 400);
      }
    });
    await Promise.all(names.map((name) => succeed(`add -u ${name} -g x`, FIRST)));
    await succeed('change -u bert -p', SECOND);
    await Promise.all(names.map((name) => succeed(`delete -u ${name}`)));
    working = false;
    await Promise.all(others);
    const log = await root.get('/auditlog?filter[affected_id]=bert&sort=timestamp');
    const entries = log.data<Record<string, string>[]>();
    const system_user = userInfo().username;
    assert.deepEqual(
      entries.map(({ application, action, username, request = '' }) => ({
        application,
        action,
        username,
        request: JSON.parse(request),
      })),
      [
        {
          application: 'auth.user',
          action: 'create',
          username: '',
          request: { command: 'tideway user add', system_user, groups: ['x'], password: true },
        },
        {
          application: 'auth.user',
          action: 'update',
          username: '',
          request: { command: 'tideway user change', system_user, password: true },
        },
        {
          application: 'user',
          action: 'delete',
          username: '',
          request: { command: 'tideway user delete', system_user },
        },
      ],
    );
    const { count } = await root.get('/auditlog?filter[application]=client.group');
    assert.equal(count, byApi);
    const verified = await tidewayCommand(['audit', 'verify', '-c', join(server.folder, 'rportd.conf')], {
      cwd: server.folder,
    });
    assert.equal(verified.code, 0, verified.out);
  });
});
