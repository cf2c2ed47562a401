import assert from 'node:assert/strict';
import { test } from 'node:test';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

test('messages of one sender arrive once each and in order, asks and tells alike', async () => {
  const { system } = loneSystem();
  const seen: number[] = [];
  const ref = system.spawn(
    behaviorOf<number>((_, message, sender) => {
      seen.push(message);
      sender.reply();
    }),
    'a',
    undefined,
  );
  const asks: Promise<unknown>[] = [];
  for (let n = 0; n < 300; n++) {
    if (n % 3 === 0) asks.push(system.ask(ref, n, { timeoutMs: 1000 }));
    else system.tell(ref, n);
  }
  await Promise.all(asks);
  await turn();
  assert.deepEqual(
    seen,
    Array.from({ length: 300 }, (_, n) => n),
  );
});

test('nothing is handled inside tell: the caller goes on first', async () => {
  const { system } = loneSystem();
  let handled = false;
  const ref = system.spawn(
    behaviorOf<string>(() => {
      handled = true;
    }),
    'a',
    undefined,
  );
  system.tell(ref, 'x');
  assert.equal(handled, false);
  await turn();
  assert.equal(handled, true);
});

test('a tell to nobody is counted and nothing else happens', () => {
  const { system } = loneSystem();
  system.tell({ kind: 'test', id: 'nobody' }, 'x');
  assert.equal(system.stats().undelivered, 1);
});

test('actors are counted by kind and the address of a running one is taken', () => {
  const { system } = loneSystem();
  const idle = behaviorOf<string>(() => undefined);
  system.spawn(idle, 'a', undefined);
  system.spawn(idle, 'b', undefined);
  assert.deepEqual(system.stats().actors, { test: 2 });
  assert.throws(() => system.spawn(idle, 'a', undefined), /runs already/);
});
