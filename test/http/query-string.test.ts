import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseQuery, queryError } from '../../src/http/query-string.js';

test('pairs keep their order, plus is a space, names are decoded too', () => {
  const query = parseQuery('a=1+2&b%5Bc%5D=%C3%A4&a=3&flag&&=x');
  assert.deepEqual(query.pairs, [
    ['a', '1 2'],
    ['b[c]', 'ä'],
    ['a', '3'],
    ['flag', ''],
    ['', 'x'],
  ]);
  assert.equal(query.get('a'), '1 2');
  assert.equal(query.get('flag'), '');
  assert.equal(query.get('nothing'), undefined);
  assert.equal(query.error, undefined);
});

test('a value may contain an equals sign', () => {
  assert.equal(parseQuery('a=b=c').get('a'), 'b=c');
});

test('a broken escape is named as Go names it, the other pairs survive', () => {
  const query = parseQuery('a=%zz&b=1');
  assert.equal(query.error, 'invalid URL escape "%zz"');
  assert.equal(query.get('b'), '1');
  assert.equal(parseQuery('a=%').error, 'invalid URL escape "%"');
  assert.equal(parseQuery('%4=1').error, 'invalid URL escape "%4"');
});

test('a raw semicolon is refused, an escaped one is data', () => {
  assert.equal(parseQuery('a=1;b=2').error, 'invalid semicolon separator in query');
  assert.equal(parseQuery('a=1%3Bb').get('a'), '1;b');
});

test('bytes that are no UTF-8 become the replacement character', () => {
  assert.equal(parseQuery('a=x%ff%C3%A4').get('a'), 'x\ufffdä');
});

test('the error alone is that of the whole parser', () => {
  const parts = ['a', '=', '&', '%', '4', '1', '%41', ';', '+', '%zz', '%ff', 'ä'];
  let seed = 1;
  const next = (): string => {
    seed = (seed * 48_271) % 2_147_483_647;
    return parts[seed % parts.length] ?? '';
  };
  for (let round = 0; round < 5_000; round += 1) {
    const raw = Array.from({ length: round % 9 }, next).join('');
    assert.equal(queryError(raw), parseQuery(raw).error, raw);
  }
});
