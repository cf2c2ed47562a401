import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCallerIp, forwardedFor } from '../../src/auth/caller-ip.js';
import { banKey, canonicalIp } from '../../src/auth/ip-address.js';

const PROXY = '192.168.0.13';

test('behind a trusted proxy the forwarded address counts (spec 02 §24.2)', () => {
  const callerIp = createCallerIp([PROXY]);
  const cases: [header: string, expected: string][] = [
    ['', PROXY],
    ['8.8.8.8', '8.8.8.8'],
    ['192.168.88.23', '192.168.88.23'],
    ['192.168.88.23,8.8.8.8', '8.8.8.8'],
    ['192.168.88.23, 8.8.8.8', '8.8.8.8'],
    ['garbage', PROXY],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['[2001:db8::1]:443', PROXY],
  ];
  for (const [header, expected] of cases) assert.equal(callerIp(PROXY, header), expected, header);
});

test('a header from anybody else is ignored', () => {
  assert.equal(createCallerIp([])('203.0.113.7', '8.8.8.8'), '203.0.113.7');
  assert.equal(createCallerIp(['10.0.0.0/8'])('203.0.113.7', '8.8.8.8'), '203.0.113.7');
});

test('what the caller wrote himself does not win over what the proxy appended', () => {
  const callerIp = createCallerIp(['10.0.0.0/8', 'fd00::/8']);
  assert.equal(callerIp('10.1.2.3', '8.8.8.8, 203.0.113.7'), '203.0.113.7');
  assert.equal(callerIp('10.1.2.3', '8.8.8.8, 203.0.113.7, 10.9.9.9'), '203.0.113.7');
  assert.equal(callerIp('fd00::1', '203.0.113.7'), '203.0.113.7');
});

test('nor does it where callers have private addresses, or the proxy names none', () => {
  const callerIp = createCallerIp(['10.0.0.1']);
  for (const invented of ['8.8.8.8', '10.9.9.9', '10.0.0.1', 'x, 8.8.8.8']) {
    assert.equal(callerIp('10.0.0.1', `${invented}, 10.0.0.9`), '10.0.0.9', invented);
  }
  assert.equal(callerIp('10.0.0.1', '8.8.8.8, 203.0.113.7:4711'), '10.0.0.1');
  assert.equal(callerIp('10.0.0.1', '8.8.8.8, unknown'), '10.0.0.1');
  assert.equal(createCallerIp(['203.0.113.1'])('203.0.113.1', '8.8.8.8, 10.0.0.9'), '203.0.113.1');
});

test('a public trusted proxy that forwards only private addresses stands for its callers', () => {
  assert.equal(createCallerIp(['203.0.113.1'])('203.0.113.1', '10.0.0.1'), '203.0.113.1');
});

test('a wrong entry in the list is named', () => {
  for (const entry of ['proxy.example', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '::/129']) {
    assert.throws(() => createCallerIp([entry]), new RegExp(entry.replaceAll(/[./]/g, '\\$&')));
  }
});

test('a header of a million hops is no work', () => {
  const callerIp = createCallerIp([PROXY]);
  assert.equal(callerIp(PROXY, `${'8.8.8.8,'.repeat(1_000_000)}203.0.113.7`), '203.0.113.7');
});

test('addresses have one text form', () => {
  assert.equal(canonicalIp('::ffff:192.0.2.1'), '192.0.2.1');
  assert.equal(canonicalIp('2001:0DB8:0000::0001'), '2001:db8::1');
  for (const text of ['', 'x', '1.2.3', 'fe80::1%eth0', '1.2.3.4:80'])
    assert.equal(canonicalIp(text), undefined);
});

test('an IPv6 subscriber is one party, however many addresses he uses', () => {
  assert.equal(banKey('2001:db8:1:2:3:4:5:6'), banKey('2001:db8:1:2::9'));
  assert.equal(banKey('2001:db8::1'), banKey('2001:db8:0:0:ffff::'));
  assert.notEqual(banKey('2001:db8:1:2::1'), banKey('2001:db8:1:3::1'));
  assert.equal(banKey('192.0.2.1'), '192.0.2.1');
});

test('a proxy that adds a line of its own is heard, whatever line the caller sent', () => {
  const callerIp = createCallerIp(['10.0.0.1']);
  const headers = [
    ['x-forwarded-for', '8.8.8.8'],
    ['host', 'x'],
    ['x-forwarded-for', '9.9.9.9'],
  ] as const;
  assert.equal(callerIp('10.0.0.1', forwardedFor(headers)), '9.9.9.9');
  assert.equal(forwardedFor([['host', 'x']]), '');
});
