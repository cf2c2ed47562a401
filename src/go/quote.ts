const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u;

/** `text` as Go's `%q` prints it: double quotes, backslash escapes, unprintable characters as numbers. So
 * names appear in error texts. Spec 04 §2.2. */
export function goQuote(text: string): string {
  let out = '"';
  for (const character of text) {
    const escaped = escapes[character];
    if (escaped !== undefined) out += escaped;
    else if (PRINTABLE.test(character)) out += character;
    else out += numeric(character.codePointAt(0) ?? 0);
  }
  return `${out}"`;
}

function numeric(codePoint: number): string {
  // Lone surrogates cannot appear in UTF-8; Go would have seen the replacement character.
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return '\ufffd';
  const hex = codePoint.toString(16);
  if (codePoint < 0x20 || codePoint === 0x7f) return `\\x${hex.padStart(2, '0')}`;
  return codePoint < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
