import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ActorRef, Behavior, Sender } from '../../../src/actors/runtime/types.js';
import { behaviorOf, loneSystem, turn } from '../../support/actor-system.js';

/** An actor with children below it, `depth` levels; notes when each has stopped. */
const nested = (ended: string[]): Behavior<string, null, number> => ({
  kind: 'nested',
  preStart(ctx, depth) {
    if (depth > 0) ctx.spawnChild(nested(ended), `${ctx.self.id}.1`, depth - 1);
    if (depth > 0) ctx.spawnChild(nested(ended), `${ctx.self.id}.2`, depth - 1);
    return null;
  },
  receive: () => undefined,
  async postStop(ctx) {
    await turn();
    ended.push(ctx.self.id);
  },
});

test('children finish before their parent', async () => {
  const { system } = loneSystem();
  const ended: string[] = [];
  const ref = system.spawn(nested(ended), 'a', 2);
  await system.stop(ref);
  assert.deepEqual([...ended].sort(), ['a', 'a.1', 'a.1.1', 'a.1.2', 'a.2', 'a.2.1', 'a.2.2']);
  for (const id of ended) {
    for (const below of ended.filter((other) => other.startsWith(`${id}.`))) {
      assert.ok(ended.indexOf(below) < ended.indexOf(id), `${below} before ${id}`);
    }
  }
  assert.deepEqual(system.stats().actors, {});
});

test('from the moment of the stop there is no address; asks that waited get `stopped`', async () => {
  const { system } = loneSystem();
  const seen: string[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, message) => void seen.push(message)),
    'a',
    undefined,
  );
  const waiting = assert.rejects(system.ask(ref, 'waiting', { timeoutMs: 1000 }), { code: 'stopped' });
  const stopped = system.stop(ref);
  await assert.rejects(system.ask(ref, 'late', { timeoutMs: 1000 }), { code: 'no_such_actor' });
  await Promise.all([waiting, stopped]);
  assert.deepEqual(seen, []);
});

test('stopSelf lets the current turn end and drops what waited', async () => {
  const { system } = loneSystem();
  const seen: string[] = [];
  const ref = system.spawn(
    behaviorOf<string>((ctx, message) => {
      ctx.stopSelf();
      seen.push(message);
    }),
    'a',
    undefined,
  );
  system.tell(ref, '1');
  system.tell(ref, '2');
  await turn();
  assert.deepEqual(seen, ['1']);
  await system.stop(ref);
});

test('a kept sender can be answered in postStop; one that was not gets `stopped`', async () => {
  const { system } = loneSystem();
  const kept: Sender[] = [];
  const ref = system.spawn(
    behaviorOf<string>((_, __, sender) => void kept.push(sender), {
      postStop: () => kept[0]?.reply('closed'),
    }),
    'a',
    undefined,
  );
  const first = system.ask(ref, 'x', { timeoutMs: 1000 });
  const second = assert.rejects(system.ask(ref, 'y', { timeoutMs: 1000 }), { code: 'stopped' });
  await turn();
  await system.stop(ref);
  assert.equal(await first, 'closed');
  await second;
});

test('postStop that never ends is waited for 5 s, one that throws is logged', async () => {
  const { system, clock, log } = loneSystem();
  const idle = (postStop: () => Promise<void>) => behaviorOf<string>(() => undefined, { postStop });
  const hanging = system.spawn(
    idle(() => new Promise(() => undefined)),
    'hanging',
    undefined,
  );
  const throwing = system.spawn(
    idle(() => Promise.reject(new Error('cannot close'))),
    'throwing',
    undefined,
  );
  let done = false;
  const stopped = system.stop(hanging).then(() => {
    done = true;
  });
  await system.stop(throwing);
  await turn();
  clock.advance(4_999);
  await turn();
  assert.equal(done, false);
  clock.advance(1);
  await stopped;
  assert.match(log.errors.join('\n'), /throwing: postStop failed.*cannot close/);
  assert.match(log.errors.join('\n'), /hanging: postStop takes longer/);
  assert.equal(clock.waiting, 0);
});

test('the parent is told of a stopped child, may start it again, and stopChild waits for its postStop', async () => {
  const { system } = loneSystem();
  const events: string[] = [];
  const child = behaviorOf<string>(() => undefined, {
    kind: 'child',
    postStop: async () => {
      await turn();
      events.push('postStop');
    },
  });
  const parent = system.spawn(
    behaviorOf<string, { child: ActorRef | null }>(
      (ctx, message, sender, state) => {
        if (message === 'start') {
          state.child = ctx.spawnChild(child, 'c', undefined);
          sender.reply();
        } else if (state.child !== null) {
          ctx.stopChild(state.child).then(() => sender.reply());
        }
      },
      { kind: 'parent', childStopped: (_, __, ref) => void events.push(`stopped ${ref.id}`) },
    ),
    'p',
    { child: null },
  );
  await system.ask(parent, 'start', { timeoutMs: 1000 });
  await system.ask(parent, 'stop', { timeoutMs: 1000 });
  assert.deepEqual(events, ['postStop', 'stopped c']);
  await system.ask(parent, 'start', { timeoutMs: 1000 });
  assert.deepEqual(system.stats().actors, { child: 1, parent: 1 });
  await system.shutdown();
});

test('shutdown stops everything, once, and nothing starts afterwards', async () => {
  const { system } = loneSystem();
  const ended: string[] = [];
  system.spawn(nested(ended), 'a', 1);
  system.spawn(nested(ended), 'b', 0);
  await Promise.all([system.shutdown(), system.shutdown()]);
  assert.deepEqual([...ended].sort(), ['a', 'a.1', 'a.2', 'b']);
  assert.throws(() => system.spawn(nested(ended), 'c', 0), { code: 'stopped' });
});
