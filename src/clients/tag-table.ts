/** Which visible client has which tag. Spec 03 §6. */

import { jsonText } from '../go/json-text.js';
import type { ClientRecord } from './record.js';

export interface TagRow {
  readonly tag: string;
  readonly clientIds: readonly string[];
}

/** One row per tag, bytewise ascending; ids in the order of `records`, each once. */
export function tagTable(records: Iterable<ClientRecord>): TagRow[] {
  const ids = new Map<string, string[]>();
  for (const { id, tags } of records) {
    for (const tag of tags ?? []) {
      const list = ids.get(tag);
      if (list === undefined) ids.set(tag, [id]);
      // The client comes once at a time, so a tag it names twice has it at the end already.
      else if (list.at(-1) !== id) list.push(id);
    }
  }
  const rows = [...ids].map(([tag, clientIds]) => ({
    tag,
    clientIds: clientIds.sort(),
    bytes: Buffer.from(tag),
  }));
  return rows.sort((a, b) => a.bytes.compare(b.bytes));
}

/** Names of `fields[client_tags]`. */
export const tagFields: readonly string[] = ['tag', 'client_ids'];

/** JSON object of a row with the named fields, both when `undefined`. */
export function tagRowJson({ tag, clientIds }: TagRow, names: readonly string[] = tagFields): string {
  const members: string[] = [];
  if (names.includes('tag')) members.push(`"tag":${jsonText(tag)}`);
  if (names.includes('client_ids')) members.push(`"client_ids":${jsonText(clientIds)}`);
  return `{${members.join(',')}}`;
}
