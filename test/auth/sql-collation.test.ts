/** Databases for which `ADMIN` is `admin`: reading follows them, changes must not hit somebody else. */

import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import type { Group } from '../../src/auth/groups/group.js';
import type { User } from '../../src/auth/users/provider.js';
import { openSqlUsers } from '../../src/auth/users/sql/open-sql-users.js';
import type { Config } from '../../src/config/types.js';
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

const user = (username: string, groups: readonly string[] | null = null): User => ({
  username,
  password: 'plain',
  passwordExpired: false,
  groups,
  twoFaSendTo: '',
  totpSecret: '',
});
const group = (name: string, more: Partial<Group> = {}): Group => ({
  name,
  permissions: new Set(['vault']),
  tunnelsRestricted: null,
  commandsRestricted: null,
  ...more,
});

/** SQLite compares exactly unless told otherwise; MariaDB does the opposite. */
const nocase = (text: string, engine: Engine): string =>
  engine.name === 'SQLite'
    ? text.replaceAll(/`(username|group|name)` TEXT/g, '`$1` TEXT COLLATE NOCASE')
    : text;

async function open(t: TestContext, foreign: ForeignDatabase) {
  const config = {
    api: { ...userTables, twoFaTokenDelivery: '', totpEnabled: false },
    database: foreign.config,
  } as unknown as Config;
  const opened = await openSqlUsers({ config, clock: new ManualClock(), log: new MemoryLogger() });
  t.after(() => opened.users.close());
  return opened;
}

const tables = `
  CREATE TABLE \`users\` (\`username\` TEXT PRIMARY KEY, \`password\` TEXT, \`password_expired\` BOOLEAN DEFAULT 0);
  CREATE TABLE \`groups\` (\`username\` TEXT, \`group\` TEXT, PRIMARY KEY (\`username\`, \`group\`));
  CREATE TABLE \`group_details\` (\`name\` TEXT PRIMARY KEY, \`permissions\` TEXT)`;

for (const engine of engines) {
  const create = async (t: TestContext): Promise<ForeignDatabase> => {
    if (engine.name !== 'SQLite') return engine.create(t);
    const foreign = await engine.create(t, { empty: true });
    await foreign.run(nocase(tables, engine));
    return foreign;
  };

  describe(`${engine.name}, without regard to case`, { skip: engine.skip }, () => {
    test('users go by the spelling in the table', async (t) => {
      const foreign = await create(t);
      await foreign.run("INSERT INTO `users` (`username`, `password`) VALUES ('Anna', 'plain')");
      await foreign.run("INSERT INTO `groups` (`username`, `group`) VALUES ('ANNA', 'Ops')");
      const { users } = await open(t, foreign);
      for (const spelling of ['Anna', 'anna', 'ANNA']) {
        assert.deepEqual(await users.findCurrent(spelling), user('Anna', ['Ops']), spelling);
      }
      assert.deepEqual(await users.all(), [user('Anna', ['Ops'])]);
      assert.deepEqual(await users.groupNames(), ['Ops']);
    });

    test('two users cannot have names that are one', async (t) => {
      const { users, writes } = await open(t, await create(t));
      await writes.add(user('anna'));
      await writes.add(user('bert'));
      const title = 'Another user with this username already exists';
      await assert.rejects(writes.add(user('ANNA')), { status: 400, title });
      await assert.rejects(writes.change('bert', { username: 'ANNA' }), { status: 400, title });
      await writes.change('anna', { username: 'Anna', groups: ['Ops', 'OPS', 'ops'] });
      assert.deepEqual(await users.all(), [user('Anna', ['Ops']), user('bert')]);
      await writes.change('Anna', { username: 'ANNA' });
      assert.deepEqual(await users.findCurrent('anna'), user('ANNA', ['Ops']));
    });

    test('a user is changed under the name the provider gives him only', async (t) => {
      const { users, writes } = await open(t, await create(t));
      await writes.add(user('anna', ['Ops']));
      await assert.rejects(writes.change('ANNA', { groups: [] }), { status: 404 });
      await assert.rejects(writes.remove('ANNA'), { status: 404 });
      assert.deepEqual(await users.all(), [user('anna', ['Ops'])]);
    });

    test('an administrator stays one, whatever else his groups are spelt like', async (t) => {
      const { users, writes } = await open(t, await create(t));
      await writes.add(user('anna', ['administrators', 'Administrators']));
      assert.deepEqual((await users.findCurrent('anna'))?.groups, ['Administrators']);
      await writes.change('anna', { groups: ['ADMINISTRATORS', 'Ops', 'Administrators'] });
      assert.deepEqual((await users.findCurrent('anna'))?.groups, ['Administrators', 'Ops']);
    });

    test('rows of groups are found as the collation says, and changed under their own names only', async (t) => {
      const { users, writes } = await open(t, await create(t));
      await writes.add(user('anna', ['Administrators', 'ops']));
      await writes.putGroup(group('Ops'));
      assert.deepEqual(await users.groups(['ops']), [group('Ops')]);
      await assert.rejects(writes.putGroup(group('OPS', { permissions: new Set() })), {
        status: 400,
        title: 'The database does not tell this name from the group "Ops".',
      });
      for (const name of ['administrators', 'OPS']) await writes.removeGroup(name);
      users.forget();
      assert.deepEqual(await users.find('anna'), user('anna', ['Administrators', 'ops']));
      assert.deepEqual(await users.allGroups(), [group('Ops')]);
    });
  });
}

