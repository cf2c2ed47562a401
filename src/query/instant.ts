/** Dates in filter values and in the fields they are compared with. */

import type { Milliseconds } from '../time.js';

export const DAY: Milliseconds = 24 * 60 * 60 * 1000;

const RFC_3339 = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d{1,9})\d*)?(?:Z|([+-])(\d\d):(\d\d))$/;
const PLAIN_DATE = /^(\d{4})-(\d\d)-(\d\d)$/;

/** Milliseconds since the epoch, with a fraction good to a microsecond; `undefined` when `text` is not RFC 3339. */
export function parseRfc3339(text: string): Milliseconds | undefined {
  // Cheap look first: this runs over every field that a date filter looks at.
  if (text.length < 20 || text.charCodeAt(4) !== 0x2d) return undefined;
  const match = RFC_3339.exec(text);
  if (match === null) return undefined;
  const day = utcDay(match[1], match[2], match[3]);
  const [hours, minutes, seconds] = [Number(match[4]), Number(match[5]), Number(match[6])];
  const [offsetHours, offsetMinutes] = [Number(match[9] ?? 0), Number(match[10] ?? 0)];
  if (day === undefined || hours > 23 || minutes > 59 || seconds > 59) return undefined;
  if (offsetHours > 24 || offsetMinutes > 59) return undefined;
  const fraction = match[7] === undefined ? 0 : Number(`0.${match[7]}`) * 1000;
  const offset = (offsetHours * 60 + offsetMinutes) * (match[8] === '-' ? -1 : 1);
  return day + ((hours * 60 + minutes - offset) * 60 + seconds) * 1000 + fraction;
}

/** `+` in a query string that was not escaped arrives as a space. */
const LOST_PLUS = /(T\d\d:\d\d:\d\d(?:\.\d+)?) (\d\d:\d\d)$/;

/** What a filter value says when it is read as a time: RFC 3339, or a date, which is the start of that day in UTC. */
export function parseInstantValue(text: string): Milliseconds | undefined {
  return parseRfc3339(text.replace(LOST_PLUS, '$1+$2')) ?? parsePlainDate(text);
}

/** Seconds since the epoch as a filter value; only where a bare number can mean nothing else. */
export function parseUnixSeconds(text: string): Milliseconds | undefined {
  return /^[0-9]{1,12}$/.test(text) ? Number(text) * 1000 : undefined;
}

/**
 * Whether `at` stands to `value` as the operator of a filter says. `eq` covers `span` from `value` on, 0 = the very
 * instant, as no operator does.
 */
export function compareInstants(
  operator: string,
  at: Milliseconds,
  value: Milliseconds,
  span: Milliseconds,
): boolean {
  switch (operator) {
    case 'gt':
      return at > value;
    case 'lt':
      return at < value;
    case 'since':
      return at >= value;
    case 'until':
      return at <= value;
    case 'eq':
      return at === value || (at > value && at < value + span);
    default:
      return at === value;
  }
}

/** Start of the day in UTC; `undefined` when `text` is not `YYYY-MM-DD`. */
export function parsePlainDate(text: string): Milliseconds | undefined {
  const match = PLAIN_DATE.exec(text);
  return match === null ? undefined : utcDay(match[1], match[2], match[3]);
}

function utcDay(yearText = '', monthText = '', dayText = ''): Milliseconds | undefined {
  const [year, month, day] = [Number(yearText), Number(monthText), Number(dayText)];
  // `setUTCFullYear` takes the years 0 to 99 as they are, `Date.UTC` does not.
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day ? date.getTime() : undefined;
}
