/** Request paths as the reference's router treats them. Spec 02 §2.3, 03 §1.7. */

import { percentDecode } from './query-string.js';

/** Cheap test on the hot path: only such paths can need cleaning. */
const SUSPECT = /\/\/|\/\.|%2e/i;
/** What may stand in a `Location` header; a backslash in front would lead browsers to another host. */
const UNSAFE_IN_LOCATION = /[^\x21-\x7e]|["\\<>^`{|}]/gu;

/** The path to redirect to when `path` has empty or dot segments; `null` when it is clean. */
export function cleanedPath(path: string): string | null {
  if (!SUSPECT.test(path)) return null;
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    const plain = segment.replace(/%2e/gi, '.');
    if (plain === '..') kept.pop();
    else if (plain !== '' && plain !== '.') kept.push(segment);
  }
  const slash = path.endsWith('/') && kept.length > 0 ? '/' : '';
  const cleaned = `/${kept.join('/')}${slash}`;
  return cleaned === path ? null : cleaned.replace(UNSAFE_IN_LOCATION, encodeRune);
}

function encodeRune(rune: string): string {
  return [...Buffer.from(rune)]
    .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
    .join('');
}

/**
 * Decodes one path segment. `null`: it holds an encoded slash, which never matches a route. `undefined`: it
 * holds a broken escape.
 */
export function decodeSegment(segment: string): string | null | undefined {
  const { text, bad } = percentDecode(segment);
  if (bad !== undefined) return undefined;
  return text.includes('/') ? null : text;
}
