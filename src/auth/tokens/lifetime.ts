/** How long a token may live. Spec 02 §6.4 and §7.3 step 5. */

import { AppError } from '../../errors.js';
import type { Milliseconds, Seconds } from '../../time.js';

const DEFAULT_LIFETIME: Seconds = 600;
/** 90 days. */
const LONGEST_LIFETIME: Seconds = 7_776_000;
const INT64_MAX = 2n ** 63n - 1n;

/** The end no use can push a token beyond. `maxHours` is `api.max_token_lifetime`. */
export function longestLifetime(maxHours: number): Milliseconds {
  const seconds = maxHours > 0 ? Math.min(maxHours * 3600, LONGEST_LIFETIME) : LONGEST_LIFETIME;
  return seconds * 1000;
}

/**
 * The lifetime asked for with `token-lifetime`; the default when absent, zero or negative.
 * Throws `AppError` 400 for what is no number or too long.
 */
export function parseLifetime(text: string | undefined, longest: Milliseconds): Milliseconds {
  const fallback = Math.min(DEFAULT_LIFETIME * 1000, longest);
  if (text === undefined || text === '') return fallback;
  const problem = (reason: string) =>
    new AppError('bad_request', {
      title: `invalid token-lifetime : strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 100))}: ${reason}`,
    });
  // A hostile run of digits is refused by its length before it becomes a number.
  if (!/^[+-]?\d+$/.test(text)) throw problem('invalid syntax');
  if (text.length > 100) throw problem('value out of range');
  const value = BigInt(text.replace(/^\+/, ''));
  if (value > INT64_MAX || value < -INT64_MAX - 1n) throw problem('value out of range');
  if (value <= 0n) return fallback;
  if (value * 1000n > BigInt(longest)) {
    throw new AppError('bad_request', {
      title: `requested token lifetime exceeds max allowed ${longest / 1000}`,
    });
  }
  return Number(value) * 1000;
}
