import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

test('beyond the limit an ask is refused at once and a tell is counted; what was accepted is handled', async () => {
  const { system } = loneSystem();
  const seen: number[] = [];
  const ref = system.spawn(
    behaviorOf<number>((_, message) => void seen.push(message), { mailboxLimit: 3 }),
    'a',
    undefined,
  );
  for (let n = 0; n < 5; n++) system.tell(ref, n);
  assert.equal(system.stats().overflowed, 2);
  await assert.rejects(system.ask(ref, 99, { timeoutMs: 1000 }), { code: 'overloaded' });
  assert.equal(system.stats().overflowed, 3);
  await turn();
  assert.deepEqual(seen, [0, 1, 2]);
  system.tell(ref, 5);
  await turn();
  assert.deepEqual(seen, [0, 1, 2, 5]);
});

test('a full user lane refuses neither a system message nor what the actor itself waits for', async () => {
  const { system, clock } = loneSystem();
  const seen: string[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, message) => void seen.push(message), {
      mailboxLimit: 1,
      preStart: (ctx, state) => {
        ctx.schedule(10, 'timer');
        return state;
      },
    }),
    'a',
    undefined,
  );
  system.tell(ref, 'user');
  system.tell(ref, 'dropped');
  clock.advance(10);
  system.tell(ref, 'system', 'system');
  await turn();
  assert.deepEqual(seen, ['timer', 'system', 'user']);
});

test('the system lane is bounded too', () => {
  const { system } = loneSystem();
  const ref = system.spawn(
    behaviorOf<number>(() => undefined),
    'a',
    undefined,
  );
  for (let n = 0; n < 10_001; n++) system.tell(ref, n, 'system');
  assert.equal(system.stats().overflowed, 1);
});
