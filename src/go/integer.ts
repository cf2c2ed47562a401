import type { Parsed } from './parsed.js';
import { goQuote } from './quote.js';

const LARGEST = 2n ** 63n - 1n;
const SMALLEST = -(2n ** 63n);
/** Digits beyond which a number without leading zeros is out of range; keeps `BigInt` away from long input. */
const MOST_DIGITS = 19;

/**
 * Reads a decimal integer as Go's `strconv.Atoi` does. Values beyond 2^53 lose precision, which no caller
 * minds: they are far outside every accepted range.
 */
export function parseGoInteger(text: string): Parsed<number> {
  const match = /^([+-]?)0*([0-9]*)$/.exec(text);
  if (!match || !/[0-9]/.test(text)) {
    return { ok: false, error: `strconv.Atoi: parsing ${goQuote(text)}: invalid syntax` };
  }
  const digits = match[2] || '0';
  const value =
    digits.length > MOST_DIGITS ? LARGEST + 1n : BigInt(`${match[1] === '-' ? '-' : ''}${digits}`);
  if (value > LARGEST || value < SMALLEST) {
    return { ok: false, error: `strconv.Atoi: parsing ${goQuote(text)}: value out of range` };
  }
  return { ok: true, value: Number(value) };
}
