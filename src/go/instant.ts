import type { Instant } from '../time.js';

/** What Go's JSON has for a time that was never set. */
export const GO_ZERO_TIME: Instant = '0001-01-01T00:00:00Z';

const TRAILING_ZEROS = /\.?0+Z$/;

/** An instant as Go prints it: no trailing zeros in the fraction, no fraction when it is zero. */
export function goInstant(at: Instant): string {
  return at.endsWith('0Z') && at.includes('.') ? at.replace(TRAILING_ZEROS, 'Z') : at;
}
