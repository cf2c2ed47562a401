/** JSON text as Go's encoder writes it, for everything built below the HTTP layer. Spec 03 §1.3. */

import type { Instant } from './time.js';

const GO_ESCAPED = /[<>&\u2028\u2029]/g;
const NEEDS_GO_ESCAPE = /[<>&\u2028\u2029]/;

const unicodeEscape = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * `value` as JSON text with `<`, `>`, `&`, U+2028 and U+2029 written as `\uXXXX`. Keys keep their order;
 * `undefined` becomes `null`.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  return NEEDS_GO_ESCAPE.test(text) ? text.replace(GO_ESCAPED, unicodeEscape) : text;
}

const TRAILING_ZEROS = /\.?0+Z$/;

/** An instant as Go prints it: no trailing zeros in the fraction, no fraction when it is zero. */
export function goInstant(at: Instant): string {
  return at.endsWith('0Z') && at.includes('.') ? at.replace(TRAILING_ZEROS, 'Z') : at;
}
