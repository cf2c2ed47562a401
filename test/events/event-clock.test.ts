import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EventClock, eventClockMemory, isEventId } from '../../src/events/event-clock.js';
import { ManualClock } from '../support/manual-clock.js';

test('ids rise and sort as texts, within a millisecond and when the clock goes back', () => {
  const clock = new ManualClock(1_000_000);
  const numbers = new EventClock(eventClockMemory(), clock);
  const ids = Array.from({ length: 3000 }, () => numbers.next());
  clock.advance(10);
  ids.push(numbers.next());
  const behind = new EventClock(eventClockMemory(), new ManualClock(5));
  behind.startAfter(ids.at(-1) ?? '');
  ids.push(behind.next());
  assert.deepEqual(ids, [...new Set(ids)].sort());
  assert.ok(ids.every(isEventId));
  assert.ok(!isEventId('x') && !isEventId(`${ids[0]}0`));
});

test('threads that count in the same memory never give the same id', () => {
  const memory = eventClockMemory();
  const one = new EventClock(memory, new ManualClock(1000));
  const other = new EventClock(memory, new ManualClock(999));
  const ids = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? one : other).next());
  assert.deepEqual(ids, [...new Set(ids)].sort());
});
