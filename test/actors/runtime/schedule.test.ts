import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Timer } from '../../../src/actors/runtime/types.js';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

test('a scheduled message comes at its time, a cancelled one never', async () => {
  const { system, clock } = loneSystem();
  const seen: string[] = [];
  let cancelled: Timer | undefined;
  system.spawn(
    behaviorOf<string>((_, message) => void seen.push(message), {
      preStart: (ctx) => {
        ctx.schedule(100, 'second');
        ctx.schedule(50, 'first');
        cancelled = ctx.schedule(60, 'cancelled');
        return undefined;
      },
    }),
    'a',
    undefined,
  );
  cancelled?.cancel();
  clock.advance(99);
  await turn();
  assert.deepEqual(seen, ['first']);
  clock.advance(1);
  await turn();
  assert.deepEqual(seen, ['first', 'second']);
  assert.equal(clock.waiting, 0);
});

test('a stop cancels the timers', async () => {
  const { system, clock } = loneSystem();
  const ref = system.spawn(
    behaviorOf<string>(() => assert.fail('handled after the stop'), {
      preStart: (ctx) => void ctx.schedule(100, 'x'),
      postStop: (ctx) => void ctx.schedule(100, 'y'),
    }),
    'a',
    undefined,
  );
  await system.stop(ref);
  assert.equal(clock.waiting, 0);
});

test('the outcome of an operation comes back as a message, good or bad; after a stop it is dropped', async () => {
  const { system } = loneSystem();
  const seen: string[] = [];
  const finish: (() => void)[] = [];
  const ref = system.spawn(
    behaviorOf<string>((ctx, message) => {
      seen.push(message);
      if (message !== 'go') return;
      ctx.pipeToSelf(Promise.resolve(7), (outcome) => (outcome.ok ? `ok ${outcome.value}` : 'failed'));
      ctx.pipeToSelf(Promise.reject('text'), (outcome) => (outcome.ok ? 'ok' : outcome.error.message));
      ctx.pipeToSelf(new Promise<void>((resolve) => finish.push(resolve)), () =>
        assert.fail('after the stop'),
      );
    }, {}),
    'a',
    undefined,
  );
  system.tell(ref, 'go');
  await turn();
  assert.deepEqual(seen, ['go', 'ok 7', 'text']);
  await system.stop(ref);
  finish[0]?.();
  await turn();
  assert.deepEqual(seen, ['go', 'ok 7', 'text']);
});
