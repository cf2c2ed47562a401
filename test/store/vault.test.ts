/** Tables of the vault: ids, keys, and what a transaction decides. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { openTables } from '../../src/store/tables.js';
import type { NewVaultEntry, VaultRow } from '../../src/store/vault.js';
import type { VaultEntry } from '../../src/vault/entry.js';
import type { CurrentVault, ImportedVault } from '../../src/vault/status.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const status: CurrentVault = {
  format: 'tideway-1',
  salt: 'c2FsdA==',
  cost: { memoryKib: 1024, passes: 1, lanes: 1 },
  check: 'Y2hlY2s=',
};
const imported: ImportedVault = { format: 'rportd', check: 'Y2hlY2s=' };
const at = '2026-01-01T00:00:00Z';
const draft = (key: string, clientId = ''): NewVaultEntry => ({
  clientId,
  requiredGroup: '',
  key,
  type: 'text',
  createdAt: at,
  createdBy: 'anna',
  updatedAt: at,
  updatedBy: 'anna',
});
const sealed = ({ id, key }: VaultEntry): Buffer => Buffer.from(`${id} ${key}`);
const always = (): boolean => true;
const change = ({ clientId, requiredGroup, key, type }: NewVaultEntry) => ({
  clientId,
  requiredGroup,
  key,
  type,
  updatedAt: '2026-02-02T00:00:00Z',
  updatedBy: 'ben',
});

function opened(t: TestContext): { store: Store; folder: string; log: MemoryLogger } {
  const folder = tempFolder(t);
  const log = new MemoryLogger();
  const store = openStore(folder, { log });
  t.after(() => store.close());
  return { store, folder, log };
}

const add = async (store: Store, key: string, clientId = '', most = 100): Promise<number | string> => {
  const result = await store.vault.add(draft(key, clientId), sealed, most);
  return result.kind === 'stored' ? result.entry.id : result.kind;
};
const ids = (store: Store): number[] => [...store.vault.entries()].map(({ id }) => id);

test('there is one vault', async (t) => {
  const { store } = opened(t);
  assert.equal(store.vault.status(), undefined);
  const begun = await Promise.all([
    store.vault.init(status),
    store.vault.importVault(imported, [], 1),
    store.vault.init(status),
  ]);
  assert.deepEqual(begun, [true, false, false]);
  assert.deepEqual(store.vault.status(), status);
});

test('ids count up and are never used again, also after a restart', async (t) => {
  const { store, folder } = opened(t);
  await store.vault.init(status);
  assert.deepEqual([await add(store, 'a'), await add(store, 'b'), await add(store, 'c')], [1, 2, 3]);
  assert.equal((await store.vault.remove(3, always, () => false)).kind, 'removed');
  assert.equal(await add(store, 'c'), 4);
  assert.equal((await store.vault.remove(4, always, () => false)).kind, 'removed');
  await store.close();
  const again = openStore(folder, { log: new MemoryLogger() });
  t.after(() => again.close());
  assert.equal(await add(again, 'd'), 5);
  assert.deepEqual(ids(again), [1, 2, 5]);
  assert.equal(again.vault.count(), 3);
});

test('a key is unique among those of one client id, also in a race', async (t) => {
  const { store, folder } = opened(t);
  const other = openStore(folder, { log: new MemoryLogger() });
  t.after(() => other.close());
  await store.vault.init(status);
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, turn) => add(turn % 2 === 0 ? store : other, 'k', 'c')),
  );
  assert.equal(all.filter((one) => typeof one === 'number').length, 1);
  assert.equal(all.filter((one) => one === 'key_taken').length, 19);
  // Neither side can be made to look like the other.
  assert.equal(typeof (await add(store, '', 'ck')), 'number');
  assert.equal(typeof (await add(store, 'ck', '')), 'number');
  assert.equal(typeof (await add(store, 'k'.repeat(5_000), 'c'.repeat(5_000))), 'number');
});

test('a value that is replaced keeps its id and who made it, and gives its old key back', async (t) => {
  const { store } = opened(t);
  await store.vault.init(status);
  await add(store, 'a');
  await add(store, 'b');
  const taken = await store.vault.replace(1, change(draft('b')), always, sealed);
  assert.equal(taken.kind, 'key_taken');
  assert.equal((await store.vault.replace(1, change(draft('a')), always, sealed)).kind, 'stored');
  assert.equal((await store.vault.replace(1, change(draft('z')), always, sealed)).kind, 'stored');
  assert.deepEqual(store.vault.get(1), {
    entry: { ...draft('z'), id: 1, updatedAt: '2026-02-02T00:00:00Z', updatedBy: 'ben' },
    sealed: Buffer.from('1 z'),
  });
  assert.equal(await add(store, 'a'), 3);
  assert.equal(await add(store, 'z'), 'key_taken');
});

test('what may not be, or comes too late, changes nothing', async (t) => {
  const { store } = opened(t);
  await store.vault.init(status);
  await add(store, 'a');
  const never = (): boolean => false;
  assert.equal((await store.vault.replace(1, change(draft('b')), never, sealed)).kind, 'forbidden');
  assert.equal((await store.vault.replace(1, change(draft('b')), always, () => null)).kind, 'locked');
  assert.equal((await store.vault.remove(1, never, () => false)).kind, 'forbidden');
  assert.equal((await store.vault.remove(1, always, () => true)).kind, 'locked');
  assert.equal((await store.vault.add(draft('b'), () => null, 100)).kind, 'locked');
  assert.equal(await add(store, 'b', '', 1), 'full');
  for (const id of [2, 0, -1, 1.5, Number.NaN, 1e300]) {
    assert.equal(store.vault.get(id), undefined);
    assert.equal((await store.vault.replace(id, change(draft('b')), always, sealed)).kind, 'missing');
    assert.equal((await store.vault.remove(id, always, () => false)).kind, 'missing');
  }
  assert.deepEqual([...store.vault.entries()], [{ ...draft('a'), id: 1 }]);
  assert.equal(await add(store, 'b'), 2);
});

test('a long list is read piece by piece, whatever changes meanwhile', async (t) => {
  const { store } = opened(t);
  const rows: VaultRow[] = Array.from({ length: 1_700 }, (_, index) => {
    const entry = { ...draft(`k${index}`), id: 2 * index + 1 };
    return { entry, sealed: sealed(entry) };
  });
  assert.equal(await store.vault.importVault(imported, rows, 4_000), true);
  const seen: number[] = [];
  for (const { id } of store.vault.entries()) {
    seen.push(id);
    if (id === 1) await store.vault.remove(3_001, always, () => false);
  }
  assert.deepEqual(
    seen,
    rows.map(({ entry }) => entry.id).filter((id) => id !== 3_001),
  );
  assert.equal(await add(store, 'new', '', 2_000), 4_000);
});

test('only the vault that was read is upgraded', async (t) => {
  const { store } = opened(t);
  const entry = { ...draft('a'), id: 3 };
  await store.vault.importVault(imported, [{ entry, sealed: Buffer.from('old') }], 4);
  const resealed = [{ id: 3, sealed: Buffer.from('new') }];
  assert.equal(await store.vault.upgrade({ ...imported, check: 'eA==' }, status, resealed), false);
  assert.deepEqual(store.vault.get(3)?.sealed, Buffer.from('old'));
  assert.equal(await store.vault.upgrade(imported, status, resealed), true);
  assert.deepEqual(store.vault.get(3), { entry, sealed: Buffer.from('new') });
  assert.deepEqual(store.vault.status(), status);
  assert.equal(await store.vault.upgrade(imported, status, resealed), false);
});

test('rows that cannot be read open nothing', async (t) => {
  const { store, folder, log } = opened(t);
  await store.vault.init(status);
  await add(store, 'a');
  await add(store, 'b');
  const tables = openTables(folder);
  t.after(() => tables.root.close());
  // Without its group it would be everybody's.
  const { requiredGroup: _, ...open } = { ...draft('a'), id: 1 };
  await tables.vaultEntries.put(1, JSON.stringify(open));
  assert.deepEqual(ids(store), [2]);
  assert.equal(store.vault.get(1), undefined);
  assert.match(log.lines.join('\n'), /vault value 1: the row is unreadable/);
  for (const text of ['', '{}', JSON.stringify({ ...status, cost: { ...status.cost, memoryKib: 1e9 } })]) {
    await tables.vault.put('status', text);
    assert.throws(() => store.vault.status(), /unreadable/);
    assert.equal(await store.vault.init(status), false);
  }
});
