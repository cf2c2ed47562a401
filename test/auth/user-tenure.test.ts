/** Who a user name belongs to, for sources of users that know nothing but names and may be changed by hand. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import type { User } from '../../src/auth/users/provider.js';
import { openSqlUsers } from '../../src/auth/users/sql/open-sql-users.js';
import { presentUser } from '../../src/auth/users/tenure.js';
import type { Config } from '../../src/config/types.js';
import type { ApiTokenRecord } from '../../src/store/api-tokens.js';
import { openStore } from '../../src/store/open.js';
import type { SessionRecord } from '../../src/store/sessions.js';
import { accountRules, GOOD_PASSWORD, hashOf } from '../support/account-rules.js';
import { authWorld, basic, bcryptHash } from '../support/auth-world.js';
import { sqlite, userTables } from '../support/foreign-database.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const bob = (password: string): User => ({
  username: 'bob',
  password,
  passwordExpired: false,
  groups: null,
  twoFaSendTo: '',
  totpSecret: '',
});

const apiToken = (username: string): ApiTokenRecord => ({
  username,
  prefix: 'abcdefgh',
  name: 'of a script',
  scope: 'read',
  createdAt: 0,
  expiresAt: null,
  hash: 'sha256:x',
});
let sessions = 0;
const session = (username: string): SessionRecord => ({
  id: ++sessions,
  tokenId: 't',
  username,
  issuedTo: username,
  pending: false,
  expiresAt: 1e15,
  lastAccessAt: 0,
  userAgent: '',
  ipAddress: '',
});

function world(context: TestContext) {
  const folder = tempFolder(context);
  const stores = [0, 1].map(() => openStore(folder, { log: new MemoryLogger() }));
  context.after(() => Promise.all(stores.map((store) => store.close())));
  const [store, other] = stores as [(typeof stores)[0], (typeof stores)[0]];
  const look = async (row: User | undefined, through = store): Promise<number | null> =>
    (await presentUser({ findCurrent: () => row }, through, 'bob'))?.tenure ?? null;
  return { store, other, look };
}

test('a new password makes nobody another person, nor does looking for him', async (context) => {
  const { look } = world(context);
  for (const password of ['one', 'two', 'one']) assert.equal(await look(bob(hashOf(password))), 0);
});

test('whoever has a name that was missed is another person, for every thread', async (context) => {
  const { look, other } = world(context);
  assert.equal(await look(bob(hashOf('one'))), 0);
  assert.equal(await look(undefined), null);
  assert.equal(await look(bob(hashOf('two')), other), 1);
  assert.equal(await look(bob(hashOf('two'))), 1);
  // The first one again, in his place.
  assert.equal(await look(undefined), null);
  assert.equal(await look(bob(hashOf('one'))), 2);
});

test('a row that comes back as it was is the same person, such as after a file that was empty', async (context) => {
  const { look } = world(context);
  assert.equal(await look(bob(hashOf('one'))), 0);
  assert.equal(await look(undefined), null);
  assert.equal(await look(undefined), null);
  assert.equal(await look(bob(hashOf('one'))), 0);
});

test('a password in clear proves nothing', async (context) => {
  const { look } = world(context);
  assert.equal(await look(bob('secret')), 0);
  assert.equal(await look(bob('secret')), 0);
  assert.equal(await look(undefined), null);
  assert.equal(await look(bob('secret')), 1);
});

test('another person inherits neither sessions nor API tokens, the same one keeps his', async (context) => {
  const { store, other, look } = world(context);
  const keep = async (username: string): Promise<void> => {
    await store.apiTokens.add(apiToken(username), 10);
    await store.sessions.put(session(username));
  };
  const kept = (username: string): number[] => [
    other.apiTokens.byUser(username).length,
    [...other.sessions.byUser(username)].length,
  ];
  await look(bob(hashOf('one')));
  for (const name of ['bob', 'bobby', 'al']) await keep(name);
  assert.deepEqual(store.apiTokens.usernames(), ['al', 'bob', 'bobby']);
  assert.deepEqual(store.sessions.usernames(), ['al', 'bob', 'bobby']);
  await look(bob(hashOf('two')));
  await look(undefined);
  await look(bob(hashOf('two')));
  assert.deepEqual(kept('bob'), [1, 1]);
  await look(undefined);
  await look(bob(hashOf('three')));
  assert.deepEqual(kept('bob'), [0, 0]);
  for (const name of ['bobby', 'al']) assert.deepEqual(kept(name), [1, 1]);
  // What the new one has of his own.
  await keep('bob');
  await look(bob(hashOf('three')), other);
  assert.deepEqual(kept('bob'), [1, 1]);
});

test('what was looked up before a change of users says nothing about the time after it', async (context) => {
  const { store, look } = world(context);
  assert.equal(await look(bob(hashOf('one'))), 0);
  const slow = (row: User | undefined) => ({
    async findCurrent() {
      await store.nameTenures.end('bob');
      return row;
    },
  });
  assert.equal(await presentUser(slow(undefined), store, 'bob'), null);
  assert.equal(await look(bob(hashOf('two'))), 1);
  assert.equal((await presentUser(slow(bob(hashOf('two'))), store, 'bob'))?.tenure, 2);
  assert.equal(await look(bob(hashOf('three'))), 2);
});

test('who is removed, added or renamed here has had his time with the name', async (context) => {
  const { accounts, store } = await accountRules(context);
  const tenures = (...names: readonly string[]) => names.map((name) => store.nameTenures.current(name));
  const [before = 0] = tenures('bert');
  await accounts.changeUser('bert', { password: `${GOOD_PASSWORD} too`, groups: ['Some'] });
  assert.deepEqual(tenures('bert'), [before]);
  await accounts.removeUser('bert');
  await accounts.addUser({ username: 'bert', password: GOOD_PASSWORD });
  const [second = 0] = tenures('bert');
  assert.ok(second > before);
  const [carla = 0] = tenures('carla');
  await accounts.changeUser('bert', { username: 'carla' });
  assert.ok((tenures('bert')[0] ?? 0) > second);
  assert.ok((tenures('carla')[0] ?? 0) > carla);
});

test('rows of a database that others change', async (context) => {
  const { store } = world(context);
  const foreign = await sqlite.create(context);
  const { users } = await openSqlUsers({
    config: {
      api: { ...userTables, twoFaTokenDelivery: '', totpEnabled: false },
      database: foreign.config,
    } as Config,
    clock: new ManualClock(),
    log: new MemoryLogger(),
  });
  context.after(() => users.close());
  const look = async () => (await presentUser(users, store, 'bob'))?.tenure ?? null;
  const remove = () => foreign.run('DELETE FROM `users` WHERE `username` = ?', ['bob']);
  const add = (password: string) =>
    foreign.run('INSERT INTO `users` (`username`, `password`) VALUES (?, ?)', ['bob', password]);
  await add(hashOf('one'));
  assert.equal(await look(), 0);
  await foreign.run('UPDATE `users` SET `password` = ? WHERE `username` = ?', [hashOf('two'), 'bob']);
  assert.equal(await look(), 0);
  await remove();
  assert.equal(await look(), null);
  await add(hashOf('three'));
  assert.equal(await look(), 1);
});

test('whoever has got a name by hand keeps what he makes before anybody looks', async (context) => {
  const { usersFile, users, store, login, call, clock } = await authWorld(context);
  const write = (...rows: readonly (readonly [string, string])[]): void => {
    const entries = rows.map(([username, password]) => ({ username, password: bcryptHash(password) }));
    writeFileSync(usersFile, JSON.stringify(entries));
    clock.advance(3_000);
  };
  const look = () => presentUser(users, store, 'bob');
  const sessionsOf = () => [...store.sessions.byUser('bob')].length;
  const addToken = (password: string) =>
    call({
      method: 'POST',
      url: '/api/v1/me/tokens',
      headers: { authorization: basic('bob', password) },
      body: { name: 'mine', scope: 'read' },
    });
  write(['bob', 'first']);
  assert.equal((await login('bob', 'first')).status, 200);
  assert.equal((await addToken('first')).status, 200);
  write(['anna', 'x']);
  await look();
  write(['bob', 'second']);
  assert.equal((await login('bob', 'second')).status, 200);
  assert.equal((await addToken('second')).status, 200, 'the name of the first one is free');
  await look();
  assert.deepEqual([sessionsOf(), store.apiTokens.byUser('bob').length], [1, 1]);
});
