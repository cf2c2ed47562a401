/** The formats of sealed values. Spec 03 §11.2 and §15.9 item 3. */

import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { test } from 'node:test';
import { importedKey } from '../../src/vault/derive-key.js';
import type { VaultTexts } from '../../src/vault/entry.js';
import {
  importedSeal,
  open,
  openImported,
  placeOf,
  SEAL_BYTES,
  seal,
  UnsealError,
} from '../../src/vault/seal.js';

const texts: VaultTexts = { clientId: 'web-7', requiredGroup: '', key: 'db', type: 'secret' };
const key = importedKey('a password');
const other = importedKey('another password');

test('the key of an imported vault is that of the reference', () => {
  assert.equal(
    importedKey('pass1').toString('hex'),
    'e6c3da5b206634d7f3f3586d747ffdb36b5c675757b380c6a5fe5c570c714349',
  );
});

test('both vectors of the reference open with its key, and with no other', () => {
  const vectors = [
    ['AAECAwQFBgcICQoLOA1Of8Tx2GU0T+7eeda1igl3Cl/cB7qt97mg', 'hello vault'],
    ['C+mOuOOMJRirtcNIE5xY+uPbxBO+ZE1Ls5L42uQA', 'vv'],
  ] as const;
  for (const [text, plain] of vectors) {
    assert.equal(openImported(importedKey('pass1'), importedSeal(text)), plain);
    assert.throws(() => openImported(importedKey('pass2'), importedSeal(text)), UnsealError);
  }
});

test('what is sealed opens again, whatever text it is', () => {
  for (const value of ['x', 'zażółć gęślą jaźń 🔑', '\u0000', 'line\nline', 'a'.repeat(64 * 1024)]) {
    const sealed = seal(key, placeOf(1, texts), value);
    assert.equal(sealed.length, Buffer.byteLength(value) + SEAL_BYTES);
    assert.equal(open(key, placeOf(1, texts), sealed), value);
  }
});

test('no value is sealed the same way twice', () => {
  const all = new Set(
    Array.from({ length: 100 }, () => seal(key, placeOf(1, texts), 'same').toString('hex')),
  );
  assert.equal(all.size, 100);
});

test('a sealed value opens with its key and in its place only', () => {
  const sealed = seal(key, placeOf(7, texts), 'secret');
  assert.throws(() => open(other, placeOf(7, texts), sealed), UnsealError);
  const places = [
    placeOf(8, texts),
    placeOf(7, { ...texts, clientId: 'web-8' }),
    placeOf(7, { ...texts, requiredGroup: 'ops' }),
    placeOf(7, { ...texts, key: 'dc' }),
    placeOf(7, { ...texts, type: 'text' }),
    // The same texts side by side, divided elsewhere.
    placeOf(7, { ...texts, clientId: 'web-7d', key: 'b' }),
  ];
  for (const place of places) assert.throws(() => open(key, place, sealed), UnsealError, place);
});

test('a change of any byte is noticed, and so is a part of a value', () => {
  const sealed = seal(key, placeOf(1, texts), 'secret');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    changed[at] = (changed[at] ?? 0) ^ 1;
    assert.throws(() => open(key, placeOf(1, texts), changed), UnsealError, `byte ${at}`);
    assert.throws(() => open(key, placeOf(1, texts), sealed.subarray(0, at)), UnsealError, `${at} bytes`);
  }
});

test('the two formats are not taken for each other', () => {
  const sealed = seal(key, placeOf(1, texts), 'secret');
  assert.throws(() => openImported(key, sealed), UnsealError);
  const cipher = createCipheriv('aes-256-gcm', key, Buffer.alloc(12));
  const bytes = [Buffer.alloc(12), cipher.update('secret'), cipher.final(), cipher.getAuthTag()];
  const imported = importedSeal(Buffer.concat(bytes).toString('base64'));
  assert.equal(openImported(key, imported), 'secret');
  assert.throws(() => open(key, placeOf(1, texts), imported), UnsealError);
});

test('texts that are no sealed values are refused', () => {
  for (const text of ['', '????', 'AAAA', createHash('sha256').update('').digest('base64')]) {
    assert.throws(() => openImported(key, importedSeal(text)), UnsealError, text);
  }
});
