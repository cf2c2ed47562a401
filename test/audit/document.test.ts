import assert from 'node:assert/strict';
import { test } from 'node:test';
import { auditContent } from '../../src/audit/content.js';
import { documentText } from '../../src/audit/document.js';
import { obfuscateIp } from '../../src/audit/obfuscate-ip.js';

const read = (data: unknown, application = 'x'): unknown => JSON.parse(documentText(data, application));

test('values of keys that name a secret are blank, wherever they are and however they are written', () => {
  const secrets = {
    password: 'p',
    old_password: 'p',
    auth_password: 'p',
    AuthPassword: 'p',
    'Auth-Pass': 'p',
    token: 'p',
    access_token: 'p',
    totp_secret: 'p',
    clientSecret: 'p',
    PRIVATE_KEY: 'p',
    api_key: 'p',
    Authorization: ['p'],
    cookie: { a: 'p' },
    credentials: [{ user: 'p' }],
    passphrase: 12345,
  };
  const deep = read({ list: [{ deep: secrets }] }) as { list: { deep: Record<string, unknown> }[] };
  assert.deepEqual(new Set(Object.values(deep.list[0]!.deep)), new Set(['']));
  assert.deepEqual(Object.keys(deep.list[0]!.deep), Object.keys(secrets));
});

test('what only looks like one stays, and whether there is one may be known', () => {
  const harmless = {
    password_expired: true,
    password: null,
    totp_secret: false,
    passenger: 'a',
    compass: 'b',
    token_name: 'c',
    key: 'd',
    value: 'e',
  };
  assert.deepEqual(read(harmless), harmless);
});

test('the value of a vault entry is a secret', () => {
  assert.deepEqual(read({ key: 'root', value: 'hidden', type: 'text' }, 'vault'), {
    key: 'root',
    value: '',
    type: 'text',
  });
});

test('nothing asked for is an empty text', () => {
  assert.equal(documentText(undefined, 'x'), '');
  assert.equal(documentText(null, 'x'), 'null');
});

test('long texts are cut and say so, and so are long documents; both stay JSON', () => {
  const { stdout } = read({ stdout: 'a'.repeat(1_000_000) }) as { stdout: string };
  assert.equal(stdout, `${'a'.repeat(16_384)}… [983616 more characters]`);
  const cutPair = read({ stdout: `${'a'.repeat(16_383)}😀` }) as { stdout: string };
  assert.equal(cutPair.stdout, `${'a'.repeat(16_383)}… [2 more characters]`);
  const many = documentText(
    Array.from({ length: 50_000 }, (_, n) => `item "${n}"`),
    'x',
  );
  assert.ok(many.length <= 70_000, String(many.length));
  const { truncated, length, beginning } = JSON.parse(many) as Record<string, unknown>;
  assert.equal(truncated, true);
  assert.ok(Number(length) > 500_000);
  assert.match(String(beginning), /^\["item \\"0\\"",/);
});

test('the last number of an IPv4 address is hidden when asked for; others stay', () => {
  assert.equal(obfuscateIp('192.0.2.123'), '192.0.2.x');
  assert.equal(obfuscateIp('2001:db8::1'), '2001:db8::1');
  assert.equal(obfuscateIp('host.example.com'), 'host.example.com');
  assert.equal(obfuscateIp(''), '');
  const draft = { application: 'client', action: 'delete', remoteIp: '192.0.2.123' };
  assert.equal(auditContent(draft, { useIpObfuscation: true }).remoteIp, '192.0.2.x');
  assert.equal(auditContent(draft, { useIpObfuscation: false }).remoteIp, '192.0.2.123');
});
