import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorRef } from '../../../src/actors/runtime/types.js';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

test('the event loop gets its turn while an actor floods itself', async () => {
  const { system } = loneSystem();
  let handled = 0;
  const ref = system.spawn(
    behaviorOf<string>((ctx) => {
      handled++;
      ctx.tell(ctx.self, 'again');
    }),
    'a',
    undefined,
  );
  system.tell(ref, 'go');
  await turn();
  const first = handled;
  await turn();
  assert.ok(first > 0 && first <= 1024, `handled ${first} before the loop turned`);
  assert.ok(handled > first && handled <= first + 1024);
  await system.shutdown();
});

test('two actors that answer each other through promises do not starve the loop either', async () => {
  const { system } = loneSystem();
  let rounds = 0;
  let stop = false;
  const echo = system.spawn(
    behaviorOf<string>((_, __, sender) => sender.reply()),
    'echo',
    undefined,
  );
  const asking = (async () => {
    while (!stop) {
      await system.ask(echo, 'x', { timeoutMs: 1000 });
      rounds++;
    }
  })();
  await turn();
  assert.ok(rounds <= 1024, `${rounds} rounds before the loop turned`);
  stop = true;
  await asking;
});

test('a flooded actor lets its neighbours have their turns in between', async () => {
  const { system } = loneSystem();
  const order: string[] = [];
  const noting = behaviorOf<string>((ctx) => void order.push(ctx.self.id));
  const flooded = system.spawn(noting, 'flooded', undefined);
  const quiet = system.spawn(noting, 'quiet', undefined);
  for (let n = 0; n < 500; n++) system.tell(flooded, 'x');
  system.tell(quiet, 'x');
  await turn();
  assert.ok(order.indexOf('quiet') <= 64, `served after ${order.indexOf('quiet')}`);
  await turn();
  assert.equal(order.length, 501);
});

test('handlers never overlap, also when they tell each other', async () => {
  const { system } = loneSystem();
  let depth = 0;
  let deepest = 0;
  const refs: ActorRef[] = [];
  const bouncing = behaviorOf<number>((ctx, left) => {
    deepest = Math.max(deepest, ++depth);
    for (const ref of refs) if (left > 0) ctx.tell(ref, left - 1);
    depth--;
  });
  refs.push(system.spawn(bouncing, 'a', undefined), system.spawn(bouncing, 'b', undefined));
  for (const ref of refs) system.tell(ref, 5);
  await turn();
  assert.equal(deepest, 1);
});
