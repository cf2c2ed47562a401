import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseGoBool } from '../../src/go/bool.js';
import { parseGoInteger } from '../../src/go/integer.js';
import { goQuote } from '../../src/go/quote.js';

describe('quoted text', () => {
  for (const [text, quoted] of [
    ['abc', '"abc"'],
    ['a"b\\c', '"a\\"b\\\\c"'],
    ['\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
    ['\x00\x7f', '"\\x00\\x7f"'],
    ['ä€😀', '"ä€😀"'],
    ['\u00a0\u200b\u{e0001}', '"\\u00a0\\u200b\\U000e0001"'],
  ] as const) {
    it(quoted, () => assert.equal(goQuote(text), quoted));
  }
});

describe('integers', () => {
  for (const [text, value] of [
    ['0', 0],
    ['-1', -1],
    ['+7', 7],
    ['0022', 22],
    ['9223372036854775807', 2 ** 63],
  ] as const) {
    it(text, () => assert.deepEqual(parseGoInteger(text), { ok: true, value }));
  }
  for (const text of ['', '-', 'x', '1x', ' 1', '1.0', '0x1', '1_0']) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.deepEqual(parseGoInteger(text), {
        ok: false,
        error: `strconv.Atoi: parsing "${text}": invalid syntax`,
      }));
  }
  for (const text of ['9223372036854775808', '-9223372036854775809', '9'.repeat(30)]) {
    it(`finds ${text} out of range`, () =>
      assert.deepEqual(parseGoInteger(text), {
        ok: false,
        error: `strconv.Atoi: parsing "${text}": value out of range`,
      }));
  }
});

describe('booleans', () => {
  it('have six spellings each', () => {
    for (const text of ['1', 't', 'T', 'true', 'TRUE', 'True'])
      assert.deepEqual(parseGoBool(text), { ok: true, value: true });
    for (const text of ['0', 'f', 'F', 'false', 'FALSE', 'False'])
      assert.deepEqual(parseGoBool(text), { ok: true, value: false });
    assert.deepEqual(parseGoBool('yes'), {
      ok: false,
      error: 'strconv.ParseBool: parsing "yes": invalid syntax',
    });
  });
});
