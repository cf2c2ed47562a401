/** Users and groups in tables (spec 02 §18.3, §24.10): the same cases over every database. */

import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { DatabaseTrouble } from '../../src/auth/database-trouble.js';
import type { Group } from '../../src/auth/groups/group.js';
import type { Permission } from '../../src/auth/principal.js';
import type { User } from '../../src/auth/users/provider.js';
import { openSqlUsers } from '../../src/auth/users/sql/open-sql-users.js';
import { sqlUsers } from '../../src/auth/users/sql/sql-users.js';
import { openTables } from '../../src/auth/users/sql/tables.js';
import type { ApiConfig, Config } from '../../src/config/types.js';
import { AppError } from '../../src/errors.js';
import type { SqlDatabase } from '../../src/sql/database.js';
import { openDatabase } from '../../src/sql/open-database.js';
import {
  type Engine,
  engines,
  type ForeignDatabase,
  stopMariadb,
  userTables,
} from '../support/foreign-database.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLogger } from '../support/memory-logger.js';

after(stopMariadb);

const HASH = '$2y$10$abcdefghijklmnopqrstuuxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx';
const OTP = 'otpauth://totp/a:RPort?algorithm=SHA1&digits=6&issuer=a&period=30&secret=ABC';

const user = (username: string, more: Partial<User> = {}): User => ({
  username,
  password: HASH,
  passwordExpired: false,
  groups: null,
  twoFaSendTo: '',
  totpSecret: '',
  ...more,
});
const group = (name: string, granted: readonly Permission[] = [], more: Partial<Group> = {}): Group => ({
  name,
  permissions: new Set(granted),
  tunnelsRestricted: null,
  commandsRestricted: null,
  ...more,
});

const configOf = (foreign: ForeignDatabase, api: Partial<ApiConfig> = {}) =>
  ({
    api: { ...userTables, twoFaTokenDelivery: '', totpEnabled: false, ...api },
    database: foreign.config,
  }) as Pick<Config, 'api' | 'database'>;

async function open(t: TestContext, engine: Engine, api: Partial<ApiConfig> = {}) {
  const foreign = await engine.create(t);
  return { foreign, ...(await openOn(t, foreign, api)) };
}

async function openOn(t: TestContext, foreign: ForeignDatabase, api: Partial<ApiConfig> = {}) {
  const clock = new ManualClock();
  const log = new MemoryLogger();
  const { users, writes } = await openSqlUsers({ config: configOf(foreign, api), clock, log });
  t.after(() => users.close());
  return { users, writes, clock, log };
}

const add = async (foreign: ForeignDatabase, name: string, ...groups: string[]): Promise<void> => {
  await foreign.run('INSERT INTO `users` (`username`, `password`) VALUES (?, ?)', [name, HASH]);
  for (const one of groups) await join(foreign, name, one);
};
const join = (foreign: ForeignDatabase, name: string, one: string) =>
  foreign.run('INSERT INTO `groups` (`username`, `group`) VALUES (?, ?)', [name, one]);

const taken = { status: 400, title: 'Another user with this username already exists' };
const unknown = (name: string) => ({ status: 404, title: `cannot find user by username '${name}'` });

