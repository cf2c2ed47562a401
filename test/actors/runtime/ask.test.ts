import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeptReplies, Reply } from '../../../src/actors/runtime/reply.js';
import type { Sender } from '../../../src/actors/runtime/types.js';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

test('the reply arrives, and nothing remains of the ask', async () => {
  const { system, clock } = loneSystem();
  const ref = system.spawn(
    behaviorOf<number>((_, message, sender) => sender.reply(message * 2)),
    'a',
    undefined,
  );
  assert.equal(await system.ask<number>(ref, 21, { timeoutMs: 1000 }), 42);
  assert.equal(clock.waiting, 0);
});

test('a refusal carries its data', async () => {
  const { system } = loneSystem();
  const ref = system.spawn(
    behaviorOf<string>((_, __, sender) => sender.refuse('no', { port: 22 })),
    'a',
    undefined,
  );
  await assert.rejects(system.ask(ref, 'x', { timeoutMs: 1000 }), {
    code: 'refused',
    message: 'no',
    data: { port: 22 },
  });
});

test('without a reply it ends at the time-out, not before, and a late reply harms nobody', async () => {
  const { system, clock } = loneSystem();
  const kept: Sender[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, __, sender) => void kept.push(sender)),
    'a',
    undefined,
  );
  let ended = false;
  const ask = system.ask(ref, 'x', { timeoutMs: 500 }).finally(() => {
    ended = true;
  });
  const outcome = assert.rejects(ask, { code: 'timeout' });
  clock.advance(499);
  await turn();
  assert.equal(ended, false);
  clock.advance(1);
  await outcome;
  kept[0]?.reply('late');
  assert.equal(clock.waiting, 0);
});

test('a kept sender answers later, once', async () => {
  const { system } = loneSystem();
  const kept: Sender[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, __, sender) => void kept.push(sender)),
    'a',
    undefined,
  );
  const ask = system.ask<string>(ref, 'x', { timeoutMs: 500 });
  await turn();
  kept[0]?.reply('first');
  kept[0]?.refuse('second');
  assert.equal(await ask, 'first');
});

test('no actor, no waiting', async () => {
  const { system } = loneSystem();
  await assert.rejects(system.ask({ kind: 'test', id: 'x' }, 1, { timeoutMs: 1000 }), {
    code: 'no_such_actor',
  });
});

test('a time-out that is not a number still ends', async () => {
  const { system, clock } = loneSystem();
  const ref = system.spawn(
    behaviorOf<string>(() => undefined),
    'a',
    undefined,
  );
  const asks = [Number.NaN, Number.POSITIVE_INFINITY].map((timeoutMs) =>
    assert.rejects(system.ask(ref, 'x', { timeoutMs }), { code: 'timeout' }),
  );
  clock.advance(3_600_000);
  await Promise.all(asks);
});

test('kept senders nobody waits for any more are forgotten as they become many', () => {
  const kept = new KeptReplies();
  const told: number[] = [];
  // Each waits 10 ms and one more comes every millisecond: at most some ten are still of interest.
  for (let now = 0; now < 1000; now++) kept.keep(new Reply(() => told.push(now), now + 10), now);
  kept.failAll('stopped', 'x');
  assert.ok(told.length < 130, `${told.length} were still kept`);
  assert.deepEqual(told.slice(-10), [990, 991, 992, 993, 994, 995, 996, 997, 998, 999]);
});
