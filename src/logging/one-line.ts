/** Text of strangers inside log lines. */

/** Longest message or prefix kept, UTF-16 units. */
const LONGEST = 4_096;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: same set, without the state of a global expression
const HAS_UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

const escapes: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Makes a text safe for one log line: line breaks, terminal escapes and other control characters become visible
 * escapes (`\n`, `\x1b`), so nobody can forge a line; an over-long text is cut.
 */
export function oneLine(text: string): string {
  const cut = text.length > LONGEST ? `${text.slice(0, LONGEST)}… (${text.length} characters)` : text;
  return HAS_UNSAFE.test(cut) ? cut.replace(UNSAFE, escaped) : cut;
}

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  return (
    escapes[char] ?? (code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16)}`)
  );
}