for (const engine of engines) {
  const caseless = engine.name !== 'SQLite';

  describe(engine.name, { skip: engine.skip }, () => {
    test('a start without one of the tables or columns fails, and says which', async (t) => {
      const foreign = await engine.create(t, { empty: true });
      const fails = (message: RegExp, api: Partial<ApiConfig> = {}) =>
        assert.rejects(
          openSqlUsers({ config: configOf(foreign, api), clock: new ManualClock(), log: new MemoryLogger() }),
          (error: Error) => !(error instanceof AppError) && message.test(error.message),
          String(message),
        );
      await fails(/^api\.auth_user_table `users`: .*users/);
      await foreign.run('CREATE TABLE `users` (`username` VARCHAR(9), `password` TEXT)');
      await fails(/`users`: .*password_expired.*; with two-factor login the table needs more columns/);
      await foreign.run('ALTER TABLE `users` ADD COLUMN `password_expired` BOOLEAN');
      await fails(/two_fa_send_to.*; with two-factor login/, { twoFaTokenDelivery: 'smtp' });
      await fails(/totp_secret.*; with two-factor login/, { totpEnabled: true });
      await fails(/^api\.auth_group_table `groups`: .*groups/);
      await foreign.run('CREATE TABLE `groups` (`username` VARCHAR(9))');
      await fails(/`groups`: .*group/);
      await foreign.run('ALTER TABLE `groups` ADD COLUMN `group` VARCHAR(9)');
      await fails(/^api\.auth_group_details_table `group_details`: .*group_details/);
      await foreign.run('CREATE TABLE `group_details` (`name` VARCHAR(9))');
      await fails(/`group_details`: .*permissions/);
      await foreign.run('ALTER TABLE `group_details` ADD COLUMN `permissions` TEXT');
      await openOn(t, foreign);
      await openOn(t, foreign, { authGroupDetailsTable: '' });
      await fails(/must not contain a back-tick/, { authUserTable: 'users` --' });
    });

    test('what a user is', async (t) => {
      const { foreign, users } = await open(t, engine);
      assert.equal(await users.find('anna'), undefined);
      await add(foreign, 'carl');
      await add(foreign, 'anna', 'Ops');
      await add(foreign, 'bert', 'Zoo', 'Administrators');
      await join(foreign, 'gone', 'Left');
      await foreign.run(
        "UPDATE `users` SET `password_expired` = 1, `password` = 'plain' WHERE `username` = 'bert'",
      );
      users.forget();
      const anna = user('anna', { groups: ['Ops'] });
      const bert = user('bert', {
        groups: ['Administrators', 'Zoo'],
        password: 'plain',
        passwordExpired: true,
      });
      assert.deepEqual(await users.find('anna'), anna);
      assert.deepEqual(await users.findCurrent('bert'), bert);
      assert.deepEqual(await users.findCurrent('carl'), user('carl'));
      assert.equal(await users.findCurrent('gone'), undefined);
      assert.equal(await users.findCurrent(''), undefined);
      assert.deepEqual(await users.all(), [anna, bert, user('carl')]);
      assert.deepEqual([users.source, users.writable, users.groupSupport], ['DB', true, 'details']);
    });

    test('columns of second factors are read when their feature is on, and may be NULL', async (t) => {
      const foreign = await engine.create(t);
      await add(foreign, 'anna');
      await foreign.run(
        'INSERT INTO `users` (`username`, `password`, `two_fa_send_to`, `totp_secret`) VALUES (?, ?, ?, ?)',
        ['bert', HASH, 'b@example.org', OTP],
      );
      const none = await openOn(t, foreign);
      assert.deepEqual(await none.users.all(), [user('anna'), user('bert')]);
      const delivery = await openOn(t, foreign, { twoFaTokenDelivery: 'smtp' });
      assert.deepEqual(await delivery.users.all(), [
        user('anna'),
        user('bert', { twoFaSendTo: 'b@example.org' }),
      ]);
      const totp = await openOn(t, foreign, { totpEnabled: true });
      assert.deepEqual(await totp.users.find('anna'), user('anna'));
      assert.deepEqual(await totp.users.find('bert'), user('bert', { totpSecret: OTP }));
      await totp.writes.change('bert', { totpSecret: '' });
      const [row] = await foreign.run("SELECT `totp_secret` AS s FROM `users` WHERE `username` = 'bert'");
      assert.equal(row?.s, ' ');
      assert.equal((await totp.users.findCurrent('bert'))?.totpSecret.trim(), '');
    });

    test('without columns of second factors there is nothing to store', async (t) => {
      const foreign = await engine.create(t);
      for (const column of ['two_fa_send_to', 'totp_secret']) {
        await foreign.run(`ALTER TABLE \`users\` DROP COLUMN \`${column}\``);
      }
      const { users, writes } = await openOn(t, foreign);
      await writes.add(user('anna', { twoFaSendTo: 'a@example.org', totpSecret: OTP }));
      await writes.change('anna', { totpSecret: '', twoFaSendTo: '' });
      for (const change of [{ totpSecret: OTP }, { twoFaSendTo: 'a@example.org' }]) {
        await assert.rejects(writes.change('anna', change), { status: 400 });
      }
      assert.deepEqual(await users.find('anna'), user('anna'));
    });

    test('nobody has an empty password', async (t) => {
      const foreign = await engine.create(t);
      await add(foreign, 'anna');
      await foreign.run("UPDATE `users` SET `password` = ''");
      const { users } = await openOn(t, foreign);
      assert.match((await users.find('anna'))?.password ?? '', /^\$argon2id\$/);
      assert.match(users.decoy('x') ?? '', /^\$argon2id\$/);
    });

    test('adding, changing and removing users (spec 02 §24.10)', async (t) => {
      const { foreign, users, writes } = await open(t, engine);
      const rows = async () => ({
        users: (
          await foreign.run('SELECT `username` u, `password` p, `password_expired` e FROM `users` ORDER BY 1')
        ).map(({ u, p, e }) => [u, p, e]),
        groups: (await foreign.run('SELECT `username` u, `group` g FROM `groups` ORDER BY 1, 2')).map(
          ({ u, g }) => [u, g],
        ),
      });
      await writes.add(user('anna', { groups: ['Ops', 'Administrators', 'Ops'], passwordExpired: true }));
      await writes.add(user('bert'));
      assert.deepEqual(await rows(), {
        users: [
          ['anna', HASH, 1],
          ['bert', HASH, 0],
        ],
        groups: [
          ['anna', 'Administrators'],
          ['anna', 'Ops'],
        ],
      });
      await writes.change('anna', { username: 'zoe', password: 'new' });
      await writes.change('bert', { groups: ['Ops', 'Ops', 'X'], passwordExpired: true });
      assert.deepEqual(await rows(), {
        users: [
          ['bert', HASH, 1],
          ['zoe', 'new', 1],
        ],
        groups: [
          ['bert', 'Ops'],
          ['bert', 'X'],
          ['zoe', 'Administrators'],
          ['zoe', 'Ops'],
        ],
      });
      await writes.change('bert', { username: 'carl', groups: ['Y'], passwordExpired: false });
      await writes.change('zoe', { groups: [] });
      await writes.change('zoe', {});
      assert.deepEqual(await rows(), {
        users: [
          ['carl', HASH, 0],
          ['zoe', 'new', 1],
        ],
        groups: [['carl', 'Y']],
      });
      await writes.remove('carl');
      assert.deepEqual(await rows(), { users: [['zoe', 'new', 1]], groups: [] });
      assert.equal((await users.findCurrent('zoe'))?.groups, null);
    });

    test('taken and unknown names are refused, and nothing is written', async (t) => {
      const { foreign, users, writes } = await open(t, engine);
      await add(foreign, 'anna', 'Ops');
      await add(foreign, 'bert');
      await assert.rejects(writes.add(user('anna', { groups: ['X'] })), taken);
      await assert.rejects(writes.change('anna', { username: 'bert', groups: ['X'], password: 'x' }), taken);
      await assert.rejects(writes.change('x', { groups: ['X'] }), unknown('x'));
      await assert.rejects(writes.remove('x'), unknown('x'));
      assert.deepEqual(await users.all(), [user('anna', { groups: ['Ops'] }), user('bert')]);
      await writes.change('anna', { username: 'anna', groups: ['Y'] });
      assert.deepEqual((await users.findCurrent('anna'))?.groups, ['Y']);
    });

    test('a name added by another program at the same moment is taken, too', async (t) => {
      const { foreign, users, writes } = await open(t, engine);
      const adding = [writes.add(user('anna')), writes.add(user('anna')), writes.add(user('anna'))];
      const results = await Promise.allSettled(adding);
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
      for (const result of results) {
        if (result.status === 'rejected') assert.equal((result.reason as AppError).title, taken.title);
      }
      assert.equal((await users.all()).length, 1);
      await foreign.run('DELETE FROM `users`');
      await writes.add(user('anna'));
    });

    test('nobody inherits memberships that somebody else left', async (t) => {
      const { foreign, users, writes } = await open(t, engine);
      for (const name of ['anna', 'zoe']) await join(foreign, name, 'Administrators');
      await writes.add(user('anna', { groups: ['Ops'] }));
      await writes.add(user('bert', { groups: ['X'] }));
      await writes.change('bert', { username: 'zoe' });
      assert.deepEqual(await users.all(), [
        user('anna', { groups: ['Ops'] }),
        user('zoe', { groups: ['X'] }),
      ]);
    });

    test('names are only names, whatever they look like', async (t) => {
      const { foreign, users, writes } = await open(t, engine);
      await add(foreign, 'victim', 'Administrators');
      const names = [
        "' OR '1'='1",
        "x'; DROP TABLE users; --",
        '`',
        '"',
        '%',
        '_',
        '\\',
        '?',
        '$1',
        'é😀',
        'null',
      ];
      for (const name of names) {
        assert.equal(await users.findCurrent(name), undefined, name);
        assert.deepEqual(await users.groups([name]), [], name);
        await assert.rejects(writes.remove(name), unknown(name));
        await assert.rejects(writes.change(name, { password: 'x' }), unknown(name));
        await writes.removeGroup(name);
        await writes.add(user(name, { groups: [name], password: name }));
        await writes.putGroup(group(name, ['vault']));
      }
      users.forget();
      for (const name of names) {
        assert.deepEqual(await users.findCurrent(name), user(name, { groups: [name], password: name }), name);
        assert.deepEqual(await users.groups([name]), [group(name, ['vault'])], name);
      }
      assert.deepEqual(await users.findCurrent('victim'), user('victim', { groups: ['Administrators'] }));
      assert.deepEqual(await users.groupNames(), ['Administrators', ...names].sort());
      for (const name of names) {
        await writes.removeGroup(name);
        await writes.remove(name);
      }
      assert.deepEqual(await users.all(), [user('victim', { groups: ['Administrators'] })]);
    });

    test('names and values that cannot be stored are a mistake of the caller', async (t) => {
      const { users, writes } = await open(t, engine);
      assert.equal(await users.findCurrent('a\u0000'), undefined);
      const long = 'x'.repeat(100_000);
      assert.equal(await users.find(long), undefined);
      if (!caseless) {
        await assert.rejects(writes.add(user('a\u0000')), { status: 400 });
        return;
      }
      await assert.rejects(writes.add(user(long)), { status: 400 });
      await assert.rejects(writes.add(user('anna', { password: long })), { status: 400 });
      assert.deepEqual(await users.all(), []);
    });

    test('groups with rows and without (spec 02 §14.3)', async (t) => {
      const { foreign, users, writes } = await open(t, engine);
      assert.deepEqual(await users.allGroups(), []);
      assert.deepEqual(await users.groupNames(), []);
      assert.deepEqual(await users.groups([]), []);
      await add(foreign, 'anna', 'Ops', 'Administrators');
      await join(foreign, 'gone', 'Left');
      await writes.putGroup(group('Viewers', ['monitoring']));
      await writes.putGroup(group('Ops', ['tunnels', 'vault'], { tunnelsRestricted: { scheme: ['ssh'] } }));
      const ops = group('Ops', ['tunnels', 'vault'], { tunnelsRestricted: { scheme: ['ssh'] } });
      const viewers = group('Viewers', ['monitoring']);
      users.forget();
      assert.deepEqual(await users.allGroups(), [ops, viewers]);
      assert.deepEqual(await users.groupNames(), ['Administrators', 'Ops', 'Viewers']);
      assert.deepEqual(await users.groups(['Ops', 'Administrators', 'Left', 'x']), [ops]);
      // A full replacement, of what the row has of this server's.
      await foreign.run('ALTER TABLE `group_details` ADD COLUMN `note` VARCHAR(9) DEFAULT NULL');
      await foreign.run("UPDATE `group_details` SET `note` = 'mine'");
      await writes.putGroup(group('Ops', ['commands'], { commandsRestricted: { deny: ['rm'] } }));
      assert.deepEqual(await users.allGroups(), [
        group('Ops', ['commands'], { commandsRestricted: { deny: ['rm'] } }),
        viewers,
      ]);
      const [row] = await foreign.run("SELECT * FROM `group_details` WHERE `name` = 'Ops'");
      assert.deepEqual(
        [row?.note, row?.tunnels_restricted, row?.commands_restricted, JSON.parse(String(row?.permissions))],
        [
          'mine',
          null,
          '{"deny":["rm"]}',
          {
            tunnels: false,
            scripts: false,
            commands: true,
            vault: false,
            scheduler: false,
            monitoring: false,
            uploads: false,
            auditlog: false,
          },
        ],
      );
      await writes.removeGroup('Ops');
      await writes.removeGroup('Ops');
      users.forget();
      assert.deepEqual(await users.allGroups(), [viewers]);
      assert.deepEqual((await users.find('anna'))?.groups, ['Administrators']);
    });

    test('many groups are asked for at once', async (t) => {
      const { users, writes } = await open(t, engine);
      const names = Array.from({ length: 70 }, (_, index) => `group ${String(index).padStart(2, '0')}`);
      for (const name of names) await writes.putGroup(group(name, ['vault']));
      for (const count of [1, 2, 5, 64, 65, 70]) {
        const found = await users.groups(names.slice(0, count));
        assert.deepEqual(found.map(({ name }) => name).sort(), names.slice(0, count));
      }
    });

    test('rows of groups that others have written', async (t) => {
      const { foreign, users, log } = await open(t, engine);
      const put = (name: string, granted: unknown, tunnels: unknown = null, commands: unknown = null) =>
        foreign.run(
          'INSERT INTO `group_details` (`name`, `permissions`, `tunnels_restricted`, `commands_restricted`) VALUES (?, ?, ?, ?)',
          [name, granted, tunnels, commands],
        );
      const all = '{"tunnels":true,"commands":true,"vault":false,"unknown":true,"uploads":1}';
      await put('null', null);
      await put('odd', '[1');
      await put('array', '["tunnels"]');
      await put('some', all);
      await put('empty', all, '{}', 'null');
      await put('blob', Buffer.from(all), Buffer.from('{"Scheme":["ssh"],"AUTO-CLOSE":{"Max":"1h"}}'), '');
      await put('bad', all, '{"scheme":', '[]');
      await put('wrong', all, '{"scheme":5}', '{"allow":["[a"]}');
      const both: Permission[] = ['tunnels', 'commands'];
      const expected = [
        group('array'),
        group('bad'),
        group('blob', both, { tunnelsRestricted: { scheme: ['ssh'], 'auto-close': { max: '1h' } } }),
        group('empty', both, { tunnelsRestricted: {} }),
        group('null'),
        group('odd'),
        group('some', both),
        group('wrong'),
      ];
      assert.deepEqual(await users.allGroups(), expected);
      const found = await users.groups(expected.map(({ name }) => name));
      assert.deepEqual(
        [...found].sort((one, other) => (one.name < other.name ? -1 : 1)),
        expected,
      );
      assert.ok(
        log.lines.includes(
          'error: group "bad": the restriction of tunnels cannot be read, so tunnels are not permitted',
        ),
      );
    });

    test('without columns of restrictions there are none, and none can be stored', async (t) => {
      const foreign = await engine.create(t);
      for (const column of ['tunnels_restricted', 'commands_restricted']) {
        await foreign.run(`ALTER TABLE \`group_details\` DROP COLUMN \`${column}\``);
      }
      const { users, writes } = await openOn(t, foreign);
      await writes.putGroup(group('Ops', ['vault']));
      await assert.rejects(writes.putGroup(group('Ops', [], { tunnelsRestricted: { scheme: ['ssh'] } })), {
        status: 400,
        title: 'The table of group details has no column tunnels_restricted.',
      });
      assert.deepEqual(await users.groups(['Ops']), [group('Ops', ['vault'])]);
    });

    test('without the table of details groups are only what users are in', async (t) => {
      const { foreign, users, writes } = await open(t, engine, { authGroupDetailsTable: '' });
      await add(foreign, 'anna', 'Ops');
      assert.equal(users.groupSupport, 'memberships');
      assert.deepEqual(await users.groupNames(), ['Ops']);
      assert.deepEqual(await users.allGroups(), []);
      assert.deepEqual(users.groups(['Ops']), []);
      const title = 'User group details table must be configured for this operation.';
      await assert.rejects(writes.putGroup(group('Ops')), { status: 400, title });
      await assert.rejects(writes.removeGroup('Ops'), { status: 400, title });
    });

    test('a burst of requests costs one query a second per user; a user who has not changed is the same', async (t) => {
      const foreign = await engine.create(t);
      await add(foreign, 'anna', 'Ops');
      await foreign.run("INSERT INTO `group_details` (`name`, `permissions`) VALUES ('Ops', '{}')");
      const clock = new ManualClock();
      const log = new MemoryLogger();
      const database = openDatabase({ database: foreign.config, connections: 2, clock });
      let queries = 0;
      const counting: SqlDatabase = {
        dialect: database.dialect,
        place: database.place,
        rows(sql, parameters) {
          queries += 1;
          return database.rows(sql, parameters);
        },
        transaction: (work) => database.transaction(work),
        close: () => database.close(),
      };
      const users = await sqlUsers({
        database: counting,
        tables: await openTables(database, configOf(foreign)),
        trouble: new DatabaseTrouble('users', clock, log),
        clock,
        log,
      });
      t.after(() => users.close());
      queries = 0;
      const burst = await Promise.all(Array.from({ length: 200 }, () => users.find('anna')));
      const [anna] = burst;
      assert.equal(new Set(burst).size, 1);
      const [ops] = await users.groups(anna?.groups ?? []);
      // The user, his memberships, the rows of his groups.
      assert.equal(queries, 3);
      assert.equal(users.find('anna'), anna);
      assert.equal((users.groups(['Ops']) as readonly Group[])[0], ops);
      clock.advance(1_000);
      assert.equal(await users.find('anna'), anna);
      assert.equal((await users.groups(['Ops']))[0], ops);
      assert.equal((await users.all())[0], anna);
      assert.equal(await users.findCurrent('anna'), anna);
      await foreign.run('UPDATE `users` SET `password_expired` = 1');
      // Remembered for the rest of its second.
      assert.equal(users.find('anna'), anna);
      assert.equal((await users.findCurrent('anna'))?.passwordExpired, true);
      assert.equal((users.find('anna') as User).passwordExpired, true);
      await join(foreign, 'anna', 'More');
      users.forget();
      assert.deepEqual((await users.find('anna'))?.groups, ['More', 'Ops']);
      await foreign.run('DELETE FROM `users`');
      clock.advance(1_000);
      assert.equal(await users.find('anna'), undefined);
    });

    test('an unknown user costs what a known one does, and always the same', async (t) => {
      const foreign = await engine.create(t);
      const empty = await openOn(t, foreign);
      assert.equal(empty.users.decoy('nobody'), undefined);
      for (const name of ['anna', 'bert', 'carl', 'dora']) await add(foreign, name);
      await foreign.run("UPDATE `users` SET `password` = 'plain' WHERE `username` = 'anna'");
      const { users } = await openOn(t, foreign);
      const names = Array.from({ length: 50 }, (_, index) => `nobody ${index}`);
      const decoys = names.map((name) => users.decoy(name));
      assert.deepEqual(new Set(decoys), new Set(['plain', HASH]));
      assert.deepEqual(
        names.map((name) => users.decoy(name.toUpperCase())),
        decoys,
      );
      // Those who were seen since count as well.
      await empty.users.find('bert');
      assert.equal(empty.users.decoy('nobody'), HASH);
    });
  });
}
