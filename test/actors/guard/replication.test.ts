import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { guardLimits, spawnGuard } from '../../../src/actors/guard/behavior.js';
import { createGuard } from '../../../src/actors/guard/create-guard.js';
import { type GuardMessage, guardRef } from '../../../src/actors/guard/messages.js';
import { PortBus } from '../../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import type { Config } from '../../../src/config/types.js';
import { systemClock } from '../../../src/time.js';
import { loneSystem, RecordedLog } from '../../support/actor-system.js';
import { type GuardCommand, guardPeerRef, startGuardPeer } from '../../support/guard-peer.js';
import { MemoryLogger } from '../../support/memory-logger.js';

const config = {
  server: { clientLoginWait: 1000, maxFailedLogin: 3, banTime: 1000 },
  api: { userLoginWait: 1000, maxFailedLogin: 3, banTime: 1000 },
} as unknown as Config;

const IP = '192.0.2.1';
type Given = Partial<Omit<GuardCommand, 'do'>>;

async function threads(test: TestContext) {
  const log = new RecordedLog();
  const bus = new PortBus(log);
  const system = createActorSystem({ thread: 0, clock: systemClock, log, bus });
  test.after(() => system.shutdown());
  const lines = new MemoryLogger();
  spawnGuard(system, config, lines);

  const tell = async <Reply>(thread: number, what: GuardCommand['do'], given: Given = {}): Promise<Reply> => {
    const command: GuardCommand = { do: what, listener: 'api', identity: 'anna', ip: IP, ...given };
    return system.ask<Reply>(guardPeerRef(thread), command, { timeoutMs: 10_000 });
  };
  const start = async (thread: number) => {
    const worker = await startGuardPeer(thread, bus, config);
    let stopped = false;
    const stop = async () => {
      if (stopped) return;
      stopped = true;
      const exit = once(worker, 'exit');
      void tell(thread, 'exit').catch(() => undefined);
      await exit;
    };
    test.after(stop);
    while (system.locate(guardPeerRef(thread)) === undefined) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    return stop;
  };
  return { start, tell, lines };
}

test('a failure in one shard makes the others refuse; failures of all shards add up to a ban', async (t) => {
  const { start, tell, lines } = await threads(t);
  await Promise.all([start(1), start(2)]);
  await tell(1, 'failed');
  assert.equal(await tell(1, 'mustWait'), true, 'the own shard knows when failed() resolves');
  assert.equal(await tell(2, 'mustWait'), true, 'and so does the other one');
  await tell(2, 'failed', { identity: 'bert' });
  assert.equal(await tell(2, 'isBanned'), false);
  await tell(1, 'failed', { identity: 'carl' });
  assert.equal(await tell(1, 'isBanned'), true);
  assert.equal(await tell(2, 'isBanned'), true);
  assert.equal(await tell(2, 'isBanned', { listener: 'client' }), false);
  assert.equal(lines.lines.filter((line) => line.includes(`Visitor (${IP}) banned`)).length, 1);
});

test('a success in one shard resets the count of all', async (t) => {
  const { start, tell } = await threads(t);
  await Promise.all([start(1), start(2)]);
  await tell(1, 'failed');
  await tell(1, 'failed');
  await tell(2, 'succeeded');
  await tell(2, 'failed', { identity: 'bert' });
  await tell(1, 'failed', { identity: 'carl' });
  assert.equal(await tell(1, 'isBanned'), false);
});

for (const what of ['failed', 'succeeded'] as const) {
  test(`nobody is answered who has ${what} before the last shard goes by it`, async (t) => {
    const { start, tell } = await threads(t);
    await Promise.all([start(1), start(2)]);
    await tell(1, 'failed', { identity: 'bert' });
    let heard = false;
    const hanging = tell(2, 'hang').then(() => {
      heard = true;
    });
    await tell(1, what);
    assert.equal(heard, true);
    await hanging;
  });
}

test('what came in between is not undone by a late answer', async (t) => {
  const { start, tell } = await threads(t);
  await Promise.all([start(1), start(2)]);
  await tell(1, 'failed');
  const hanging = tell(2, 'hang');
  await Promise.all([tell(1, 'failed', { identity: 'bert' }), tell(1, 'succeeded'), hanging]);
  await tell(1, 'failed', { identity: 'carl' });
  await tell(1, 'failed', { identity: 'dora' });
  assert.equal(await tell(1, 'isBanned'), false);
});

test('a shard that starts later, or again, knows the bans', async (t) => {
  const { start, tell } = await threads(t);
  const stop = await start(1);
  for (const identity of ['a', 'b', 'c']) await tell(1, 'failed', { identity });
  await stop();
  await start(2);
  assert.equal(await tell(2, 'isBanned'), true);
  assert.equal(await tell(2, 'mustWait', { identity: 'a' }), true);
});

test('new thresholds count for the next failure, and what has begun stays', async (t) => {
  const { system, clock } = loneSystem();
  t.after(() => system.shutdown());
  const log = new MemoryLogger();
  spawnGuard(system, config, log);
  const guard = createGuard({ system, config, clock, log });
  await guard.ready;
  await guard.failed('api', 'anna', IP);
  const next = { ...config, api: { ...config.api, maxFailedLogin: 2, userLoginWait: 0 } };
  const message: GuardMessage = { type: 'limits', limits: guardLimits(next) };
  system.tell(guardRef, message);
  guard.configure(next);
  assert.equal(guard.mustWait('api', 'anna', IP), true);
  await guard.failed('api', 'bert', IP);
  assert.equal(guard.mustWait('api', 'bert', IP), false);
  assert.equal(guard.isBanned('api', IP), true);
});

test('without the guard actor a failure still counts in its own shard, and the log says so', async () => {
  const { system, clock } = loneSystem();
  const log = new MemoryLogger();
  const guard = createGuard({ system, config, clock, log });
  await assert.rejects(guard.ready);
  for (const identity of ['a', 'b', 'c']) await guard.failed('api', identity, IP);
  assert.equal(guard.mustWait('api', 'a', IP), true);
  assert.equal(guard.isBanned('api', IP), true);
  assert.ok(log.lines.some((line) => line.startsWith('error: login guard: a failed login was not shared')));
  await system.shutdown();
});
