import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StreamEvent } from '../../src/events/event.js';
import { RecentEvents } from '../../src/events/recent-events.js';
import { clientId } from '../../src/ids.js';

const event = (number: number, text = 'x'): StreamEvent => ({
  id: String(number).padStart(14, '0'),
  type: 'client.connected',
  clientId: clientId('c'),
  connectedAt: null,
  allowedUserGroups: null,
  webhooks: [],
  text,
});

test('what came after an event is found by its place, not by its id', () => {
  const recent = new RecentEvents();
  // Threads do not tell in the order of ids.
  for (const number of [1, 3, 2, 4]) recent.add(event(number));
  const { place, known } = recent.after(event(3).id);
  assert.equal(known, true);
  assert.deepEqual(
    recent.read(place, 10)?.map(({ id }) => Number(id)),
    [2, 4],
  );
  assert.deepEqual(recent.after(event(4).id), { place: recent.end, known: true });
});

test('an event that is not kept is not known, and what is higher comes', () => {
  const recent = new RecentEvents();
  for (const number of [5, 6]) recent.add(event(number));
  assert.deepEqual(recent.after(event(1).id), { place: 0, known: false });
  assert.deepEqual(recent.after(event(9).id), { place: 2, known: false });
});

test('it keeps a bounded number, and a bounded amount of text', () => {
  const many = new RecentEvents();
  for (let number = 0; number < 25_000; number += 1) many.add(event(number));
  assert.equal(many.read(0, 1), null);
  assert.equal(many.after(event(0).id).known, false);
  assert.ok((many.read(many.end - 5000, 5000)?.length ?? 0) === 5000);
  const long = new RecentEvents();
  for (let number = 0; number < 100; number += 1) long.add(event(number, 'x'.repeat(512 * 1024)));
  assert.equal(long.read(long.end - 30, 1), null);
  assert.ok(long.read(long.end - 5, 5) !== null);
});
