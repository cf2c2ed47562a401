/** Codes by a program, with real ones. Spec 02 §8.1 and §24.6. */

import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Clock } from '../../src/time.js';
import { deliveryOf, failure, message } from '../support/code-delivery.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

interface Script {
  readonly path: string;
  /** A file beside it, `$HERE/<name>` inside. */
  file(name: string): string;
}

function script(t: TestContext, ...lines: readonly string[]): Script {
  const folder = tempFolder(t);
  const path = join(folder, 'send.sh');
  writeFileSync(path, ['#!/bin/sh', `HERE='${folder}'`, ...lines, ''].join('\n'), { mode: 0o700 });
  return { path, file: (name) => join(folder, name) };
}

const TIMEOUT = 20_000;

const deliveryBy = (path: string, more: { readonly clock?: Clock; readonly log?: MemoryLogger } = {}) =>
  deliveryOf({ api: { twoFaTokenDelivery: path, twoFaSendTimeout: TIMEOUT }, ...more });

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    // A zombie that nobody has waited for yet is dead, too.
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
};
/** As soon as all of it is there. */
const pidIn = (file: string): Promise<number> =>
  eventually(
    `${file}`,
    () => (existsSync(file) && Number(/^(\d+)\n$/.exec(readFileSync(file, 'utf8'))?.[1] ?? 0)) || false,
  );

test('a script gets five variables, no arguments and the environment of the server', async (t) => {
  const { path, file } = script(t, 'env > "$HERE/env"; echo "$# args" >> "$HERE/env"');
  const delivery = deliveryBy(path);
  assert.equal(delivery.method, 'script');
  await delivery.checkReady();
  await delivery.send(message({ code: 'abcd12', ttlSeconds: 300, ip: '::1', receiver: '+49 170 1234567' }));
  const lines = readFileSync(file('env'), 'utf8').trim().split('\n');
  assert.deepEqual(lines.filter((line) => line.startsWith('RPORT_2FA_')).sort(), [
    'RPORT_2FA_REMOTE_ADDRESS=::1',
    'RPORT_2FA_SENDTO=+49 170 1234567',
    'RPORT_2FA_TOKEN=abcd12',
    'RPORT_2FA_TOKEN_TTL=300',
    'RPORT_2FA_USER_AGENT=Go',
  ]);
  assert.ok(lines.includes(`PATH=${process.env.PATH}`));
  assert.ok(lines.includes('0 args'));
});

test('a name is found in PATH', async () => {
  await deliveryBy('true').send(message());
  assert.equal(await failure(deliveryBy('false').send(message())), 'exit status 1');
  assert.match(await failure(deliveryBy('/nowhere/send').send(message())), /ENOENT/);
});

test('a failure says the exit status and the beginning of what was complained', async (t) => {
  const long = script(t, 'echo "$RPORT_2FA_SENDTO is unknown" >&2', 'seq 1 100000 >&2', 'exit 3');
  const text = await failure(deliveryBy(long.path).send(message()));
  assert.match(text, /^exit status 3 anna@example\.org is unknown\n1\n2\n/);
  assert.ok(text.length <= 'exit status 3 '.length + 1024);
  const killed = script(t, 'kill -9 $$');
  assert.equal(await failure(deliveryBy(killed.path).send(message())), 'signal: SIGKILL');
});

test('what a script prints goes to the log, without the code', async (t) => {
  const log = new MemoryLogger();
  const { path } = script(t, 'echo "sent $RPORT_2FA_TOKEN"; printf "second\\033[2J"; seq 1 100000');
  await deliveryBy(path, { log }).send(message());
  assert.deepEqual(log.lines.slice(0, 3), [
    'info: 2fa script: sent ******',
    'info: 2fa script: second [2J1',
    'info: 2fa script: 2',
  ]);
  assert.ok(log.lines.join('\n').length < 30_000);
});

test('a script that hangs is ended with everything it has started', async (t) => {
  const { path, file } = script(t, 'sleep 1000 & echo $! > "$HERE/child"', 'echo $$ > "$HERE/self"', 'wait');
  const clock = new ManualClock();
  const failed = failure(deliveryBy(path, { clock }).send(message()));
  const pids = await Promise.all(['self', 'child'].map((name) => pidIn(file(name))));
  clock.advance(TIMEOUT - 1);
  assert.ok(pids.every(isAlive));
  clock.advance(1);
  assert.equal(await failed, 'context deadline exceeded');
  for (const pid of pids) await eventually(`${pid} to end`, () => !isAlive(pid));
});

test('a grandchild that holds the output is not waited for', async (t) => {
  const { path, file } = script(t, 'sleep 1000 & echo $! > "$HERE/child"', 'exit 0');
  const clock = new ManualClock();
  const sent = deliveryBy(path, { clock }).send(message());
  // Its deadline, and the time for the last words of the script.
  await eventually('the end of the script', () => clock.waiting === 2);
  clock.advance(1_000);
  await sent;
  const pid = await pidIn(file('child'));
  assert.ok(isAlive(pid), 'it may have something to send yet');
  clock.advance(TIMEOUT);
  await eventually('the grandchild to end', () => !isAlive(pid));
});

test('a failure ends what the script has left behind', async (t) => {
  const { path, file } = script(t, 'sleep 1000 & echo $! > "$HERE/child"', 'echo broken >&2', 'exit 1');
  assert.equal(await failure(deliveryBy(path).send(message())), 'exit status 1 broken');
  const pid = await pidIn(file('child'));
  await eventually('the grandchild to end', () => !isAlive(pid));
});

test('hostile user agents reach a script as one harmless line', async (t) => {
  const { path, file } = script(t, 'env > "$HERE/env"');
  await deliveryBy(path).send(message({ userAgent: `a\0b\nLD_PRELOAD=/x\r\n${'y'.repeat(100_000)}` }));
  const env = readFileSync(file('env'), 'utf8');
  assert.match(env, /^RPORT_2FA_USER_AGENT=a b LD_PRELOAD=\/x y+$/m);
  assert.doesNotMatch(env, /^LD_PRELOAD/m);
  assert.ok(env.length < 50_000);
});

test('receivers of a script follow its rule', async () => {
  const check = (twoFaSendToType: string, receiver: string, twoFaSendToRegex = ''): Promise<void> =>
    deliveryOf({ api: { twoFaTokenDelivery: 'true', twoFaSendToType, twoFaSendToRegex } }).checkReceiver(
      receiver,
    );
  for (const anything of ['', 'x', '+49 170', 'a@b']) await check('none', anything);
  await check('email', 'anna@example.org');
  assert.equal(await failure(check('email', 'anna')), 'invalid email format');
  await check('regex', 'abcd', '[a-d]{4}');
  await check('regex', 'xxabcdxx', '[a-d]{4}');
  assert.equal(await failure(check('regex', 'invalid', '[a-d]{4}')), 'does not match "[a-d]{4}"');
  // Linear time: a backtracking engine would be at it for years.
  assert.match(await failure(check('regex', `${'a'.repeat(1_000)}!`, '^(a+)+$')), /^does not match/);
  assert.match(await failure(check('none', 'a\0b')), /control characters/);
  assert.match(await failure(check('none', 'a'.repeat(5_000))), /too long/);
});
