/** Texts compared without regard to case, with `*` for any run of characters in a line. Spec 03 §3.4. */

/**
 * Unicode simple case folding, one character at a time: two texts are equal without regard to case exactly when
 * their folded forms are equal. Never changes the length.
 */
export function fold(text: string): string {
  if (isAscii(text)) return text.toLowerCase();
  let folded = '';
  for (const character of text) {
    const lower = sameLength(character, sameLength(character, character.toUpperCase()).toLowerCase());
    folded += lower;
  }
  return folded;
}

/** A loop, because it is faster than a regular expression on the short texts there are. */
function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return false;
  return true;
}

/** Full case mappings such as `ß` to `SS` are not simple ones; the character then stands for itself. */
const sameLength = (character: string, mapped: string): string =>
  mapped.length === character.length ? mapped : character;

/** Whether a folded text matches. */
export type Matcher = (folded: string) => boolean;

/**
 * A matcher for a folded pattern with at least one `*`; all other characters stand for themselves. Time is linear
 * in the text for a given pattern: each part is searched once, from where the one before it ended.
 */
export function compileWildcard(pattern: string): Matcher {
  // `*` stops at a line feed, so a text matches line by line or not at all.
  const lines = pattern.split('\n').map(compileGlob);
  const [only] = lines;
  if (only !== undefined && lines.length === 1) return (text) => only(text) && !text.includes('\n');
  return (text) => {
    const parts = text.split('\n', lines.length + 1);
    return parts.length === lines.length && lines.every((line, index) => line(parts[index] ?? ''));
  };
}

/** Like `compileWildcard`, but `*` also stands for line feeds, and the pattern needs none. */
export function compileGlob(pattern: string): Matcher {
  const parts = pattern.split('*');
  const [prefix = '', ...rest] = parts;
  const suffix = rest.pop();
  if (suffix === undefined) return (text) => text === pattern;
  const inner = rest.filter((part) => part !== '');
  const shortest = prefix.length + suffix.length + inner.reduce((sum, part) => sum + part.length, 0);
  const [only] = inner;
  // `*text*` is what people search for.
  if (prefix === '' && suffix === '' && only !== undefined && inner.length === 1) {
    return (text) => text.includes(only);
  }
  return (text) => {
    if (text.length < shortest || !text.startsWith(prefix) || !text.endsWith(suffix)) return false;
    const end = text.length - suffix.length;
    let from = prefix.length;
    for (const part of inner) {
      const found = text.indexOf(part, from);
      if (found < 0 || found + part.length > end) return false;
      from = found + part.length;
    }
    return true;
  };
}
