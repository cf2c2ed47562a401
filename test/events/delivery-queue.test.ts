import assert from 'node:assert/strict';
import { test } from 'node:test';
import { backOff, LONGEST_BACK_OFF, retryAfter } from '../../src/events/webhooks/back-off.js';
import { DeliveryQueue } from '../../src/events/webhooks/delivery-queue.js';
import { clientId } from '../../src/ids.js';
import type { QueuedDelivery } from '../../src/store/webhook-queue.js';

const row = (client: string, number: number): QueuedDelivery => ({
  webhook: 'w',
  event: String(number).padStart(14, '0'),
  clientId: clientId(client),
  type: 'client.connected',
  text: '{}',
  queuedAt: 0,
});

function queueOf(...rows: readonly QueuedDelivery[]): DeliveryQueue {
  const queue = new DeliveryQueue();
  for (const one of rows) queue.load(one);
  return queue;
}

const take = (queue: DeliveryQueue, now = 0): string[] => {
  const taken: string[] = [];
  for (let one = queue.take(now); one !== null; one = queue.take(now))
    taken.push(`${one.clientId}${Number(one.event)}`);
  return taken;
};

test('one event of a client at a time, several clients side by side', () => {
  const [a1, a3, b2] = [row('a', 1), row('a', 3), row('b', 2)];
  const queue = queueOf(a1, b2, a3);
  assert.deepEqual(take(queue), ['a1', 'b2']);
  queue.delivered(a1);
  assert.deepEqual(take(queue), ['a3']);
  assert.equal(queue.has(a1.event), false);
  assert.equal(queue.has(b2.event), true);
});

test('at most eight side by side', () => {
  const queue = queueOf(...Array.from({ length: 20 }, (_, index) => row(`c${index}-`, index)));
  assert.equal(take(queue).length, 8);
});

test('an older event goes before those that wait, not before the one under way', () => {
  const queue = queueOf(row('a', 5), row('a', 6));
  assert.deepEqual(take(queue), ['a5']);
  queue.load(row('a', 2));
  queue.delivered(row('a', 5));
  assert.deepEqual(take(queue), ['a2']);
});

test('a receiver that fails is asked by one at a time, and others get their turn before a bad event', () => {
  const rows = Array.from({ length: 5 }, (_, index) => row(`c${index}-`, index));
  const queue = queueOf(...rows);
  assert.equal(take(queue).length, 5);
  for (const one of rows) queue.failed(one, 0, 100, 0, 0.5);
  assert.ok(queue.failing);
  assert.deepEqual(take(queue, 50), []);
  const due = queue.next(50);
  assert.equal(due, 100);
  assert.equal(take(queue, 100).length, 1);
  const [probe] = rows;
  assert.ok(probe);
  queue.delivered(probe);
  assert.equal(take(queue, 100).length, 4);
});

test('waits double, jitter included, up to a bound', () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((failures) => backOff(1000, failures, 0.5)),
    [1000, 2000, 4000, 8000],
  );
  assert.equal(backOff(1000, 1, 0), 800);
  assert.equal(backOff(1000, 1, 1), 1200);
  assert.equal(backOff(1000, 1000, 0.5), LONGEST_BACK_OFF);
});

test('Retry-After is read as seconds or as a date', () => {
  const now = Date.UTC(2026, 0, 1);
  assert.equal(retryAfter('7', now), 7000);
  assert.equal(retryAfter('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000);
  assert.equal(retryAfter('Wed, 31 Dec 2025 00:00:30 GMT', now), 0);
  assert.equal(retryAfter('999999999', now), 3_600_000);
  for (const text of [null, '', 'soon', '-5']) assert.equal(retryAfter(text, now), 0);
});
