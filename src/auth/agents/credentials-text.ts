/** The text of a file of agent credentials. Spec 03 §8.3. */

import { parseSecretJson } from '../parse-json.js';

/** What the file has under each id, whatever it is. Throws `Error` unless `text` is a JSON object. */
export function readEntries(text: string): ReadonlyMap<string, unknown> {
  const value = parseSecretJson(text.replace(/^\uFEFF/, ''));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('expected a JSON object of passwords by client auth id');
  }
  return new Map(Object.entries(value));
}

/** Indented by tabs, sorted by id, with a line feed at the end: as the reference writes it. */
export function writeEntries(entries: ReadonlyMap<string, unknown>): string {
  if (entries.size === 0) return '{}\n';
  // Through an object, ids that look like numbers would come first.
  const lines = [...entries.keys()]
    .sort()
    .map((id) => `\t${JSON.stringify(id)}: ${JSON.stringify(entries.get(id))}`);
  return `{\n${lines.join(',\n')}\n}\n`;
}
