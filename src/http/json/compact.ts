/** JSON as it was written, without the white space: what must come back to callers verbatim. */

import { jsonText } from '../../go/json-text.js';
import { type JsonNode, parseFirstJson } from './parse.js';

/**
 * One member of the object in `bytes`, which has been read as a body before; `null` when it is absent or `null`. Large
 * numbers, duplicate keys and their order survive, which they would not as values. Spec 04 §2.3.
 */
export function memberAsWritten(bytes: Buffer, name: string): string | null {
  const node = parseFirstJson(bytes.toString('utf8'));
  if (node?.kind !== 'object') return null;
  let found: JsonNode | undefined;
  // Any letter case, and the last one wins.
  for (const [key, value] of node.members) if (key.toLowerCase() === name) found = value;
  return found === undefined || found.kind === 'null' ? null : compactText(found);
}

function compactText(node: JsonNode): string {
  switch (node.kind) {
    case 'null':
      return 'null';
    case 'bool':
      return String(node.value);
    case 'number':
      return node.literal;
    case 'string':
      return jsonText(node.value);
    case 'array':
      return `[${node.items.map(compactText).join(',')}]`;
    case 'object':
      return `{${node.members.map(([key, value]) => `${jsonText(key)}:${compactText(value)}`).join(',')}}`;
  }
}
