import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatGoDuration, parseGoDuration } from '../../src/go/duration.js';

describe('a Go duration', () => {
  const accepted: Record<string, number> = {
    '0': 0,
    '0s': 0,
    '1h30m': 5_400e9,
    '1.5h': 5_400e9,
    '-1.5h': -5_400e9,
    '+5s': 5e9,
    '5.s': 5e9,
    '.5s': 5e8,
    '10ns': 10,
    '11us': 11e3,
    '12\u00b5s': 12e3,
    '12\u03bcs': 12e3,
    '13ms': 13e6,
    '1h1h': 7_200e9,
    '0.0000000000000000000000001h': 0,
    '00000000000000000000001s': 1e9,
  };
  for (const [text, nanoseconds] of Object.entries(accepted))
    it(`reads ${text}`, () => assert.equal(parseGoDuration(text), nanoseconds));

  const refused: Record<string, string> = {
    '': 'time: invalid duration ""',
    abc: 'time: invalid duration "abc"',
    '.': 'time: invalid duration "."',
    '-': 'time: invalid duration "-"',
    '-.s': 'time: invalid duration "-.s"',
    ' 1s': 'time: invalid duration " 1s"',
    '10': 'time: missing unit in duration "10"',
    '1h10': 'time: missing unit in duration "1h10"',
    '1d': 'time: unknown unit "d" in duration "1d"',
    '1s ': 'time: unknown unit "s " in duration "1s "',
    '1"s': 'time: unknown unit "\\"s" in duration "1\\"s"',
    '1\u00b5x': 'time: unknown unit "\\xc2\\xb5x" in duration "1\\xc2\\xb5x"',
    '3000000h': 'time: invalid duration "3000000h"',
    '9999999999999999999999ns': 'time: invalid duration "9999999999999999999999ns"',
  };
  for (const [text, message] of Object.entries(refused))
    it(`refuses ${JSON.stringify(text)} in Go's words`, () =>
      assert.throws(() => parseGoDuration(text), { message }));

  it('is refused quickly however long it is', () => {
    assert.throws(() => parseGoDuration(`${'9'.repeat(200_000)}s`), /invalid duration/);
  });

  it('is written as Go writes it', () => {
    const written: [number, string][] = [
      [0, '0s'],
      [1, '1ns'],
      [1_100, '1.1\u00b5s'],
      [2_200_000, '2.2ms'],
      [3_300_000_000, '3.3s'],
      [60e9, '1m0s'],
      [5_400e9, '1h30m0s'],
      [3_600e9 + 5_001_000_000, '1h0m5.001s'],
      [-18_000e9, '-5h0m0s'],
      [604_800e9, '168h0m0s'],
    ];
    for (const [nanoseconds, text] of written) assert.equal(formatGoDuration(nanoseconds), text);
  });
});
