/** A running server whose users and agents are in MariaDB, which is restarted under it. */

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { bcryptHash } from '../support/auth-world.js';
import {
  type ForeignDatabase,
  mariadb,
  startMariadb,
  stopMariadb,
  userTables,
} from '../support/foreign-database.js';
import { AGENT_AUTH, TestServer } from '../support/server.js';
import { userCommand } from '../support/user-command.js';

const ROOT = { username: 'root', password: 'password of root' };
const PASSWORD = 'a password of the tests';

describe('a server on MariaDB', { skip: mariadb.skip }, () => {
  let foreign: ForeignDatabase;
  let server: TestServer;

  before(async () => {
    foreign = await mariadb.create();
    const [id, password] = AGENT_AUTH.split(':');
    await foreign.run('INSERT INTO `clients_auth` VALUES (?, ?)', [id, password]);
    await foreign.run('INSERT INTO `users` (`username`, `password`) VALUES (?, ?)', [
      ROOT.username,
      bcryptHash(ROOT.password),
    ]);
    await foreign.run('INSERT INTO `groups` VALUES (?, ?)', [ROOT.username, 'Administrators']);
    const { dbType, dbHost, dbUser, dbPassword, dbName } = foreign.config;
    server = await TestServer.start({
      server: { auth: null, auth_table: 'clients_auth', client_login_wait: 0, max_failed_login: 0 },
      api: {
        auth: null,
        auth_user_table: userTables.authUserTable,
        auth_group_table: userTables.authGroupTable,
        auth_group_details_table: userTables.authGroupDetailsTable,
        user_login_wait: 0,
        max_failed_login: 0,
      },
      database: {
        db_type: dbType,
        db_host: dbHost,
        db_user: dbUser,
        db_password: dbPassword,
        db_name: dbName,
      },
    });
  });
  after(async () => {
    await server?.remove();
    await stopMariadb();
  });

  const root = () => server.api(ROOT.username, ROOT.password);

  test('agents and users log in, and users are changed over the API', async () => {
    const agent = await server.agent('one');
    await assert.rejects(server.agent('two', {}, { auth: 'agents:wrong' }));
    const added = await root().post('/clients-auth', { body: { id: 'other', password: 'secret' } });
    assert.equal(added.status, 201, added.text);
    await server.agent('three', {}, { auth: 'other:secret' });
    const user = { username: 'anna', password: PASSWORD, groups: ['Ops'] };
    assert.equal((await root().post('/users', { body: user })).status, 201);
    assert.equal((await server.api('anna', PASSWORD).get('/me')).status, 200);
    agent.destroy();
  });

  test('the command line changes the same users', async () => {
    const conf = join(server.folder, 'rportd.conf');
    const run = (line: string, input: string) =>
      userCommand([...line.split(' '), '-c', conf], { cwd: server.folder, input });
    const { code, err } = await run('add -u bert -g Administrators', PASSWORD);
    assert.deepEqual([code, err], [0, '']);
    assert.deepEqual(
      (await foreign.run("SELECT `group` AS g FROM `groups` WHERE `username` = 'bert'")).map(({ g }) => g),
      ['Administrators'],
    );
    assert.equal((await server.api('bert', PASSWORD).get('/users')).status, 200);
  });

  test('while the database is away nobody logs in, agents stay; afterwards all is well', async () => {
    const agent = await server.agent('steady');
    await foreign.run("INSERT INTO `clients_auth` VALUES ('unused', 'secret')");
    const database = await startMariadb();
    await database.stopServer('SIGKILL');
    const refused = await root().get('/login');
    assert.equal(refused.status, 503);
    assert.equal(refused.refusal, '503 the database is not available, please try later');
    // Credentials nobody asked for within the last second: those are remembered.
    const late = { auth: 'unused:secret' };
    await assert.rejects(server.agent('late', {}, late));
    assert.equal(agent.closed, false);
    await database.startServer();
    assert.equal((await root().get('/login')).status, 200);
    await server.agent('late', {}, late);
    assert.equal(agent.closed, false);
    for (const secret of [foreign.config.dbPassword, 'SELECT', PASSWORD])
      assert.ok(!server.output.includes(secret));
  });

  test('a reload that names a missing table changes nothing', async () => {
    const line = await server.reload({ api: { auth_user_table: 'nothing' } });
    assert.match(line, /was not reloaded, the old one stays: api\.auth_user_table `nothing`: /);
    assert.equal((await root().get('/me')).status, 200);
  });
});
