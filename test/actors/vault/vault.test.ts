/** The actor that has the key, over a real store. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { spawnVault } from '../../../src/actors/vault/behavior.js';
import { KeyHolder } from '../../../src/actors/vault/key-holder.js';
import { vaultRef } from '../../../src/actors/vault/messages.js';
import { remoteVault } from '../../../src/actors/vault/remote-vault.js';
import { openStore } from '../../../src/store/open.js';
import { openTables } from '../../../src/store/tables.js';
import type { VaultRow } from '../../../src/store/vault.js';
import type { VaultInput } from '../../../src/vault/entry.js';
import { createVaultList } from '../../../src/vault/list.js';
import { importedSeal } from '../../../src/vault/seal.js';
import type { ImportedVault } from '../../../src/vault/status.js';
import { refusals } from '../../support/account-rules.js';
import { loneSystem } from '../../support/actor-system.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

const anna = { username: 'anna', groups: ['ops'] };
const input = (key: string, value = `secret of ${key}`): VaultInput => ({
  clientId: '',
  requiredGroup: '',
  key,
  value,
  type: 'text',
});
/** Password `pass1`: the first vector of spec 03 §11.2. */
const CHECK = 'AAECAwQFBgcICQoLOA1Of8Tx2GU0T+7eeda1igl3Cl/cB7qt97mg';
const imported: ImportedVault = { format: 'rportd', check: CHECK };
const at = '2026-01-01T00:00:00Z';

const rowsOf = (count: number): VaultRow[] =>
  Array.from({ length: count }, (_, index) => ({
    entry: {
      id: index + 1,
      clientId: `client-${index % 100}`,
      requiredGroup: '',
      key: `key ${index}`,
      type: 'text',
      createdAt: at,
      createdBy: 'anna',
      updatedAt: at,
      updatedBy: null,
    },
    sealed: importedSeal(CHECK),
  }));

function world(t: TestContext) {
  const folder = tempFolder(t);
  const log = new MemoryLogger();
  const { system, clock } = loneSystem();
  const store = openStore(folder, { log });
  spawnVault(system, { store, clock, log });
  t.after(async () => {
    await system.shutdown();
    await store.close();
  });
  return { folder, log, system, clock, store, vault: remoteVault(system) };
}

test('a key that is dropped, or replaced, is overwritten', () => {
  const holder = new KeyHolder();
  const [first, second] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
  holder.hold(first);
  holder.hold(second);
  assert.deepEqual([first, holder.key], [Buffer.alloc(32), second]);
  holder.drop();
  assert.deepEqual([second, holder.key], [Buffer.alloc(32), null]);
});

test('a change whose transaction comes after a lock is refused and writes nothing', async (t) => {
  const { vault, store } = world(t);
  await vault.init('pass1');
  await vault.add(input('a'), anna);
  const [added, replaced, removed] = [
    vault.add(input('b'), anna),
    vault.replace(1, input('c'), anna),
    vault.remove(1, anna),
  ].map(refusals);
  await vault.lock();
  for (const change of [added, replaced, removed]) assert.deepEqual(await change, ['409 vault is locked']);
  assert.deepEqual(
    [...store.vault.entries()].map(({ key }) => key),
    ['a'],
  );
});

test('sealed values that were swapped in the store, or opened to another group, do not open', async (t) => {
  const { vault, folder } = world(t);
  await vault.init('pass1');
  await vault.add(input('a'), anna);
  await vault.add({ ...input('b'), requiredGroup: 'dev' }, anna);
  const tables = openTables(folder);
  t.after(() => tables.root.close());
  const [one, two] = [tables.vaultSealed.get(1), tables.vaultSealed.get(2)];
  assert.ok(one && two);
  await tables.vaultSealed.put(1, two);
  assert.match(String(await refusals(vault.read(1, anna))), /^500 the value cannot be decrypted/);
  assert.match(String(await refusals(vault.read(2, anna))), /^403/);
  await tables.vaultEntries.put(2, (tables.vaultEntries.get(2) ?? '').replace('"dev"', '"ops"'));
  assert.match(String(await refusals(vault.read(2, anna))), /^500 the value cannot be decrypted/);
});

