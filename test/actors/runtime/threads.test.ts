import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import { PortBus } from '../../../src/actors/runtime/port-bus.js';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import type { ActorSystem } from '../../../src/actors/runtime/types.js';
import { systemClock } from '../../../src/time.js';
import { type PeerCommand, peerRef, startPeer } from '../../support/actor-peer.js';
import { RecordedLog } from '../../support/actor-system.js';

const log = new RecordedLog();
const bus = new PortBus(log);
let system: ActorSystem;
let worker: Worker;

const order = <Reply>(command: PeerCommand, timeoutMs = 10_000): Promise<Reply> =>
  system.ask<Reply>(peerRef(1), command, { timeoutMs });

before(async () => {
  system = createActorSystem({ thread: 0, clock: systemClock, log, bus });
  worker = await startPeer(1, [{ thread: 0, bus }]);
});

after(async () => {
  const exit = once(worker, 'exit');
  system.tell(peerRef(1), { do: 'exit' });
  await exit;
  bus.close();
});

test('asks are pipelined and each gets its own reply', async () => {
  const replies = await Promise.all(
    Array.from({ length: 5000 }, (_, n) => order<number>({ do: 'echo', value: n })),
  );
  assert.deepEqual(
    replies,
    Array.from({ length: 5000 }, (_, n) => n),
  );
});

test('what was published has been handled everywhere when `published` resolves', async () => {
  const heard = new Int32Array(new SharedArrayBuffer(4));
  await order({ do: 'count', topic: 'fenced', into: heard });
  for (let n = 0; n < 500; n++) system.publish('fenced', n);
  await system.published();
  assert.equal(Atomics.load(heard, 0), 500);
});

test('`published` does not wait for threads that are not there', async () => {
  await createActorSystem({ thread: 7, clock: systemClock, log }).published();
});

test('tells and asks of one sender arrive in order', async () => {
  for (let n = 0; n < 1000; n++) system.tell(peerRef(1), { do: 'note', value: n });
  const notes = await order<number[]>({ do: 'notes' });
  assert.deepEqual(
    notes,
    Array.from({ length: 1000 }, (_, n) => n),
  );
});

test('what cannot be cloned fails its own ask; the others of the batch arrive', async () => {
  const good = order({ do: 'echo', value: 'good' });
  const bad = assert.rejects(order({ do: 'echo', value: () => undefined }), { code: 'crashed' });
  const badReply = assert.rejects(order({ do: 'answer with a function' }), { code: 'crashed' });
  const alsoGood = order({ do: 'echo', value: 'also good' });
  system.tell(peerRef(1), { do: 'note', value: Symbol('x') });
  assert.equal(await good, 'good');
  assert.equal(await alsoGood, 'also good');
  await Promise.all([bad, badReply]);
  assert.match(log.errors.join('\n'), /tell peer cannot be sent/);
});

test('an ask the other thread leaves unanswered ends at its time-out', async () => {
  // Real time: the worker handle keeps this thread alive until the clock rings.
  await assert.rejects(order({ do: 'never answer' }, 20), { code: 'timeout' });
});

test('published data arrives in order, with its publisher, until unsubscribed', async () => {
  const values = Array.from({ length: 100 }, (_, n) => ({ n }));
  const heard: unknown[] = [];
  const throwing = system.subscribe('news', () => {
    throw new Error('bad subscriber');
  });
  const unsubscribe = system.subscribe('news', (data, from) => void heard.push([data, from]));
  await order({ do: 'publish', topic: 'news', values });
  unsubscribe();
  throwing();
  await order({ do: 'publish', topic: 'news', values: ['too late'] });
  assert.deepEqual(
    heard,
    values.map((value) => [value, 1]),
  );
});

test('a lost thread: its asks end with `stopped`, its entries are gone before the handlers run', async () => {
  const second = await startPeer(2, [{ thread: 0, bus }]);
  assert.deepEqual(system.locate(peerRef(2)), { ref: peerRef(2), thread: 2, epoch: 1 });
  const waiting = assert.rejects(system.ask(peerRef(2), { do: 'never answer' }, { timeoutMs: 60_000 }), {
    code: 'stopped',
  });
  const lost = new Promise<void>((resolve) => {
    const unsubscribe = system.onThreadLost((thread) => {
      assert.equal(thread, 2);
      assert.equal(system.locate(peerRef(2)), undefined);
      unsubscribe();
      resolve();
    });
  });
  const exit = once(second, 'exit');
  system.tell(peerRef(2), { do: 'exit' });
  await Promise.all([waiting, lost, exit]);
  await assert.rejects(system.ask(peerRef(2), { do: 'echo', value: 1 }, { timeoutMs: 1000 }), {
    code: 'no_such_actor',
  });
  assert.deepEqual(bus.threads, [1]);
  assert.equal(await order({ do: 'echo', value: 'still here' }), 'still here');
});
