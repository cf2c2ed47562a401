import type { Database } from 'lmdb';

/** Sorts behind every text and number that follows one. */
const BEHIND = '\u{10ffff}';

/** The first parts of the keys of a table, each once, in order; as many reads as there are different ones. */
export function leadingTexts<Key extends [string, string | number]>(
  table: Database<string, Key>,
): readonly string[] {
  const found: string[] = [];
  for (;;) {
    const last = found.at(-1);
    const range = last === undefined ? { limit: 1 } : { start: [last, BEHIND] as unknown as Key, limit: 1 };
    const [key] = table.getKeys(range);
    if (key === undefined) return found;
    found.push(key[0]);
  }
}
