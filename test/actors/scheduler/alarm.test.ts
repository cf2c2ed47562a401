import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { setSystemAlarm } from '../../../src/actors/scheduler/alarm.js';

const DAY = 24 * 3_600_000;
const NOW = Date.parse('2026-01-01T00:00:00Z');

test('alarms of the machine’s clock: years ahead, cancelled, of the past, and several at once', (context) => {
  mock.timers.enable({ apis: ['Date', 'setTimeout'], now: NOW });
  context.after(() => mock.timers.reset());
  const rung: string[] = [];
  const set = (name: string, at: number) => setSystemAlarm(at, () => rung.push(name));
  set('far', NOW + 100 * DAY);
  set('one', NOW + 1_000);
  set('two', NOW + 1_000);
  const cancelled = set('cancelled', NOW + 500);
  set('past', NOW - 1_000);
  assert.deepEqual(rung, []);
  cancelled.cancel();
  mock.timers.tick(0);
  assert.deepEqual(rung, ['past']);
  for (let step = 0; step < 20; step += 1) mock.timers.tick(100);
  assert.deepEqual(rung.toSorted(), ['one', 'past', 'two']);
  // Beyond what `setTimeout` can count, which is some 24 days.
  for (let day = 0; day < 99; day += 1) mock.timers.tick(DAY);
  assert.deepEqual(rung.length, 3);
  for (let step = 0; step < 50; step += 1) mock.timers.tick(DAY / 24);
  assert.deepEqual(rung.slice(3), ['far']);
});
