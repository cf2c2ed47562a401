/** One database under this server and the reference: what one writes, the other reads. */

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { bcryptHash } from '../support/auth-world.js';
import { engines, stopMariadb } from '../support/foreign-database.js';
import { noReference, ReferenceServer } from '../support/reference-server.js';
import { AGENT_AUTH, TestServer } from '../support/server.js';

after(stopMariadb);

const ROOT = ['root', 'password of root'] as const;
const PASSWORD = 'a password of the tests 1';

for (const engine of engines) {
  test(`users, groups and agents in ${engine.name}`, { skip: noReference || engine.skip }, async (t) => {
    const foreign = await engine.create(t);
    await foreign.run('INSERT INTO `users` (`username`, `password`) VALUES (?, ?)', [
      ROOT[0],
      bcryptHash(ROOT[1]),
    ]);
    await foreign.run('INSERT INTO `groups` VALUES (?, ?)', [ROOT[0], 'Administrators']);
    await foreign.run('INSERT INTO `clients_auth` VALUES (?, ?)', AGENT_AUTH.split(':'));
    const { dbType, dbHost, dbUser, dbPassword, dbName } = foreign.config;
    const database = {
      db_type: dbType,
      db_host: dbHost,
      db_user: dbUser,
      db_password: dbPassword,
      db_name: dbName,
    };
    const tables = {
      auth_user_table: 'users',
      auth_group_table: 'groups',
      auth_group_details_table: 'group_details',
    };
    const reference = await ReferenceServer.start({
      server: { auth_table: 'clients_auth' },
      api: tables,
      database,
    });
    t.after(() => reference.remove());
    const ours = await TestServer.start({
      server: { auth: null, auth_table: 'clients_auth' },
      api: { auth: null, ...tables, user_login_wait: 0, max_failed_login: 0 },
      database,
    });
    t.after(() => ours.remove());

    const there = reference.api(...ROOT);
    const here = ours.api(...ROOT);
    const user = (username: string, group: string) => ({
      body: { username, password: PASSWORD, groups: [group] },
    });
    assert.equal((await there.post('/users', user('theirs', 'Ops'))).status, 201);
    assert.equal((await here.post('/users', user('our', 'Viewers'))).status, 201);
    const put = await there.put('/user-groups/Ops', {
      body: { permissions: { tunnels: true }, tunnels_restricted: { Scheme: ['ssh'] } },
    });
    assert.equal(put.status, 200);
    const ops = await here.put('/user-groups/Viewers', {
      body: { permissions: { monitoring: true }, commands_restricted: { deny: ['rm'] } },
    });
    assert.equal(ops.status, 200);
    for (const path of ['/user-groups/Ops', '/user-groups/Viewers', '/user-groups/Administrators']) {
      assert.deepEqual((await here.get(path)).json, (await there.get(path)).json, path);
    }
    const names = (answer: { data<Data>(): Data }) =>
      answer
        .data<{ username: string; groups: string[] }[]>()
        .map(({ username, groups }) => [username, groups]);
    assert.deepEqual(names(await here.get('/users')), names(await there.get('/users')));

    // bcrypt works in both.
    const me = (await ours.api('theirs', PASSWORD).get('/me')).data<Record<string, unknown>>();
    const same = (await reference.api('theirs', PASSWORD).get('/me')).data<Record<string, unknown>>();
    assert.deepEqual(me.effective_user_permissions, same.effective_user_permissions);
    // argon2id is plain text for the reference.
    assert.equal((await ours.api('our', PASSWORD).get('/me')).status, 200);
    assert.equal((await reference.api('our', PASSWORD).get('/me')).status, 401);

    assert.equal((await there.put('/users/our', { body: { username: 'renamed' } })).status, 204);
    assert.equal((await ours.api('renamed', PASSWORD).get('/me')).status, 200);
    assert.equal((await here.delete('/users/theirs')).status, 204);
    assert.equal((await reference.api('theirs', PASSWORD).get('/me')).status, 401);
    const credential = { body: { id: 'shared', password: 'secret' } };
    assert.equal((await there.post('/clients-auth', credential)).status, 201);
    await ours.agent('agent', {}, { auth: 'shared:secret' });
    assert.deepEqual((await here.get('/clients-auth')).json, (await there.get('/clients-auth')).json);
  });
}
