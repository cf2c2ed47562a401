/** Which password is right. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import argon2 from 'argon2';
import { DEFAULT_COST } from '../../src/vault/derive-key.js';
import { keyFor, makeVault } from '../../src/vault/key-check.js';
import type { ImportedVault } from '../../src/vault/status.js';

const cheap = { memoryKib: 1024, passes: 1, lanes: 1 };

test('a new vault opens with its password, and the key is argon2id of it', async () => {
  const { status, key } = await makeVault('pass1', cheap);
  assert.equal(status.format, 'tideway-1');
  assert.deepEqual(await keyFor(status, 'pass1'), key);
  const derived = await argon2.hash('pass1', {
    type: argon2.argon2id,
    raw: true,
    salt: Buffer.from(status.salt, 'base64'),
    hashLength: 32,
    memoryCost: 1024,
    timeCost: 1,
    parallelism: 1,
  });
  assert.deepEqual(derived, key);
  for (const wrong of ['pass2', 'PASS1', 'pass1 ', '']) assert.equal(await keyFor(status, wrong), null);
});

test('two vaults of one password have different salts and keys', async () => {
  const [one, other] = await Promise.all([makeVault('pass1', cheap), makeVault('pass1', cheap)]);
  assert.notEqual(one.status.salt, other.status.salt);
  assert.notDeepEqual(one.key, other.key);
});

test('a vault whose salt, cost or check was changed does not open', async () => {
  const { status } = await makeVault('pass1', cheap);
  const { status: foreign } = await makeVault('pass1', cheap);
  const changed = [
    { ...status, salt: foreign.salt },
    { ...status, cost: { ...cheap, passes: 2 } },
    { ...status, check: foreign.check },
    { ...status, check: '' },
  ];
  for (const one of changed) assert.equal(await keyFor(one, 'pass1'), null);
});

test('by default a key costs 64 MiB, and the event loop goes on meanwhile', async () => {
  assert.deepEqual(DEFAULT_COST, { memoryKib: 65_536, passes: 3, lanes: 1 });
  let turns = 0;
  let done = false;
  const count = (): void => {
    turns += 1;
    if (!done) setImmediate(count);
  };
  count();
  await makeVault('pass1');
  done = true;
  assert.ok(turns > 10, `${turns} turns`);
});

test('an imported vault opens with the check of the reference', async () => {
  const status: ImportedVault = {
    format: 'rportd',
    check: 'AAECAwQFBgcICQoLOA1Of8Tx2GU0T+7eeda1igl3Cl/cB7qt97mg',
  };
  assert.equal(
    (await keyFor(status, 'pass1'))?.toString('hex'),
    'e6c3da5b206634d7f3f3586d747ffdb36b5c675757b380c6a5fe5c570c714349',
  );
  assert.equal(await keyFor(status, 'pass2'), null);
});
