import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { ReplicatedDirectory } from '../../../src/actors/runtime/directory.js';
import { PortBus } from '../../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import type { ActorRef, ActorSystem } from '../../../src/actors/runtime/types.js';
import { systemClock } from '../../../src/time.js';
import { type PeerCommand, peerRef, startPeer } from '../../support/actor-peer.js';
import { behaviorOf, RecordedLog, turn } from '../../support/actor-system.js';

const log = new RecordedLog();
const bus = new PortBus(log);
let system: ActorSystem;
let worker: Worker;

const order = <Reply>(command: PeerCommand): Promise<Reply> =>
  system.ask<Reply>(peerRef(1), command, { timeoutMs: 10_000 });
const named = (id: string): ActorRef => ({ kind: 'named', id });
const local = (ended: string[] = []) =>
  behaviorOf<string>((_, __, sender) => sender.reply(0), {
    kind: 'named',
    postStop: (ctx) => void ended.push(ctx.self.id),
  });

before(async () => {
  system = createActorSystem({ thread: 0, clock: systemClock, log, bus });
  system.spawn(local(), 'early', undefined, { epoch: 7 });
  worker = await startPeer(1, [{ thread: 0, bus }]);
});

after(async () => {
  const exit = once(worker, 'exit');
  system.tell(peerRef(1), { do: 'exit' });
  await exit;
  bus.close();
});

test('a thread that joins learns what is there already', async () => {
  assert.deepEqual(await order({ do: 'locate', ref: named('early') }), {
    ref: named('early'),
    thread: 0,
    epoch: 7,
  });
});

test('an actor with an epoch is reachable from another thread, and gone when it stops', async () => {
  await order({ do: 'spawn', id: 'a', epoch: 3 });
  assert.equal(await system.ask(named('a'), 'who', { timeoutMs: 10_000 }), 1);
  await order({ do: 'stop', ref: named('a') });
  assert.equal(system.locate(named('a')), undefined);
});

test('a higher epoch elsewhere takes the address and stops the older actor here', async () => {
  const ended: string[] = [];
  system.spawn(local(ended), 'b', undefined, { epoch: 1 });
  assert.equal(await system.ask(named('b'), 'who', { timeoutMs: 10_000 }), 0);
  await order({ do: 'spawn', id: 'b', epoch: 2 });
  assert.equal(await system.ask(named('b'), 'who', { timeoutMs: 10_000 }), 1);
  assert.deepEqual(ended, ['b']);
  assert.throws(() => system.spawn(local(), 'b', undefined, { epoch: 2 }), { code: 'stale_epoch' });
  assert.throws(() => system.spawn(local(), 'b', undefined, { epoch: 1 }), { code: 'stale_epoch' });
});

test('a higher epoch here takes the address from the actor elsewhere', async () => {
  await order({ do: 'spawn', id: 'c', epoch: 1 });
  system.spawn(local(), 'c', undefined, { epoch: 5 });
  assert.equal(await system.ask(named('c'), 'who', { timeoutMs: 10_000 }), 0);
  assert.deepEqual(await order({ do: 'locate', ref: named('c') }), { ref: named('c'), thread: 0, epoch: 5 });
});

test('a successor in the same thread stops the older one and keeps the address', async () => {
  const ended: string[] = [];
  system.spawn(local(ended), 'd', undefined, { epoch: 1 });
  system.spawn(local(), 'd', undefined, { epoch: 2 });
  assert.deepEqual(system.locate(named('d')), { thread: 0, epoch: 2 });
  await turn();
  assert.deepEqual(ended, ['d']);
  assert.deepEqual(system.locate(named('d')), { thread: 0, epoch: 2 });
  assert.deepEqual(await order({ do: 'locate', ref: named('d') }), { ref: named('d'), thread: 0, epoch: 2 });
});

test('an ask that names another epoch is refused, near and far', async () => {
  await order({ do: 'spawn', id: 'e', epoch: 4 });
  assert.equal(await system.ask(named('e'), 'who', { timeoutMs: 10_000, epoch: 4 }), 1);
  await assert.rejects(system.ask(named('e'), 'who', { timeoutMs: 10_000, epoch: 3 }), {
    code: 'stale_epoch',
  });
  await assert.rejects(system.ask(named('early'), 'who', { timeoutMs: 10_000, epoch: 8 }), {
    code: 'stale_epoch',
  });
});

test('news in any order lead to the same directory: the higher epoch stays', () => {
  const silent = { registered: () => undefined, unregistered: () => undefined };
  const ref = named('x');
  const late = new ReplicatedDirectory(9, silent);
  late.heardRegistered(ref, 2, 20);
  late.heardRegistered(ref, 1, 10);
  late.heardUnregistered(ref, 1, 10);
  assert.deepEqual(late.locate(ref), { ref, thread: 2, epoch: 20 });
  late.heardUnregistered(ref, 2, 19);
  assert.deepEqual(late.locate(ref), { ref, thread: 2, epoch: 20 });
  late.forget(1);
  assert.deepEqual(late.locate(ref), { ref, thread: 2, epoch: 20 });
  late.forget(2);
  assert.equal(late.locate(ref), undefined);
});
