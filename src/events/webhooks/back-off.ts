/** How long to wait before another try. */

import type { Milliseconds } from '../../time.js';

/** A receiver that is up again after a night gets its events within this time. */
export const LONGEST_BACK_OFF: Milliseconds = 5 * 60_000;
/** A receiver may ask for more patience than that, but not for days. */
const LONGEST_RETRY_AFTER: Milliseconds = 60 * 60_000;
/** So that many which failed together do not come back together. */
const JITTER = 0.2;

/** After `failures` in a row; doubles with each. `random` is from 0 to 1. */
export function backOff(first: Milliseconds, failures: number, random: number): Milliseconds {
  const plain = Math.min(LONGEST_BACK_OFF, first * 2 ** Math.min(30, failures - 1));
  return Math.round(plain * (1 - JITTER + 2 * JITTER * random));
}

/** `Retry-After` in seconds or as a date; 0 when there is none that can be read. */
export function retryAfter(header: string | null, now: Milliseconds): Milliseconds {
  if (header === null) return 0;
  const wait = /^\d{1,9}$/.test(header.trim()) ? Number(header) * 1000 : Date.parse(header) - now;
  return Number.isNaN(wait) ? 0 : Math.min(Math.max(0, wait), LONGEST_RETRY_AFTER);
}