test('while passwords have to wait the right one is not looked at either', async (t) => {
  const { vault, clock } = world(t);
  await vault.init('pass1');
  await vault.lock();
  for (let times = 0; times < 5; times += 1) {
    assert.deepEqual(await refusals(vault.unlock(times % 2 === 0 ? '' : 'pass2')), [
      '401 wrong password provided',
    ]);
  }
  const refused = await vault.unlock('pass1').catch((error) => error);
  assert.deepEqual([refused.status, refused.retryAfterSeconds], [429, 1]);
  clock.advance(1_000);
  await vault.unlock('pass1');
  await vault.lock();
  assert.deepEqual(
    await refusals(vault.unlock('pass2')),
    ['401 wrong password provided'],
    'a success forgets them',
  );
});

test('a crowd that unlocks is bounded, and does not hold up the others', async (t) => {
  const { vault } = world(t);
  await vault.init('pass1');
  const crowd = Array.from({ length: 30 }, () => vault.unlock('pass1').catch((error) => error.status));
  assert.deepEqual(await vault.state(), { init: 'setup-completed', status: 'unlocked' });
  await vault.add(input('a'), anna);
  const statuses = await Promise.all(crowd);
  assert.equal(statuses.filter((status) => status === 409).length, 20);
  assert.equal(statuses.filter((status) => status === 503).length, 10);
});

test('neither values nor passwords are logged, and refusals are not', async (t) => {
  const { vault, log } = world(t);
  await refusals(vault.init('abc'));
  await vault.init('pass1-secret');
  await vault.add(input('a', 'the-secret'), anna);
  await refusals(vault.add(input('a', 'the-secret'), anna));
  await vault.lock();
  await refusals(vault.unlock('wrong-secret'));
  assert.deepEqual(log.lines, [
    'info: initialized and unlocked',
    'info: locked',
    'info: wrong password, 1 in a row',
  ]);
});

test('a vault is full at 10 000 values, and its list is made in turns', async (t) => {
  const { vault, store } = world(t);
  await store.vault.importVault(imported, rowsOf(10_000), 10_001);
  await vault.unlock('pass1');
  assert.deepEqual(await refusals(vault.add(input('one more'), anna)), [
    '409 the vault is full, it has 10000 values',
  ]);
  await vault.remove(5, anna);
  assert.equal((await vault.add(input('one more'), anna)).id, 10_001);
  assert.equal((await vault.read(10_000, anna)).value, 'hello vault');

  const { list } = createVaultList(store.vault);
  const options = { sorts: [], filters: [], fields: {}, offset: 0, limit: Number.MAX_SAFE_INTEGER };
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns += 1;
    if (!done) setImmediate(count);
  };
  count();
  const sorted = { ...options, sorts: [{ column: 'key', descending: true }] };
  const [all, byKey] = (await Promise.all([list(options), list(sorted)])).map(
    (text) => JSON.parse(text) as { id: number; key: string }[],
  );
  done = true;
  assert.ok(all && byKey);
  assert.deepEqual([all.length, all[0]?.id, all.at(-1)?.id], [10_000, 1, 10_001]);
  assert.deepEqual([byKey.length, byKey[0]?.key], [10_000, 'one more']);
  // The texts of 500 rows are one turn; reading and sorting take more, by time.
  assert.ok(turns >= 40, `${turns} turns`);
});

test('the key is dropped when the server stops', async (t) => {
  const { vault, system } = world(t);
  await vault.init('pass1');
  await system.stop(vaultRef);
  assert.match(String(await refusals(vault.state())), /^404 the vault cannot be used at the moment/);
});
