import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AttemptLimits, Attempts, waitKey } from '../../src/auth/attempts.js';
import type { Listener } from '../../src/auth/guard.js';

const LIMITS: AttemptLimits = { wait: 2000, maxFailed: 4, ban: 5000 };

function books(limits = LIMITS) {
  const attempts = new Attempts();
  const fail = (ip: string, identity: string | null = null, now = 0, listener: Listener = 'api'): void =>
    attempts.apply(attempts.failure(limits, listener, identity, ip, now), now);
  return { attempts, fail };
}

test('the failure that reaches the maximum bans, for the time of a ban', () => {
  const { attempts, fail } = books();
  for (let count = 0; count < 3; count++) fail('192.0.2.1');
  assert.equal(attempts.isBanned('api', '192.0.2.1', 0), false);
  fail('192.0.2.1');
  assert.equal(attempts.isBanned('api', '192.0.2.1', 4999), true);
  assert.equal(attempts.isBanned('api', '192.0.2.2', 0), false);
  assert.equal(attempts.isBanned('client', '192.0.2.1', 0), false);
  assert.equal(attempts.isBanned('api', '192.0.2.1', 5000), false);
});

test('after a ban counting starts anew', () => {
  const { attempts, fail } = books();
  for (let count = 0; count < 4; count++) fail('192.0.2.1');
  for (let count = 0; count < 3; count++) fail('192.0.2.1', null, 6000);
  assert.equal(attempts.isBanned('api', '192.0.2.1', 6000), false);
});

test('a success ends the row of failures', () => {
  const { attempts, fail } = books();
  for (let count = 0; count < 3; count++) fail('192.0.2.1');
  assert.equal(attempts.hasRecord('api', '192.0.2.1', 0), true);
  attempts.apply(attempts.success('api', '192.0.2.1'), 0);
  assert.equal(attempts.hasRecord('api', '192.0.2.1', 0), false);
  for (let count = 0; count < 3; count++) fail('192.0.2.1');
  assert.equal(attempts.isBanned('api', '192.0.2.1', 0), false);
});

test('users wait per address, agents per credential', () => {
  const { attempts, fail } = books();
  fail('192.0.2.1', 'anna');
  assert.equal(attempts.mustWait('api', 'anna', '192.0.2.1', 1999), true);
  assert.equal(attempts.mustWait('api', 'anna', '192.0.2.2', 0), false);
  assert.equal(attempts.mustWait('api', 'bert', '192.0.2.1', 0), false);
  assert.equal(attempts.mustWait('api', 'anna', '192.0.2.1', 2000), false);
  fail('192.0.2.1', 'agent', 0, 'client');
  assert.equal(attempts.mustWait('client', 'agent', '192.0.2.2', 0), true);
  assert.equal(attempts.mustWait('client', 'agent2', '192.0.2.1', 0), false);
});

test('fractions of a second count, and nothing waits when the wait is off', () => {
  const fraction = books({ ...LIMITS, wait: 500 });
  fraction.fail('192.0.2.1', 'anna');
  assert.equal(fraction.attempts.mustWait('api', 'anna', '192.0.2.1', 499), true);
  const off = books({ wait: 0, maxFailed: 0, ban: 0 });
  for (let count = 0; count < 100; count++) off.fail('192.0.2.1', 'anna');
  assert.equal(off.attempts.mustWait('api', 'anna', '192.0.2.1', 0), false);
  assert.equal(off.attempts.isBanned('api', '192.0.2.1', 0), false);
});

test('an attacker who changes name and address for every guess does not grow memory', () => {
  const { attempts, fail } = books({ wait: 1e9, maxFailed: 4, ban: 1e9 });
  for (let count = 0; count < 60_000; count++) {
    fail(`2001:db8:${(count >> 16).toString(16)}:${(count & 0xffff).toString(16)}::1`, `user ${count}`);
  }
  const { waits, counts, bans } = attempts.snapshot(0).api;
  assert.ok(waits.length <= 20_000 && counts.length <= 20_000 && bans.length <= 20_000);
  const name = 'x'.repeat(100_000);
  fail('192.0.2.1', name);
  assert.equal(attempts.mustWait('api', name, '192.0.2.1', 0), true);
  assert.ok(attempts.snapshot(0).api.waits.every(([key]) => key.length < 300));
});

test('a restored copy answers like the original', () => {
  const { attempts, fail } = books();
  for (let count = 0; count < 4; count++) fail('192.0.2.1', 'anna');
  for (let count = 0; count < 3; count++) fail('192.0.2.2');
  const copy = new Attempts();
  copy.restore(structuredClone(attempts.snapshot(0)), 0);
  assert.equal(copy.isBanned('api', '192.0.2.1', 0), true);
  assert.equal(copy.mustWait('api', 'anna', '192.0.2.1', 0), true);
  copy.apply(copy.failure(LIMITS, 'api', null, '192.0.2.2', 0), 0);
  assert.equal(copy.isBanned('api', '192.0.2.2', 0), true);
});

test('another spelling that a database takes for the same name waits as well', () => {
  const spelt = ['ADMIN', 'admin ', 'ádmin', 'a\u0301dmin', 'ad\u200bmin', 'ａｄｍｉｎ', 'admin\u0000'];
  for (const name of spelt) {
    assert.equal(waitKey('api', name, '192.0.2.1'), waitKey('api', 'admin', '192.0.2.1'), name);
    assert.notEqual(waitKey('client', name, '192.0.2.1'), waitKey('client', 'admin', '192.0.2.1'), name);
  }
  assert.notEqual(waitKey('api', 'admin1', '192.0.2.1'), waitKey('api', 'admin', '192.0.2.1'));
  assert.ok(waitKey('api', '\ufdfa'.repeat(1024), '192.0.2.1').length < 100);
});
