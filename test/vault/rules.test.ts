/** Passwords, values, waits, and times of foreign files. Spec 03 §11.3, §11.4 and §14. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError, AppErrorList } from '../../src/errors.js';
import { checkInput, checkNewPassword } from '../../src/vault/check-input.js';
import type { VaultInput } from '../../src/vault/entry.js';
import { foreignInstant } from '../../src/vault/foreign-instant.js';
import { WrongPasswords } from '../../src/vault/wrong-passwords.js';

const input: VaultInput = { clientId: '', requiredGroup: '', key: 'k', value: 'v', type: 'text' };

function titles(changes: Partial<VaultInput>): readonly string[] {
  try {
    checkInput({ ...input, ...changes });
    return [];
  } catch (error) {
    assert.ok(error instanceof AppErrorList);
    return error.errors.map(({ status, title }) => `${status} ${title}`);
  }
}

test('a password has 4 to 32 bytes', () => {
  for (const password of ['abcd', 'a'.repeat(32), 'éé', 'é'.repeat(16), '🔑']) checkNewPassword(password);
  const refusals = [
    ['', 'short, expected length is 4 bytes, provided length is 0 bytes'],
    ['abc', 'short, expected length is 4 bytes, provided length is 3 bytes'],
    ['é', 'short, expected length is 4 bytes, provided length is 2 bytes'],
    ['a'.repeat(33), 'long, expected length is 32 bytes, provided length is 33 bytes'],
    ['é'.repeat(17), 'long, expected length is 32 bytes, provided length is 34 bytes'],
  ] as const;
  for (const [password, text] of refusals) {
    assert.throws(
      () => checkNewPassword(password),
      (error) => error instanceof AppError && error.title === `password is too ${text}`,
    );
  }
});

test('everything that is wrong with a value is said at once', () => {
  for (const type of ['text', 'secret', 'markdown', 'string']) assert.deepEqual(titles({ type }), []);
  assert.deepEqual(titles({ key: '', value: '', type: '' }), [
    '400 key is required',
    '400 value is required',
    '400 value type is required',
  ]);
  assert.deepEqual(titles({ type: 'Text' }), ['400 unknown or invalid value value type Text']);
});

test('texts and values are bounded, in bytes', () => {
  assert.deepEqual(
    titles({ key: 'é'.repeat(256), clientId: 'c'.repeat(512), value: 'v'.repeat(65_536) }),
    [],
  );
  assert.deepEqual(
    titles({ key: 'é'.repeat(257), requiredGroup: 'g'.repeat(513), value: 'v'.repeat(65_537) }),
    [
      '400 key is too long, maximum is 512 bytes, provided length is 514 bytes',
      '400 required_group is too long, maximum is 512 bytes, provided length is 513 bytes',
      '400 value is too long, maximum is 65536 bytes, provided length is 65537 bytes',
    ],
  );
});

test('after five wrong passwords each one makes the next wait longer, up to a minute', () => {
  const wrong = new WrongPasswords();
  let now = 1_000_000;
  const waits: number[] = [];
  for (let times = 0; times < 13; times += 1) {
    assert.equal(wrong.waitLeft(now), 0);
    wrong.failed(now);
    const wait = wrong.waitLeft(now);
    waits.push(wait / 1000);
    if (wait > 0) assert.equal(wrong.waitLeft(now + wait - 1), 1);
    now += wait;
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60]);
  wrong.failed(now);
  assert.equal(wrong.waitLeft(now - 3_600_000), 60_000, 'a clock set back does not make it longer');
  wrong.succeeded();
  assert.equal(wrong.waitLeft(now), 0);
});

test('wrong passwords are forgotten after an hour', () => {
  const wrong = new WrongPasswords();
  for (let times = 0; times < 5; times += 1) wrong.failed(0);
  wrong.failed(3_600_001);
  assert.deepEqual([wrong.inARow, wrong.waitLeft(3_600_001)], [1, 0]);
});

test('times of the reference become UTC in whole seconds', () => {
  const times = [
    ['2025-02-02T10:00:00+01:00', '2025-02-02T09:00:00Z'],
    ['2025-02-02 10:00:00.123456789-05:30', '2025-02-02T15:30:00Z'],
    ['2025-02-02T10:00:00Z', '2025-02-02T10:00:00Z'],
    ['2025-02-02 10:00', '2025-02-02T10:00:00Z'],
    ['yesterday', '0001-01-01T00:00:00Z'],
    ['', '0001-01-01T00:00:00Z'],
  ] as const;
  for (const [text, expected] of times) assert.equal(foreignInstant(text), expected, text);
});
