/** Durations in the notation of Go. */

import type { Nanoseconds } from '../time.js';

/** Nanoseconds of each unit. */
export type DurationUnits = ReadonlyMap<string, bigint>;

export const goUnits: DurationUnits = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n], // micro sign
  ['\u03bcs', 1_000n], // Greek letter mu
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

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
export const parseGoDuration = (text: string): Nanoseconds => parseDuration(text, goUnits);

/** Go's `Duration.String()`: `1h30m0s`, `2.5s`, `1.2ms`, `0s`. */
export function formatGoDuration(nanoseconds: Nanoseconds): string {
  const rest = Math.abs(Math.trunc(nanoseconds));
  const sign = nanoseconds < 0 ? '-' : '';
  if (rest === 0) return '0s';
  if (rest < 1e3) return `${sign}${rest}ns`;
  if (rest < 1e6) return `${sign}${rest / 1e3}\u00b5s`;
  if (rest < 1e9) return `${sign}${rest / 1e6}ms`;
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

/** Like `parseGoDuration` with other units. */
export function parseDuration(text: string, units: DurationUnits): Nanoseconds {
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
