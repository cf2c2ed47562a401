/** The order of texts in lists over stored tables: that of their bytes in UTF-8, as a database sorts. Spec 03 §3.5. */

/**
 * Below zero when `one` comes first. Differs from `<` only where one text has a character beyond U+FFFF and the other
 * one from U+E000 to U+FFFF at the same place.
 */
export function compareText(one: string, other: string): number {
  if (one === other) return 0;
  const shorter = Math.min(one.length, other.length);
  let at = 0;
  while (at < shorter && one.charCodeAt(at) === other.charCodeAt(at)) at++;
  if (at === shorter) return one.length - other.length;
  return rank(one.charCodeAt(at)) - rank(other.charCodeAt(at));
}

/** Halves of characters beyond U+FFFF go behind all other units. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
