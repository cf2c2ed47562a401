/**
 * The next minute whose wall-clock time matches five cron fields. Days are counted in the calendar alone; the zone is
 * asked only about days that match, so a date that never comes costs some 2000 small steps. Spec 04 §15.2.
 */

import type { Milliseconds } from '../../time.js';
import type { CronFields } from './schedule.js';
import { offsetAt } from './time-zone.js';

const MINUTE: Milliseconds = 60_000;
const HOUR: Milliseconds = 60 * MINUTE;
const DAY: Milliseconds = 24 * HOUR;
/** A search ends with the last day of the fifth year after the present one. */
const SEARCHED_YEARS = 5;
/** No zone is further from UTC (the extremes are −12 and +14). */
const LARGEST_OFFSET: Milliseconds = 16 * HOUR;

/** A span of time in which the clocks are not changed; `end` is outside. */
interface Span {
  readonly start: Milliseconds;
  readonly end: Milliseconds;
  readonly offset: Milliseconds;
}

/** The first matching minute after `after`, or `null`. */
export function nextMatch(fields: CronFields, after: Milliseconds): Milliseconds | null {
  const { hour, minute, month, timeZone } = fields;
  if (!hour.allows.includes(true) || !minute.allows.includes(true)) return null;
  const start = (Math.floor(after / MINUTE) + 1) * MINUTE;
  // A day in the calendar is its midnight as if it were UTC.
  let day = Math.floor((start + offsetAt(timeZone, start)) / DAY) * DAY;
  const lastYear = new Date(day).getUTCFullYear() + SEARCHED_YEARS;
  for (;;) {
    const date = new Date(day);
    if (date.getUTCFullYear() > lastYear) return null;
    if (month.allows[date.getUTCMonth() + 1] !== true) {
      day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
      continue;
    }
    const found = dayMatches(fields, date) ? firstOfDay(fields, day, start) : null;
    if (found !== null) return found;
    day += DAY;
  }
}

/** With a plain star in either field both must match, else one is enough. */
function dayMatches({ dayOfMonth, dayOfWeek }: CronFields, date: Date): boolean {
  const byDate = dayOfMonth.allows[date.getUTCDate()] === true;
  const byWeekday = dayOfWeek.allows[date.getUTCDay()] === true;
  return dayOfMonth.star || dayOfWeek.star ? byDate && byWeekday : byDate || byWeekday;
}

function firstOfDay(fields: CronFields, day: Milliseconds, from: Milliseconds): Milliseconds | null {
  for (const { start, end, offset } of spansOf(fields.timeZone, day)) {
    // What the wall shows of this day while the span lasts.
    const first = Math.max(start, from) + offset;
    const last = Math.min(end + offset, day + DAY);
    const wall = firstOnWall(fields, day, Math.max(first, day), last);
    if (wall !== null) return wall - offset;
  }
  return null;
}

/** The first matching wall-clock time of the day in [`first`, `last`). */
function firstOnWall(
  { hour, minute }: CronFields,
  day: Milliseconds,
  first: Milliseconds,
  last: Milliseconds,
): Milliseconds | null {
  for (let h = Math.floor((first - day) / HOUR); h < 24; h++) {
    if (hour.allows[h] !== true) continue;
    for (let m = 0; m < 60; m++) {
      const wall = day + h * HOUR + m * MINUTE;
      if (wall >= last) return null;
      if (minute.allows[m] === true && wall >= first) return wall;
    }
  }
  return null;
}

/** The spans in which a day in the calendar lies, in order. One, unless clocks are changed about that day. */
function spansOf(timeZone: string, day: Milliseconds): readonly Span[] {
  const start = day - LARGEST_OFFSET;
  const end = day + DAY + LARGEST_OFFSET;
  const before = offsetAt(timeZone, start);
  const after = offsetAt(timeZone, end - MINUTE);
  if (before === after) return [{ start, end, offset: before }];
  let old = start;
  let changed = end - MINUTE;
  while (changed - old > MINUTE) {
    const middle = Math.floor((old + changed) / 2 / MINUTE) * MINUTE;
    if (offsetAt(timeZone, middle) === before) old = middle;
    else changed = middle;
  }
  return [
    { start, end: changed, offset: before },
    { start: changed, end, offset: after },
  ];
}