describe('MariaDB', { skip: engines[1]?.skip ?? false }, () => {
  const engine = engines[1] as Engine;

  test('tables of different collations and character sets work together', async (t) => {
    const foreign = await engine.create(t, { empty: true });
    await foreign.run(`
      CREATE TABLE users (username VARCHAR(50) PRIMARY KEY, password VARCHAR(99), password_expired BIT(1) DEFAULT 0)
        CHARACTER SET latin1;
      CREATE TABLE \`groups\` (username VARCHAR(50), \`group\` VARCHAR(50)) CHARACTER SET latin1 COLLATE latin1_german1_ci;
      CREATE TABLE group_details (name VARBINARY(50) PRIMARY KEY, permissions JSON)`);
    const { users, writes } = await open(t, foreign);
    await writes.add(user('ännä', ['Öps']));
    await writes.putGroup(group('Öps'));
    assert.deepEqual(await users.all(), [user('ännä', ['Öps'])]);
    assert.deepEqual(await users.groupNames(), ['Öps']);
    assert.deepEqual(await users.groups(['Öps', '😀']), [group('Öps')]);
    assert.equal(await users.findCurrent('😀'), undefined);
    await assert.rejects(writes.add(user('😀')), { status: 400 });
    await assert.rejects(writes.change('ännä', { username: '😀' }), { status: 400 });
    await writes.change('ännä', { passwordExpired: true, groups: ['Übrige'] });
    assert.deepEqual(await users.findCurrent('ännä'), { ...user('ännä', ['Übrige']), passwordExpired: true });
    await writes.removeGroup('Öps');
    await writes.remove('ännä');
    assert.deepEqual([await users.all(), await users.allGroups()], [[], []]);
  });
});

for (const engine of engines) {
  test(`${engine.name}: where only memberships ignore case, nobody has those of somebody else`, {
    skip: engine.skip,
  }, async (t) => {
    const foreign = await engine.create(t, { empty: true });
    const [exact, caseless] =
      engine.name === 'SQLite' ? ['BINARY', 'NOCASE'] : ['utf8mb4_bin', 'utf8mb4_general_ci'];
    const name = (collation: string | undefined) =>
      `\`username\` VARCHAR(50) ${engine.name === 'SQLite' ? '' : 'CHARACTER SET utf8mb4 '}COLLATE ${collation}`;
    await foreign.run(`
      CREATE TABLE \`users\` (${name(exact)} PRIMARY KEY, \`password\` TEXT, \`password_expired\` BOOLEAN DEFAULT 0);
      CREATE TABLE \`groups\` (${name(caseless)}, \`group\` VARCHAR(50));
      CREATE TABLE \`group_details\` (\`name\` VARCHAR(50) PRIMARY KEY, \`permissions\` TEXT)`);
    await foreign.run(
      "INSERT INTO `users` (`username`, `password`) VALUES ('Admin', 'plain'), ('admin', 'plain')",
    );
    await foreign.run("INSERT INTO `groups` (`username`, `group`) VALUES ('Admin', 'Administrators')");
    const { users } = await open(t, foreign);
    const expected = [user('Admin', ['Administrators']), user('admin')];
    assert.deepEqual(await users.all(), expected);
    assert.deepEqual([await users.findCurrent('Admin'), await users.findCurrent('admin')], expected);
  });
}
