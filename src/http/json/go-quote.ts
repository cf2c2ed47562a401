const ESCAPES: Readonly<Record<string, string>> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '"': '\\"',
  '\\': '\\\\',
};

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what has to be escaped
const NEEDS_ESCAPE = /[\x00-\x1f"\\\x7f-\xa0\xad\u2028\u2029\ufeff]/g;

/** `text` as Go's `%q` prints it, which is how names appear inside error texts. Spec 04 §2.2. */
export function goQuote(text: string): string {
  const body = text.replace(NEEDS_ESCAPE, (character) => ESCAPES[character] ?? hexEscape(character));
  return `"${body}"`;
}

function hexEscape(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x80
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
