/** Names others vouch for, in databases that take different names for one. Spec 02 §7.5. */

import assert from 'node:assert/strict';
import { after, type TestContext, test } from 'node:test';
import { isVouchedName } from '../../src/auth/vouched-name.js';
import { authWorld } from '../support/auth-world.js';
import { mariadb, sqlite, stopMariadb, userTables } from '../support/foreign-database.js';

after(stopMariadb);

const PROXY = '10.0.0.1';

async function world(t: TestContext, engine: typeof mariadb | typeof sqlite, createMissingUsers: boolean) {
  const foreign = await engine.create(t);
  if (engine.name === 'SQLite') {
    await foreign.run('DROP TABLE `users`');
    await foreign.run(
      'CREATE TABLE `users` (`username` TEXT COLLATE NOCASE PRIMARY KEY, `password` TEXT, `password_expired` BOOLEAN)',
    );
  }
  await foreign.run("INSERT INTO `users` (`username`, `password`) VALUES ('admin', 'x')");
  await foreign.run("INSERT INTO `groups` (`username`, `group`) VALUES ('admin', 'Administrators')");
  const { call, users, clock } = await authWorld(t, {
    database: foreign.config,
    api: {
      ...userTables,
      authHeader: 'X-Authenticated',
      userHeader: 'X-User',
      trustedProxies: [PROXY],
      createMissingUsers,
      defaultUserGroup: 'Guests',
    },
  });
  const login = async (name: string): Promise<number> => {
    // As UTF-8, which headers are read as.
    const headers = { 'x-authenticated': 'yes', 'x-user': name };
    return (await call({ url: '/api/v1/login', headers, remoteAddress: PROXY })).status;
  };
  return { login, users, clock };
}

test('letter case is all in which a vouched name may differ from the user', () => {
  for (const [vouched, stored] of [
    ['admin', 'admin'],
    ['ADMIN', 'admin'],
    ['Änne', 'änne'],
  ] as const) {
    assert.ok(isVouchedName(vouched, stored), vouched);
  }
  for (const [vouched, stored] of [
    ['ádmin', 'admin'],
    ['admin ', 'admin'],
    ['strasse', 'straße'],
    ['STRASSE', 'straße'],
    ['\u212Aai', 'kai'],
    ['\u212Aai', 'Kai'],
    ['\u017Fam', 'sam'],
    ['a\u0301nne', '\u00e1nne'],
  ] as const) {
    assert.ok(!isVouchedName(vouched, stored), vouched);
  }
});

test('the user of another spelling logs in where the database takes them for one', async (t) => {
  const { login } = await world(t, sqlite, false);
  assert.equal(await login('ADMIN'), 200);
  assert.equal(await login('nobody'), 401);
});

for (const createMissingUsers of [false, true]) {
  const how = createMissingUsers ? 'when missing users are created' : 'when they are not';
  test(`nobody becomes the user of a similar name, ${how}`, { skip: mariadb.skip }, async (t) => {
    const { login, users, clock } = await world(t, mariadb, createMissingUsers);
    assert.equal((await users.findCurrent('ádmin'))?.username, 'admin', 'the database takes it for him');
    assert.equal(await login('ádmin'), 401);
    clock.advance(3_000);
    assert.equal(await login('Admin'), 200);
    assert.deepEqual(
      (await users.all()).map(({ username }) => username),
      ['admin'],
    );
  });
}
