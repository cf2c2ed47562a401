import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Saves } from '../../../src/actors/job/saves.js';

interface Write {
  readonly promise: Promise<void>;
  done(): void;
  fail(): void;
}

function write(): Write {
  let done = (): void => undefined;
  let fail = (): void => undefined;
  const promise = new Promise<void>((resolve, reject) => {
    done = resolve;
    fail = () => reject(new Error('disk full'));
  });
  return { promise, done, fail };
}

test('waits for all writes under way, those that fail and those that come meanwhile included', async () => {
  const saves = new Saves();
  await saves.ended();
  const [first, second, third] = [write(), write(), write()];
  saves.add(first.promise);
  saves.add(second.promise);
  let ended = false;
  const waiting = saves.ended().then(() => {
    ended = true;
  });
  first.fail();
  await first.promise.catch(() => undefined);
  saves.add(third.promise);
  second.done();
  await second.promise;
  await Promise.resolve();
  assert.equal(ended, false);
  third.done();
  await waiting;
  await saves.ended();
});
