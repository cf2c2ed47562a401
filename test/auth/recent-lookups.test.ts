import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RecentLookups } from '../../src/auth/recent-lookups.js';
import { ManualClock } from '../support/manual-clock.js';

/** A source whose answers count up, and come when the test says so. */
function slowSource(capacity = 10) {
  const clock = new ManualClock();
  const asked: string[] = [];
  const open: { resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const lookups = new RecentLookups<string>({
    clock,
    capacity,
    load: (key) => {
      asked.push(key);
      return new Promise((resolve, reject) => open.push({ resolve, reject }));
    },
  });
  return { clock, asked, lookups, next: () => open.shift() };
}

test('a burst costs one query, and a remembered answer comes at once, for a second', async () => {
  const { clock, asked, lookups, next } = slowSource();
  const all = Array.from({ length: 200 }, () => lookups.recent('a'));
  next()?.resolve('one');
  assert.deepEqual(new Set(await Promise.all(all)), new Set(['one']));
  assert.equal(lookups.recent('a'), 'one');
  clock.advance(999);
  assert.equal(lookups.recent('a'), 'one');
  clock.advance(1);
  const again = lookups.recent('a');
  next()?.resolve('two');
  assert.equal(await again, 'two');
  assert.deepEqual(asked, ['a', 'a']);
});

test('an answer is as old as its query, however long that took', async () => {
  const { clock, asked, lookups, next } = slowSource();
  const first = lookups.recent('a');
  clock.advance(900);
  next()?.resolve('one');
  await first;
  assert.equal(lookups.recent('a'), 'one');
  clock.advance(100);
  assert.ok(lookups.recent('a') instanceof Promise);
  // This one has been under way for too long for new callers.
  clock.advance(1_500);
  const late = lookups.recent('a');
  next()?.resolve('two');
  await new Promise((resolve) => setImmediate(resolve));
  next()?.resolve('three');
  assert.equal(await late, 'three');
  assert.equal(asked.length, 3);
});

test('a clock that was set back makes nothing last', async () => {
  const { clock, asked, lookups, next } = slowSource();
  const first = lookups.recent('a');
  next()?.resolve('one');
  await first;
  clock.advance(-10_000);
  void lookups.recent('a');
  assert.equal(asked.length, 2);
});

test('a current answer was asked for after the call; those who wait share one query', async () => {
  const { asked, lookups, next } = slowSource();
  const first = lookups.current('a');
  const others = Array.from({ length: 50 }, () => lookups.current('a'));
  next()?.resolve('old');
  assert.equal(await first, 'old');
  await new Promise((resolve) => setImmediate(resolve));
  next()?.resolve('new');
  assert.deepEqual(new Set(await Promise.all(others)), new Set(['new']));
  assert.equal(asked.length, 2);
  // It is remembered for those who need no more than that.
  assert.equal(lookups.recent('a'), 'new');
});

test('what was forgotten is not answered any more, even if it was under way', async () => {
  const { asked, lookups, next } = slowSource();
  const before = lookups.recent('a');
  lookups.forget();
  const after = lookups.recent('a');
  assert.equal(asked.length, 2);
  next()?.resolve('old');
  assert.equal(await before, 'old');
  next()?.resolve('new');
  assert.equal(await after, 'new');
  assert.equal(lookups.recent('a'), 'new');
});

test('a failure reaches those who waited, and is not remembered', async () => {
  const { lookups, next } = slowSource();
  const [one, two, current] = [lookups.recent('a'), lookups.recent('a'), lookups.current('a')];
  next()?.reject(new Error('down'));
  for (const waiting of [one, two]) await assert.rejects(async () => waiting, /down/);
  await new Promise((resolve) => setImmediate(resolve));
  next()?.resolve('up');
  assert.equal(await current, 'up');
});

test('the memory has a bound', async () => {
  const { asked, lookups, next } = slowSource(2);
  for (const key of ['a', 'b', 'c']) {
    const found = lookups.recent(key);
    next()?.resolve(key);
    await found;
  }
  assert.equal(lookups.recent('c'), 'c');
  assert.ok(lookups.recent('a') instanceof Promise);
  const long = 'x'.repeat(10_000);
  const found = lookups.recent(long);
  next()?.resolve('');
  next()?.resolve('');
  await found;
  void lookups.recent(long);
  assert.equal(asked.length, 6);
});
