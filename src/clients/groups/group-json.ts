/** A client group as the API shows it: keys, their order and their form are those of spec 03 §7.2. */

import { jsonText } from '../../go/json-text.js';
import { type ClientGroup, groupParamNames } from './group.js';

/** A group with those of its members that the viewer may access. */
export interface GroupView {
  readonly group: ClientGroup;
  readonly clients: number;
  readonly connected: number;
  /** Their ids as JSON texts, ascending, with commas in between. */
  readonly clientIds: string;
}

type Write = (view: GroupView) => string;

/** In the order of the answer. */
const fields = new Map<string, Write>([
  ['id', ({ group }) => jsonText(group.id)],
  ['description', ({ group }) => jsonText(group.description)],
  ['params', ({ group }) => paramsText(group)],
  ['allowed_user_groups', ({ group }) => jsonText(group.allowedUserGroups)],
  ['client_ids', ({ clientIds }) => (clientIds === '' ? 'null' : `[${clientIds}]`)],
  ['num_clients', ({ clients }) => String(clients)],
  ['num_clients_connected', ({ connected }) => String(connected)],
]);

/** Names of `fields[client_groups]`. */
export const clientGroupFields: readonly string[] = [...fields.keys()];

/** Of `GET /client-groups` without `fields[client_groups]`. */
export const defaultGroupFields: readonly string[] = ['id', 'description'];

/** JSON object with the named fields, each once and in the fixed order. */
export function groupText(view: GroupView, names: readonly string[]): string {
  const members: string[] = [];
  for (const [name, write] of fields) if (names.includes(name)) members.push(`"${name}":${write(view)}`);
  return `{${members.join(',')}}`;
}

const paramsText = ({ params }: ClientGroup): string =>
  `{${groupParamNames.map((name) => `"${name}":${jsonText(params[name])}`).join(',')}}`;
