const GO_ESCAPED = /[<>&\u2028\u2029]/g;
const NEEDS_GO_ESCAPE = /[<>&\u2028\u2029]/;

/**
 * `value` as JSON with the escapes of Go's encoder: `<`, `>`, `&`, U+2028 and U+2029 as `\uXXXX`. Keys keep
 * their order. `undefined` is `null`. Spec 03 §1.3.
 */
export function toJson(value: unknown): string {
  return goEscape(JSON.stringify(value) ?? 'null');
}

/** Adds the Go escapes to JSON text made elsewhere. The five characters occur in strings only. */
export function goEscape(json: string): string {
  if (!NEEDS_GO_ESCAPE.test(json)) return json;
  return json.replace(
    GO_ESCAPED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
