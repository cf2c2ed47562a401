/** Regular expressions of restrictions: RE2 syntax, linear time, whatever the pattern and the text. */

import { RE2JS } from 're2js';
import { BoundedCache } from '../../clients/bounded-cache.js';

/** UTF-8 bytes of a pattern. */
const LONGEST_PATTERN = 1024;
/** More than all groups of a large server have together. */
const MOST_REMEMBERED = 1000;
/** Instructions of all remembered programs; each takes some hundred bytes, its search states more. */
const MOST_INSTRUCTIONS = 100_000;

export interface RegularExpression {
  /** Whether any part of `text` matches. */
  test(text: string): boolean;
}

const remembered = new BoundedCache<RegularExpression>(MOST_REMEMBERED, MOST_INSTRUCTIONS);

/** Throws `Error` with the reason, such as ``error parsing regexp: missing closing ]: `[a` ``. */
export function compileRegularExpression(pattern: string): RegularExpression {
  const known = remembered.get(pattern);
  if (known !== undefined) return known;
  if (pattern.length > LONGEST_PATTERN || Buffer.byteLength(pattern) > LONGEST_PATTERN) {
    throw new Error(`error parsing regexp: longer than ${LONGEST_PATTERN} bytes`);
  }
  const compiled = RE2JS.compile(pattern);
  remembered.set(pattern, compiled, compiled.programSize());
  return compiled;
}
