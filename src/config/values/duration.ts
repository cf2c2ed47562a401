/**
 * The three duration notations of the configuration (spec 07 §1.3): Go durations, Go durations extended by days
 * and weeks, and plain hours or days.
 */

import { type DurationUnits, goUnits, parseDuration } from '../../go/duration.js';
import type { Milliseconds, Nanoseconds } from '../../time.js';

const NS_PER_MS = 1_000_000;
const HOUR_MS = 3_600_000;

const extendedUnits: DurationUnits = new Map([
  ...goUnits,
  ['d', 86_400_000_000_000n],
  ['w', 604_800_000_000_000n],
]);

/** Like a Go duration, plus `d` (24 h) and `w` (7 d). Nanoseconds; throws like `parseGoDuration`. */
export const parseExtendedDuration = (text: string): Nanoseconds => parseDuration(text, extendedUnits);

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
