/** What belongs to a user in the store goes, and moves, with him. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ApiTokenRecord } from '../../src/store/api-tokens.js';
import { openStore } from '../../src/store/open.js';
import type { SessionRecord } from '../../src/store/sessions.js';
import type { Store } from '../../src/store/store.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { withTempFolder } from '../support/temp-folder.js';

const withStore = (use: (store: Store) => Promise<void>): Promise<void> =>
  withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger() });
    try {
      await use(store);
    } finally {
      await store.close();
    }
  });

const session = (id: number, username: string): SessionRecord => ({
  id,
  tokenId: `t-${id}`,
  username,
  issuedTo: username,
  pending: false,
  expiresAt: 1000,
  lastAccessAt: 1,
  userAgent: 'curl',
  ipAddress: '127.0.0.1',
});

const token = (username: string, prefix: string, name = prefix): ApiTokenRecord => ({
  username,
  prefix,
  name,
  scope: 'read',
  createdAt: 1,
  expiresAt: null,
  hash: 'sha256:x',
});

const ids = (store: Store, username: string): number[] =>
  [...store.sessions.byUser(username)].map(({ id }) => id);
const prefixes = (store: Store, username: string): string[] =>
  store.apiTokens.byUser(username).map(({ prefix }) => prefix);

test('sessions of a user end together, those of others stay', async () => {
  await withStore(async (store) => {
    for (const [id, name] of [
      [1, 'ann'],
      [2, 'anna'],
      [3, 'anna'],
      [4, 'annabel'],
    ] as const) {
      await store.sessions.put(session(id, name));
    }
    await store.sessions.removeUser('anna');
    assert.deepEqual(
      [1, 2, 3, 4].map((id) => store.sessions.get(id) !== undefined),
      [true, false, false, true],
    );
    assert.deepEqual([ids(store, 'ann'), ids(store, 'anna'), ids(store, 'annabel')], [[1], [], [4]]);
    await store.sessions.removeUser('nobody');
    await store.sessions.removeUser('\0');
    assert.deepEqual(ids(store, 'ann'), [1]);
  });
});

test('a session is removed for its owner only', async () => {
  await withStore(async (store) => {
    await store.sessions.put(session(1, 'anna'));
    await store.sessions.removeOf('bert', 1);
    assert.deepEqual(ids(store, 'anna'), [1]);
    await store.sessions.removeOf('anna', 1);
    assert.deepEqual([store.sessions.get(1), ids(store, 'anna')], [undefined, []]);
  });
});

test('a rename moves the sessions and keeps the name in their tokens', async () => {
  await withStore(async (store) => {
    await store.sessions.put(session(1, 'anna'));
    await store.sessions.put(session(2, 'left over'));
    await store.sessions.renameUser('anna', 'left over');
    assert.deepEqual(store.sessions.get(1), { ...session(1, 'anna'), username: 'left over' });
    assert.equal(store.sessions.get(2), undefined, 'what the name had before is nobody’s');
    assert.deepEqual([ids(store, 'anna'), ids(store, 'left over')], [[], [1]]);
    await store.sessions.renameUser('left over', 'left over');
    assert.deepEqual(ids(store, 'left over'), [1]);
    await assert.rejects(store.sessions.renameUser('left over', '\0'), { status: 400 });
    assert.deepEqual(ids(store, 'left over'), [1]);
  });
});

test('a use during a rename keeps the new owner', async () => {
  await withStore(async (store) => {
    await store.sessions.put(session(1, 'anna'));
    const use = { expiresAt: 5000, lastAccessAt: 2, userAgent: 'b', ipAddress: '::1' };
    await Promise.all([store.sessions.renameUser('anna', 'berta'), store.sessions.touch(1, use)]);
    assert.deepEqual(store.sessions.get(1), { ...session(1, 'anna'), ...use, username: 'berta' });
  });
});

test('names of API tokens are unique per user, also among those made side by side', async () => {
  await withStore(async (store) => {
    const add = (prefix: string, name: string, username = 'anna') =>
      store.apiTokens.add(token(username, prefix, name), 3);
    assert.deepEqual(
      await Promise.all([add('aaaaaaaa', 'ci'), add('bbbbbbbb', 'ci'), add('cccccccc', 'ci', 'bert')]),
      ['added', 'name_taken', 'added'],
    );
    assert.equal(await add('aaaaaaaa', 'other'), 'prefix_taken');
    assert.deepEqual(await Promise.all(['1', '2', '3'].map((name) => add(`0000000${name}`, name))), [
      'added',
      'added',
      'too_many',
    ]);
    assert.deepEqual(prefixes(store, 'anna'), ['00000001', '00000002', 'aaaaaaaa']);
    assert.deepEqual(prefixes(store, 'bert'), ['cccccccc']);
    assert.deepEqual(store.apiTokens.get('anna', 'aaaaaaaa'), token('anna', 'aaaaaaaa', 'ci'));
    assert.equal(store.apiTokens.get('bert', 'aaaaaaaa'), undefined);
    await assert.rejects(add('dddddddd', 'x', '\0'), { status: 400 });
  });
});

test('a change keeps what it does not name', async () => {
  await withStore(async (store) => {
    const { apiTokens } = store;
    await apiTokens.add(token('anna', 'aaaaaaaa', 'one'), 10);
    await apiTokens.add(token('anna', 'bbbbbbbb', 'two'), 10);
    assert.equal(await apiTokens.change('anna', 'aaaaaaaa', { expiresAt: 5 }), 'changed');
    assert.equal(await apiTokens.change('anna', 'aaaaaaaa', { name: 'two' }), 'name_taken');
    assert.equal(await apiTokens.change('anna', 'aaaaaaaa', { name: 'one' }), 'changed');
    assert.equal(await apiTokens.change('anna', 'cccccccc', { name: 'x' }), 'missing');
    assert.equal(await apiTokens.change('bert', 'aaaaaaaa', { name: 'x' }), 'missing');
    assert.deepEqual(apiTokens.get('anna', 'aaaaaaaa'), {
      ...token('anna', 'aaaaaaaa', 'one'),
      expiresAt: 5,
    });
    assert.deepEqual(
      [await apiTokens.remove('bert', 'aaaaaaaa'), await apiTokens.remove('anna', 'aaaaaaaa')],
      [false, true],
    );
    assert.deepEqual(prefixes(store, 'anna'), ['bbbbbbbb']);
  });
});

test('API tokens go and move with their user', async () => {
  await withStore(async ({ apiTokens }) => {
    for (const name of ['ann', 'anna', 'annabel']) await apiTokens.add(token(name, 'aaaaaaaa'), 10);
    await apiTokens.add(token('anna', 'bbbbbbbb'), 10);
    await apiTokens.renameUser('anna', 'annabel');
    assert.deepEqual(apiTokens.byUser('anna'), []);
    assert.deepEqual(apiTokens.byUser('annabel'), [
      token('annabel', 'aaaaaaaa'),
      token('annabel', 'bbbbbbbb'),
    ]);
    await apiTokens.removeUser('annabel');
    assert.deepEqual(apiTokens.byUser('annabel'), []);
    assert.equal(apiTokens.byUser('ann').length, 1);
  });
});
