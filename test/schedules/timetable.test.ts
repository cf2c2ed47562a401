import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleId } from '../../src/ids.js';
import { Timetable } from '../../src/schedules/timetable.js';
import type { Milliseconds } from '../../src/time.js';
import { ManualClock } from '../support/manual-clock.js';
import { WallClock } from '../support/wall-clock.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A timetable with one schedule; what is due is written down as the clock shows it. `looking`: once a second. */
function tableAt(start: string, text: string, looking = true) {
  const passing = new ManualClock(Date.parse(start));
  const clock = new WallClock(passing);
  const runs: string[] = [];
  const missed: string[] = [];
  const id = scheduleId('one');
  const table: Timetable = new Timetable({
    clock,
    setAlarm: clock.setAlarm,
    onAlarm(alarmed, at) {
      const kind = table.due(alarmed, at);
      const shown = new Date(clock.now()).toISOString().replace('.000Z', 'Z');
      if (kind === 'run') runs.push(shown);
      if (kind === 'missed') missed.push(shown);
    },
  });
  const check = (): void => {
    for (const _ of table.check());
    passing.after(SECOND, check);
  };
  if (looking) passing.after(SECOND, check);
  const problem = table.put(id, text);
  const pass = (time: Milliseconds) => passing.advance(time);
  /** What was due since it was asked last. */
  const due = (): string[] => runs.splice(0);
  return { table, id, clock, pass, due, missed, problem };
}

test('a schedule is due at its times, each once', () => {
  const { pass, due, table, id } = tableAt('2024-01-31T10:30:15Z', 'TZ=UTC */5 * * * *');
  assert.equal(table.next(id), Date.parse('2024-01-31T10:35:00Z'));
  pass(11 * MINUTE);
  assert.deepEqual(due(), ['2024-01-31T10:35:00Z', '2024-01-31T10:40:00Z']);
  assert.equal(table.next(id), Date.parse('2024-01-31T10:45:00Z'));
});

test('one that is due in years waits for it, beyond what timers can count', () => {
  const { pass, due } = tableAt('2024-03-01T00:00:00Z', 'TZ=UTC 0 0 29 2 *', false);
  pass(4 * 365 * DAY - HOUR);
  assert.deepEqual(due(), []);
  pass(DAY);
  assert.deepEqual(due(), ['2028-02-29T00:00:00Z']);
});

test('@every counts from the registration, then from each run', () => {
  const { pass, due, table, id } = tableAt('2024-01-31T10:30:15Z', '@every 90s');
  pass(4 * MINUTE);
  assert.deepEqual(due(), ['2024-01-31T10:31:45Z', '2024-01-31T10:33:15Z']);
  table.put(id, '@every 90s');
  assert.equal(table.next(id), Date.parse('2024-01-31T10:35:45Z'));
});

test('a date that never comes is never due, and a text that means nothing says why', () => {
  const { pass, due, table, id, problem } = tableAt('2024-01-01T00:00:00Z', '0 0 31 2 *');
  assert.equal(problem, null);
  assert.equal(table.next(id), null);
  pass(DAY);
  assert.deepEqual(due(), []);
  assert.equal(table.put(id, '* * *'), 'expected exactly 5 fields, found 3: [* * *]');
  assert.equal(table.next(id), null);
});

test('a time that the change to summer leaves out is not due that day, one that comes twice is due twice', () => {
  const spring = tableAt('2024-03-30T00:00:00Z', 'CRON_TZ=Europe/Berlin 30 2 * * *');
  spring.pass(3 * DAY);
  assert.deepEqual(spring.due(), ['2024-03-30T01:30:00Z', '2024-04-01T00:30:00Z']);
  const autumn = tableAt('2024-10-26T12:00:00Z', 'CRON_TZ=Europe/Berlin 30 2 * * *');
  autumn.pass(DAY);
  assert.deepEqual(autumn.due(), ['2024-10-27T00:30:00Z', '2024-10-27T01:30:00Z']);
});

test('a clock set forward: what it jumped over is due once', () => {
  const { clock, pass, due } = tableAt('2024-01-31T10:00:30Z', 'TZ=UTC */10 * * * *');
  clock.set(35 * MINUTE);
  pass(2 * SECOND);
  assert.deepEqual(due(), ['2024-01-31T10:35:31Z']);
  pass(10 * MINUTE);
  assert.deepEqual(due(), ['2024-01-31T10:40:00Z']);
});

test('a clock set forward to just before a time: it is due by the new clock', () => {
  const { clock, pass, due } = tableAt('2024-01-31T10:00:30Z', 'TZ=UTC 0 11 * * *');
  clock.set(59 * MINUTE);
  pass(45 * SECOND);
  const [at] = due();
  // The alarm was set for an hour: the look once a second finds it, a second or two later.
  assert.ok(at !== undefined && at >= '2024-01-31T11:00:00Z' && at <= '2024-01-31T11:00:03Z', at);
});

test('a clock set forward by many hours, or a machine that slept: what it jumped over is missed', () => {
  const { clock, pass, due, missed } = tableAt('2024-01-31T10:00:30Z', 'TZ=UTC 0 11 * * *');
  clock.set(20 * HOUR);
  pass(2 * SECOND);
  assert.deepEqual(due(), []);
  assert.equal(missed.length, 1);
  pass(5 * HOUR);
  assert.deepEqual(due(), ['2024-02-01T11:00:00Z']);
});

test('a clock set back a little: nothing is due for the second time', () => {
  const { clock, pass, due } = tableAt('2024-01-31T10:59:30Z', 'TZ=UTC 0 * * * *');
  pass(MINUTE);
  assert.deepEqual(due(), ['2024-01-31T11:00:00Z']);
  clock.set(-10 * MINUTE);
  pass(30 * MINUTE);
  assert.deepEqual(due(), []);
  pass(HOUR);
  assert.deepEqual(due(), ['2024-01-31T12:00:00Z']);
});

test('a clock set back by days: what is due follows from the new time', () => {
  const { clock, pass, due } = tableAt('2024-01-31T10:59:30Z', 'TZ=UTC 0 * * * *');
  clock.set(-10 * DAY);
  pass(HOUR);
  assert.deepEqual(due(), ['2024-01-21T11:00:00Z']);
});

test('@every keeps its distance when the clock is set', () => {
  const { clock, pass, due } = tableAt('2024-01-31T10:00:00Z', '@every 60s');
  pass(90 * SECOND);
  assert.deepEqual(due(), ['2024-01-31T10:01:00Z']);
  clock.set(-HOUR);
  pass(3 * MINUTE);
  assert.equal(due().length, 2);
  clock.set(HOUR);
  pass(5 * SECOND);
  assert.equal(due().length, 1);
});

test('one that was removed or registered anew is not due as it was before', () => {
  const { table, id, pass, due } = tableAt('2024-01-31T10:00:30Z', 'TZ=UTC 10 * * * *');
  table.put(id, 'TZ=UTC 20 * * * *');
  pass(15 * MINUTE);
  assert.deepEqual(due(), []);
  table.remove(id);
  pass(HOUR);
  assert.deepEqual(due(), []);
  assert.equal(table.next(id), null);
});
