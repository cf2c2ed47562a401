/**
 * The three duration notations of the configuration (spec 07 §1.3): Go durations, Go durations extended by days
 * and weeks, and plain hours or days.
 */

import type { Milliseconds, Nanoseconds } from '../../time.js';

const NS_PER_MS = 1_000_000;
const HOUR_MS = 3_600_000;

type Units = ReadonlyMap<string, bigint>;

const goUnits: Units = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n], // micro sign
  ['\u03bcs', 1_000n], // Greek letter mu
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);
const extendedUnits: Units = new Map([...goUnits, ['d', 86_400_000_000_000n], ['w', 604_800_000_000_000n]]);

/** Go keeps a duration in a signed 64-bit integer. */
const LARGEST = 2n ** 63n - 1n;
/** Longer digit runs cannot fit 64 bits; cutting here also bounds the cost of hostile input. */
const MOST_DIGITS = 19;

/**
 * Parses a Go duration (`1h30m`, `-1.5h`, `0`). Also used for the `auto-close` value of a tunnel.
 * @returns nanoseconds, exact below 2^53
 * @throws Error with Go's text: `time: invalid duration "abc"`, `time: missing unit in duration "10"`,
 * `time: unknown unit "d" in duration "1d"`
 */
export const parseGoDuration = (text: string): Nanoseconds => parse(text, goUnits);

/** Like a Go duration, plus `d` (24 h) and `w` (7 d). Nanoseconds; throws like `parseGoDuration`. */
export const parseExtendedDuration = (text: string): Nanoseconds => parse(text, extendedUnits);

export const nanosecondsToMilliseconds = (nanoseconds: Nanoseconds): Milliseconds => nanoseconds / NS_PER_MS;

/**
 * Parses `<unsigned integer>` followed by `h` or `d` in either case; spaces around the number are fine.
 * @throws Error naming `key`
 */
export function parseHoursOrDays(key: string, text: string): Milliseconds {
  if (text.length === 0) throw new Error(`'${key}' must not be empty value`);
  if (text.length === 1)
    throw new Error(`'${key}' must include value and units, use suffix d (=days) or h (=hours)`);
  const unit = text.slice(-1).toLowerCase();
  if (unit !== 'h' && unit !== 'd')
    throw new Error(`'${key}' must include units of either d (=days) or h (=hours)`);
  const digits = text.slice(0, -1).trim();
  if (!/^[0-9]+$/.test(digits))
    throw new Error(
      `'${key}' must be simple value: strconv.ParseUint: parsing ${JSON.stringify(digits)}: invalid syntax`,
    );
  const milliseconds = Number(digits) * (unit === 'h' ? HOUR_MS : 24 * HOUR_MS);
  if (!Number.isSafeInteger(milliseconds)) throw new Error(`'${key}' is too large`);
  return milliseconds;
}

/** Go's `Duration.String()`: `1h30m0s`, `2.5s`, `1.2ms`, `0s`. */
export function formatGoDuration(nanoseconds: Nanoseconds): string {
  const rest = Math.abs(Math.trunc(nanoseconds));
  const sign = nanoseconds < 0 ? '-' : '';
  if (rest === 0) return '0s';
  if (rest < 1_000) return `${sign}${rest}ns`;
  if (rest < NS_PER_MS) return `${sign}${rest / 1_000}\u00b5s`;
  if (rest < 1_000 * NS_PER_MS) return `${sign}${rest / NS_PER_MS}ms`;
  const wholeSeconds = Math.floor(rest / 1e9);
  const fraction = String(rest % 1e9)
    .padStart(9, '0')
    .replace(/0+$/, '');
  const seconds = `${wholeSeconds % 60}${fraction === '' ? '' : `.${fraction}`}s`;
  const minutes = Math.floor(wholeSeconds / 60);
  if (minutes === 0) return `${sign}${seconds}`;
  const hours = Math.floor(minutes / 60);
  return `${sign}${hours > 0 ? `${hours}h` : ''}${minutes % 60}m${seconds}`;
}

function parse(text: string, units: Units): Nanoseconds {
  const invalid = (): Error => new Error(`time: invalid duration ${quote(text)}`);
  const negative = text.startsWith('-');
  let rest = negative || text.startsWith('+') ? text.slice(1) : text;
  if (rest === '0') return 0;
  if (rest === '') throw invalid();
  let total = 0n;
  while (rest !== '') {
    const part = /^([0-9]*)(?:\.([0-9]*))?([^0-9.]*)/.exec(rest);
    const [matched = '', whole = '', fraction = '', unitName = ''] = part ?? [];
    if (whole === '' && fraction === '') throw invalid();
    if (whole.replace(/^0+/, '').length > MOST_DIGITS) throw invalid();
    if (unitName === '') throw new Error(`time: missing unit in duration ${quote(text)}`);
    const unit = units.get(unitName);
    if (unit === undefined)
      throw new Error(`time: unknown unit ${quote(unitName)} in duration ${quote(text)}`);
    total += BigInt(whole === '' ? '0' : whole) * unit;
    const decimals = fraction.slice(0, MOST_DIGITS);
    if (decimals !== '') total += (BigInt(decimals) * unit) / 10n ** BigInt(decimals.length);
    if (total > LARGEST) throw invalid();
    rest = rest.slice(matched.length);
  }
  return negative ? -Number(total) : Number(total);
}

/** Quotes as Go's `time` package does: everything outside printable ASCII as `\xNN` per byte. */
function quote(text: string): string {
  let quoted = '';
  for (const char of text) {
    if (char === '"' || char === '\\') quoted += `\\${char}`;
    else if (char < ' ' || char >= '\u0080')
      for (const byte of Buffer.from(char)) quoted += `\\x${byte.toString(16).padStart(2, '0')}`;
    else quoted += char;
  }
  return `"${quoted}"`;
}
