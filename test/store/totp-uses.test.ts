/** Codes of authenticator apps that were used. Spec 02 §9.3. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import { openTables } from '../../src/store/tables.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const MINUTE = 60_000;

test('the last use of each app is kept over a restart, as long as it matters', async (t) => {
  const folder = tempFolder(t);
  const open = () => openStore(folder, { log: new MemoryLogger() });
  const before = open();
  assert.equal(before.totpUses.lastStep('one'), undefined);
  await before.totpUses.put({ key: 'one', step: 1, until: MINUTE }, 0);
  await before.totpUses.put({ key: 'one', step: 2, until: 2 * MINUTE }, 0);
  await before.totpUses.put({ key: 'two', step: 7, until: 3 * MINUTE }, 0);
  await before.close();

  const after = open();
  assert.equal(after.totpUses.lastStep('one'), 2);
  await after.totpUses.put({ key: 'three', step: 9, until: 4 * MINUTE }, 2 * MINUTE);
  assert.equal(after.totpUses.lastStep('one'), undefined, 'the code is too old by now');
  assert.equal(after.totpUses.lastStep('two'), 7);
  await after.close();

  const { root, totpUses } = openTables(folder);
  assert.deepEqual([...totpUses.getKeys()].sort(), ['three', 'two']);
  await root.close();
});

test('a damaged row keeps nobody out, and goes with the next use', async (t) => {
  const folder = tempFolder(t);
  const tables = openTables(folder);
  for (const [key, text] of Object.entries({ a: 'x', b: 'null', c: '{"step":"1"}', d: '[]' })) {
    await tables.totpUses.put(key, text);
  }
  await tables.root.close();
  const store = openStore(folder, { log: new MemoryLogger() });
  for (const key of ['a', 'b', 'c', 'd']) assert.equal(store.totpUses.lastStep(key), undefined);
  await store.totpUses.put({ key: 'a', step: 1, until: MINUTE }, 0);
  assert.equal(store.totpUses.lastStep('a'), 1);
  await store.close();
  const { root, totpUses } = openTables(folder);
  assert.deepEqual([...totpUses.getKeys()], ['a']);
  await root.close();
});
