/** Which cron texts are understood, and what is said about the others. Spec 04 §15.2. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseCron } from '../../../src/schedules/cron/parse.js';
import { nextRun } from '../../../src/schedules/cron/schedule.js';
import { cpuTime } from '../../support/cpu-time.js';

const START = Date.parse('2024-01-31T10:30:15Z');

/** The next two runs, as far as there are any. */
function runs(text: string, from = START, zone = 'UTC'): string[] {
  const parsed = parseCron(text, zone);
  assert(parsed.ok, parsed.ok ? '' : parsed.error);
  const found: string[] = [];
  for (let at: number | null = from; found.length < 2; ) {
    at = nextRun(parsed.value, at);
    if (at === null) break;
    found.push(new Date(at).toISOString().replace('.000Z', 'Z'));
  }
  return found;
}

const accepted: readonly (readonly [text: string, ...runs: string[]])[] = [
  ['*/5 * * * *', '2024-01-31T10:35:00Z', '2024-01-31T10:40:00Z'],
  ['5/15 * * * *', '2024-01-31T10:35:00Z', '2024-01-31T10:50:00Z'],
  ['0-30/10 * * * *', '2024-01-31T11:00:00Z', '2024-01-31T11:10:00Z'],
  ['0 0 * * 0', '2024-02-04T00:00:00Z', '2024-02-11T00:00:00Z'],
  ['0 0 * * SUN', '2024-02-04T00:00:00Z', '2024-02-11T00:00:00Z'],
  ['0 12 15 * MON', '2024-02-05T12:00:00Z', '2024-02-12T12:00:00Z'],
  ['0 12 */2 * MON', '2024-01-31T12:00:00Z', '2024-02-01T12:00:00Z'],
  ['0 12 */1 * MON', '2024-02-05T12:00:00Z', '2024-02-12T12:00:00Z'],
  ['0 0 * * mon-fri', '2024-02-01T00:00:00Z', '2024-02-02T00:00:00Z'],
  ['*/61 * * * *', '2024-01-31T11:00:00Z', '2024-01-31T12:00:00Z'],
  ['? ? ? ? ?', '2024-01-31T10:31:00Z', '2024-01-31T10:32:00Z'],
  ['*-5 * * * *', '2024-01-31T10:31:00Z', '2024-01-31T10:32:00Z'],
  ['1,2,,3 * * * *', '2024-01-31T11:01:00Z', '2024-01-31T11:02:00Z'],
  [' \t1  *\t* * *\n', '2024-01-31T11:01:00Z', '2024-01-31T12:01:00Z'],
  [', * * * *'],
  ['0 0 31 2 *'],
  ['0 0 29 2 *', '2024-02-29T00:00:00Z', '2028-02-29T00:00:00Z'],
  ['@yearly', '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  ['@annually', '2025-01-01T00:00:00Z', '2026-01-01T00:00:00Z'],
  ['@monthly', '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'],
  ['@weekly', '2024-02-04T00:00:00Z', '2024-02-11T00:00:00Z'],
  ['@daily', '2024-02-01T00:00:00Z', '2024-02-02T00:00:00Z'],
  ['@midnight', '2024-02-01T00:00:00Z', '2024-02-02T00:00:00Z'],
  ['@hourly', '2024-01-31T11:00:00Z', '2024-01-31T12:00:00Z'],
  ['@every 90s', '2024-01-31T10:31:45Z', '2024-01-31T10:33:15Z'],
  ['@every 500ms', '2024-01-31T10:30:16Z', '2024-01-31T10:30:17Z'],
  ['@every 1m1.9s', '2024-01-31T10:31:16Z', '2024-01-31T10:32:17Z'],
  ['@every -5s', '2024-01-31T10:30:16Z', '2024-01-31T10:30:17Z'],
  ['TZ=Europe/Berlin 0 12 * * *', '2024-01-31T11:00:00Z', '2024-02-01T11:00:00Z'],
  ['CRON_TZ=Asia/Kolkata  0 12 * * *', '2024-02-01T06:30:00Z', '2024-02-02T06:30:00Z'],
  ['CRON_TZ=Europe/Berlin @daily ', '2024-01-31T23:00:00Z', '2024-02-01T23:00:00Z'],
  ['TZ= 0 12 * * *', '2024-01-31T12:00:00Z', '2024-02-01T12:00:00Z'],
];

for (const [text, ...expected] of accepted) {
  test(`${JSON.stringify(text)} runs at ${expected.join(', ') || 'no time'}`, () => {
    assert.deepEqual(runs(text), expected);
  });
}

const refused: readonly (readonly [text: string, error: string])[] = [
  ['0 0 * * 7', 'end of range (7) above maximum (6): 7'],
  ['60 * * * *', 'end of range (60) above maximum (59): 60'],
  ['0 0 0 * *', 'beginning of range (0) below minimum (1): 0'],
  ['5-1 * * * *', 'beginning of range (5) beyond end of range (1): 5-1'],
  ['0 0 * * fri-mon', 'beginning of range (5) beyond end of range (1): fri-mon'],
  ['*/0 * * * *', 'step of range should be a positive number: */0'],
  ['1-2-3 * * * *', 'too many hyphens: 1-2-3'],
  ['1/2/3 * * * *', 'too many slashes: 1/2/3'],
  ['1/-2 * * * *', 'negative number (-2) not allowed: -2'],
  ['a * * * *', 'failed to parse int from a: strconv.Atoi: parsing "a": invalid syntax'],
  ['-1 * * * *', 'failed to parse int from : strconv.Atoi: parsing "": invalid syntax'],
  ['* * *', 'expected exactly 5 fields, found 3: [* * *]'],
  ['* * * * * *', 'expected exactly 5 fields, found 6: [* * * * * *]'],
  ['', 'empty spec string'],
  [' ', 'expected exactly 5 fields, found 0: []'],
  ['@Daily', 'unrecognized descriptor: @Daily'],
  ['@reboot', 'unrecognized descriptor: @reboot'],
  ['@every', 'unrecognized descriptor: @every'],
  ['@hourly ', 'unrecognized descriptor: @hourly '],
  ['@toString', 'unrecognized descriptor: @toString'],
  ['@every x', 'failed to parse duration @every x: time: invalid duration "x"'],
  ['TZ=Nope/X * * * * *', 'provided bad location Nope/X: unknown time zone Nope/X'],
  ['TZ=+01:00 * * * * *', 'provided bad location +01:00: unknown time zone +01:00'],
  ['TZ=../etc/passwd * * * * *', 'provided bad location ../etc/passwd: time: invalid location name'],
  // These crash the reference.
  ['TZ=UTC', 'expected exactly 5 fields, found 0: []'],
  ['CRON_TZ=Europe/Berlin', 'expected exactly 5 fields, found 0: []'],
];

for (const [text, error] of refused) {
  test(`${JSON.stringify(text)} is refused: ${error}`, () => {
    assert.deepEqual(parseCron(text, 'UTC'), { ok: false, error });
  });
}

test('without a zone the times are those of the server', () => {
  const expected = ['2024-01-31T17:00:00Z', '2024-02-01T17:00:00Z'];
  assert.deepEqual(runs('0 12 * * *', START, 'America/New_York'), expected);
  assert.deepEqual(runs('TZ=Local 0 12 * * *', START, 'America/New_York'), expected);
});

test('a text made to be slow is refused at once', () => {
  const text = `${'1,'.repeat(500_000)}99 * * * *`;
  assert(cpuTime(() => assert.equal(parseCron(text, 'UTC').ok, false)) < 2_000);
});
