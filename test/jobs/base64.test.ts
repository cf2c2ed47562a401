import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeBase64 } from '../../src/jobs/base64.js';

/** What Go's `base64.StdEncoding.DecodeString` says, run with Go 1.22. */
const refused: readonly (readonly [text: string, byte: number])[] = [
  ['invalid', 4],
  ['c', 0],
  ['cH', 0],
  ['cHd', 0],
  ['cH=', 3],
  ['cH=\n', 4],
  ['c===', 1],
  ['=', 0],
  ['cHdk=', 4],
  ['cH=x', 2],
  ['cH==x', 4],
  ['cH==\nx', 5],
  ['QUJD\nQU', 5],
  ['QUJDQ\nU', 5],
  ['QUJDQU\n', 5],
  ['cH dk', 2],
  ['c-_k', 1],
  ['cHé=', 2],
  ['cHd==', 4],
];

test('what is not base64 is refused at the byte Go names', () => {
  for (const [text, byte] of refused) {
    assert.deepEqual(
      decodeBase64(text),
      { ok: false, error: `illegal base64 data at input byte ${byte}` },
      JSON.stringify(text),
    );
  }
});

test('padding and line breaks as Go takes them', () => {
  for (const [text, decoded] of [
    ['', ''],
    ['\n', ''],
    ['cHdk', 'pwd'],
    ['cHdk\n', 'pwd'],
    ['cH\r\ndk', 'pwd'],
    ['cHd=', 'pw'],
    ['cH==', 'p'],
    ['cH\n=\n=', 'p'],
  ] as const) {
    const result = decodeBase64(text);
    assert.equal(result.ok && result.value.toString(), decoded, JSON.stringify(text));
  }
});
