/** What an administrator or user may say about a client, and the agent remembers. Spec 01 §15. */

import type { ClientRecord } from './record.js';

export type ClientAttributes = Pick<ClientRecord, 'tags' | 'labels'>;

/** What an agent may announce when it connects (`decode/go-json.ts`): more would not survive its reconnect. */
const MOST_ENTRIES = 1_000;
const LONGEST_TEXT = 4_096;

/** What is wrong with them, in words; `undefined` when nothing is. */
export function attributesTrouble({ tags, labels }: ClientAttributes): string | undefined {
  const entries = Object.entries(labels ?? {});
  if ((tags ?? []).length > MOST_ENTRIES) return `more than ${MOST_ENTRIES} tags`;
  if (entries.length > MOST_ENTRIES) return `more than ${MOST_ENTRIES} labels`;
  for (const text of [...(tags ?? []), ...entries.flat()]) {
    if (text.length > LONGEST_TEXT) return `a text of more than ${LONGEST_TEXT} characters`;
  }
  return undefined;
}
