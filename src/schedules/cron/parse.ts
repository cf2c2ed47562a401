/**
 * Cron texts as the reference takes them: the standard parser of robfig/cron, with five fields, descriptors and time
 * zones, and its error texts. Parsers made for JavaScript accept another language. Spec 04 §15.2.
 */

import { parseGoDuration } from '../../go/duration.js';
import type { Parsed } from '../../go/parsed.js';
import { type FieldBounds, parseField } from './parse-field.js';
import type { CronField, CronSchedule } from './schedule.js';
import { isTimeZone, localTimeZone } from './time-zone.js';

const names = (first: number, text: string): ReadonlyMap<string, number> =>
  new Map(text.split(' ').map((name, index) => [name, first + index]));

const MINUTES: FieldBounds = { min: 0, max: 59 };
const HOURS: FieldBounds = { min: 0, max: 23 };
const DAYS: FieldBounds = { min: 1, max: 31 };
const MONTHS: FieldBounds = {
  min: 1,
  max: 12,
  names: names(1, 'jan feb mar apr may jun jul aug sep oct nov dec'),
};
const WEEKDAYS: FieldBounds = { min: 0, max: 6, names: names(0, 'sun mon tue wed thu fri sat') };

const descriptors: Readonly<Record<string, string>> = {
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const EVERY = '@every ';
const NANOSECONDS_PER_SECOND = 1e9;
/** White space as Go's `unicode.IsSpace` has it. */
const SPACES = /[\t\n\v\f\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/;

/**
 * Reads a cron text. An optional `TZ=` or `CRON_TZ=` in front names the zone; without it, or with `Local`, the times
 * are those of the clock on the wall in `local`, the server's own zone unless given.
 */
export function parseCron(text: string, local: string = localTimeZone()): Parsed<CronSchedule> {
  if (text === '') return refused('empty spec string');
  const prefix = /^(?:CRON_)?TZ=([^ ]*)/.exec(text);
  if (prefix === null) return parseTimes(text, local);
  const [matched, zone = ''] = prefix;
  // Zone and times are told apart by the first space; the reference crashes without one.
  const location = loadLocation(zone, local);
  if (!location.ok) return refused(`provided bad location ${zone}: ${location.error}`);
  return parseTimes(trimmed(text.slice(matched.length)), location.value);
}

function parseTimes(text: string, timeZone: string): Parsed<CronSchedule> {
  if (text.startsWith('@')) return parseDescriptor(text, timeZone);
  const texts = text.split(SPACES).filter((part) => part !== '');
  if (texts.length !== 5) {
    return refused(`expected exactly 5 fields, found ${texts.length}: [${texts.join(' ')}]`);
  }
  const read: CronField[] = [];
  for (const [index, bounds] of [MINUTES, HOURS, DAYS, MONTHS, WEEKDAYS].entries()) {
    const field = parseField(texts[index] ?? '', bounds);
    if (!field.ok) return field;
    read.push(field.value);
  }
  const [minute, hour, dayOfMonth, month, dayOfWeek] = read as [
    CronField,
    CronField,
    CronField,
    CronField,
    CronField,
  ];
  const fields = { minute, hour, dayOfMonth, month, dayOfWeek, timeZone };
  return { ok: true, value: { kind: 'fields', fields } };
}

function parseDescriptor(text: string, timeZone: string): Parsed<CronSchedule> {
  if (Object.hasOwn(descriptors, text)) return parseTimes(descriptors[text] ?? '', timeZone);
  if (!text.startsWith(EVERY)) return refused(`unrecognized descriptor: ${text}`);
  try {
    const nanoseconds = parseGoDuration(text.slice(EVERY.length));
    const delay = Math.max(Math.floor(nanoseconds / NANOSECONDS_PER_SECOND), 1);
    return { ok: true, value: { kind: 'every', delay } };
  } catch (error) {
    return refused(`failed to parse duration ${text}: ${(error as Error).message}`);
  }
}

/** Go's `time.LoadLocation`. */
function loadLocation(name: string, local: string): Parsed<string> {
  if (name === '' || name === 'UTC') return { ok: true, value: 'UTC' };
  if (name === 'Local') return { ok: true, value: local };
  if (name.includes('..') || name.startsWith('/') || name.startsWith('\\')) {
    return refused('time: invalid location name');
  }
  return isTimeZone(name) ? { ok: true, value: name } : refused(`unknown time zone ${name}`);
}

const LEADING = new RegExp(`^${SPACES.source}`);
const TRAILING = new RegExp(`${SPACES.source}$`);
const trimmed = (text: string): string => text.replace(LEADING, '').replace(TRAILING, '');

const refused = (error: string): { readonly ok: false; readonly error: string } => ({ ok: false, error });
