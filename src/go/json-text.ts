const GO_ESCAPED = /[<>&\u2028\u2029]/g;
const NEEDS_GO_ESCAPE = /[<>&\u2028\u2029]/;

const unicodeEscape = (character: string): string =>
  `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;

/**
 * `value` as JSON text with the escapes of Go's encoder: `<`, `>`, `&`, U+2028 and U+2029 as `\uXXXX`, which occur in
 * strings only. Keys keep their order; `undefined` becomes `null`. Spec 03 §1.3.
 */
export function jsonText(value: unknown): string {
  return escapedJson(JSON.stringify(value) ?? 'null');
}

/** JSON text with the same escapes. */
export function escapedJson(text: string): string {
  return NEEDS_GO_ESCAPE.test(text) ? text.replace(GO_ESCAPED, unicodeEscape) : text;
}
