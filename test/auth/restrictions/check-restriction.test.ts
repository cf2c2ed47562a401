import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkRestriction } from '../../../src/auth/restrictions/check-restriction.js';
import { AppError } from '../../../src/errors.js';

function refusal(value: unknown): string {
  try {
    checkRestriction(value);
    return 'accepted';
  } catch (error) {
    assert.ok(error instanceof AppError);
    assert.equal(error.status, 400);
    return error.title;
  }
}

test('nothing and an empty object restrict nothing', () => {
  for (const value of [null, undefined, {}]) assert.equal(checkRestriction(value), null);
});

test('every kind of value is kept, its keys in lower case', () => {
  const stored = checkRestriction({
    Local: ['20000', '20001'],
    'Auto-Close': { MAX: '60m', Min: 5 },
    http_proxy: false,
    HOST_header: '^:fqdn\\.com$',
    empty: [],
    IDLE_TIMEOUT_MINUTES: { min: '5', max: '1h30m' },
  });
  assert.deepEqual(stored, {
    local: ['20000', '20001'],
    'auto-close': { max: '60m', min: 5 },
    http_proxy: false,
    host_header: '^:fqdn\\.com$',
    empty: [],
    idle_timeout_minutes: { min: '5', max: '1h30m' },
  });
});

for (const [value, title] of [
  [{ local: ['20000', 20000] }, 'invalid restriction list 20000 of type float64'],
  [{ local: [null] }, 'invalid restriction list <nil> of type <nil>'],
  [{ local: [['a']] }, 'invalid restriction list ["a"] of type []interface {}'],
  [{ 'auto-close': { mex: '60m' } }, "invalid restriction rule 'mex'"],
  [{ 'auto-close': { max: 'jk' } }, 'restriction jk not parseable as time.duration: invalid type'],
  [{ 'auto-close': { max: true } }, 'restriction true not parseable as time.duration: invalid type'],
  [{ 'auto-close': { max: null } }, 'restriction <nil> not parseable as time.duration: invalid type'],
  [
    { host_header: '[a' },
    'invalid restriction regular expression "[a": error parsing regexp: missing closing ]: `[a`',
  ],
  [
    { allow: ['^ls', '(?=x)'] },
    'invalid restriction regular expression "(?=x)": error parsing regexp: invalid or unsupported Perl syntax: `(?=`',
  ],
  [
    { deny: ['\\1'] },
    'invalid restriction regular expression "\\\\1": error parsing regexp: invalid escape sequence: `\\1`',
  ],
  [{ local: 5 }, 'restriction 5 of type float64 not recognized'],
  [{ local: null }, 'restriction <nil> of type <nil> not recognized'],
  [['local'], 'restriction ["local"] of type []interface {} not recognized'],
  ['local', 'restriction local of type string not recognized'],
  [{ local: ['1'], LOCAL: ['2'] }, "restriction 'local' is given twice"],
  [{ 'auto-close': { max: '1m', MAX: '9h' } }, "restriction 'max' is given twice"],
] as const) {
  test(`${JSON.stringify(value)} is refused`, () => assert.equal(refusal(value), title));
}

test('only lists of allow and deny hold regular expressions', () => {
  assert.equal(refusal({ local: ['[a'] }), 'accepted');
  assert.match(refusal({ ALLOW: ['[a'] }), /^invalid restriction regular expression/);
});

test('sizes are bounded', () => {
  const list = (length: number): readonly string[] => Array.from({ length }, (_, n) => String(n));
  assert.equal(refusal({ local: list(1000) }), 'accepted');
  assert.equal(refusal({ local: list(1001) }), 'restriction list local has more than 1000 items');
  assert.equal(refusal({ local: ['x'.repeat(65_536)] }), 'restriction is larger than 65536 bytes');
  assert.equal(refusal({ allow: ['ä'.repeat(512)] }), 'accepted');
  assert.match(refusal({ allow: [`${'ä'.repeat(512)}x`] }), /longer than 1024 bytes$/);
});

test('expressions that multiply themselves are refused, whatever they look like', () => {
  for (const pattern of ['(a{1000}){1000}', '((a{100}){100}){100}', 'x{1001}', 'a**', '(x+x+)+y{999999}']) {
    assert.match(refusal({ allow: [pattern] }), /^invalid restriction regular expression/, pattern);
  }
});

test('what an answer repeats of a refused value is short', () => {
  assert.ok(refusal({ host_header: `[${'a'.repeat(900)}` }).length < 2500);
  assert.ok(refusal({ local: [{ text: 'a'.repeat(60_000) }] }).length < 400);
  assert.ok(refusal({ 'auto-close': { max: 'a'.repeat(60_000) } }).length < 400);
});

test('keys of objects are data', () => {
  const stored = checkRestriction(JSON.parse('{"__proto__": ["1"], "constructor": false}'));
  assert.deepEqual(Object.keys(stored ?? {}), ['__proto__', 'constructor']);
  assert.equal(({} as { admin?: unknown }).admin, undefined);
});
