import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseExtendedDuration, parseHoursOrDays } from '../../src/config/values/duration.js';

it('an extended duration has days and weeks', () => {
  assert.equal(parseExtendedDuration('1w'), 604_800e9);
  assert.equal(parseExtendedDuration('7d'), 604_800e9);
  assert.equal(parseExtendedDuration('1d12h'), 129_600e9);
  assert.throws(() => parseExtendedDuration('x'), { message: 'time: invalid duration "x"' });
});

describe('an hour or day text', () => {
  it('takes hours and days, in either case, with spaces around the number', () => {
    assert.equal(parseHoursOrDays('k', '1h'), 3_600_000);
    assert.equal(parseHoursOrDays('k', '1d'), 86_400_000);
    assert.equal(parseHoursOrDays('k', ' 1 d'), 86_400_000);
    assert.equal(parseHoursOrDays('k', '7D'), 604_800_000);
  });
  for (const text of ['', '1', '1.1h', '30m', '-1d', 'd', '+1d', '99999999999999999999d'])
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseHoursOrDays('k', text), /^Error: 'k' /));
});
