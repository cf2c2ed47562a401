import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorRef, Behavior } from '../../../src/actors/runtime/types.js';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

const fragile = behaviorOf<string, { count: number }>(
  (_, message, sender, state) => {
    state.count++;
    if (message === 'boom') throw new Error('boom');
    sender.reply(state.count);
  },
  { kind: 'fragile' },
);

test('a throwing handler answers its ask with `crashed`; the actor and its state go on', async () => {
  const { system, log } = loneSystem();
  const ref = system.spawn(fragile, 'a', { count: 0 });
  await assert.rejects(system.ask(ref, 'boom', { timeoutMs: 1000 }), { code: 'crashed' });
  assert.equal(await system.ask(ref, 'x', { timeoutMs: 1000 }), 2);
  assert.match(log.errors.join('\n'), /fragile\/a crashed.*boom/);
});

test('an async handler that rejects does not become an unhandled rejection', async () => {
  const { system, log } = loneSystem();
  const wrong: Behavior<string, null, null> = {
    kind: 'wrong',
    preStart: () => null,
    receive: async () => {
      throw new Error('async boom');
    },
  };
  const ref = system.spawn(wrong, 'a', null);
  await assert.rejects(system.ask(ref, 'x', { timeoutMs: 1000 }), { code: 'crashed' });
  assert.match(log.errors.join('\n'), /async boom/);
});

for (const verdict of ['resume', 'stop'] as const) {
  test(`the parent hears of a child's crash and says ${verdict}, before the child's next message`, async () => {
    const { system } = loneSystem();
    const heard: string[] = [];
    let child: ActorRef | undefined;
    system.spawn(
      behaviorOf<string>(() => undefined, {
        kind: 'parent',
        preStart: (ctx) => {
          child = ctx.spawnChild(fragile, 'child', { count: 0 });
          return undefined;
        },
        childFailed: (_, __, ref, error) => {
          heard.push(`failed ${ref.id}: ${error.message}`);
          return verdict;
        },
        childStopped: (_, __, ref) => void heard.push(`stopped ${ref.id}`),
      }),
      'p',
      undefined,
    );
    assert.ok(child);
    const boom = assert.rejects(system.ask(child, 'boom', { timeoutMs: 1000 }), { code: 'crashed' });
    const next = system.ask(child, 'x', { timeoutMs: 1000 });
    if (verdict === 'resume') assert.equal(await next, 2);
    else await assert.rejects(next, { code: 'stopped' });
    await boom;
    await turn();
    assert.deepEqual(
      heard,
      verdict === 'resume' ? ['failed child: boom'] : ['failed child: boom', 'stopped child'],
    );
  });
}

test('a parent that throws while judging fails itself, and the child stops', async () => {
  const { system, log } = loneSystem();
  let child: ActorRef | undefined;
  const parent = system.spawn(
    behaviorOf<string>((_, __, sender) => sender.reply('alive'), {
      kind: 'parent',
      preStart: (ctx) => {
        child = ctx.spawnChild(fragile, 'child', { count: 0 });
        return undefined;
      },
      childFailed: () => {
        throw new Error('judge');
      },
    }),
    'p',
    undefined,
  );
  assert.ok(child);
  system.tell(child, 'boom');
  await turn();
  assert.equal(system.locate(child), undefined);
  assert.equal(await system.ask(parent, 'x', { timeoutMs: 1000 }), 'alive');
  assert.match(log.errors.join('\n'), /parent\/p crashed.*judge/);
});

test('preStart that throws: spawn throws it, children it began are stopped, the address is free', async () => {
  const { system, clock } = loneSystem();
  const ended: string[] = [];
  const inner = behaviorOf<string>(() => undefined, {
    kind: 'inner',
    postStop: (ctx) => void ended.push(ctx.self.id),
  });
  const failing = behaviorOf<string>(() => undefined, {
    kind: 'failing',
    preStart: (ctx) => {
      ctx.spawnChild(inner, 'i', undefined);
      ctx.schedule(1000, 'never');
      throw new Error('cannot start');
    },
  });
  assert.throws(() => system.spawn(failing, 'a', undefined, { epoch: 1 }), /cannot start/);
  await turn();
  assert.deepEqual(ended, ['i']);
  assert.deepEqual(system.stats().actors, {});
  assert.equal(clock.waiting, 0);
  assert.throws(() => system.spawn(failing, 'a', undefined, { epoch: 1 }), /cannot start/);
});
