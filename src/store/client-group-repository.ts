/** Table `client_groups`. */

import { type ClientGroup, type GroupParams, groupParamNames } from '../clients/groups/group.js';
import { isTagParam } from '../clients/groups/tag-param.js';
import { JsonFields } from '../json-fields.js';
import type { Logger } from '../logging/logger.js';
import type { ClientGroupRepository } from './client-groups.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { ANY_LENGTH, rowFields } from './row-fields.js';
import type { OpenedTables } from './tables.js';

export function createClientGroupRepository(
  { clientGroups: table }: OpenedTables,
  log: Logger,
): ClientGroupRepository {
  const decode = (id: string, text: string): ClientGroup | undefined => {
    const group = decodeGroup(id, text);
    if (group === undefined) log.error(`client group ${JSON.stringify(id)}: the row is unreadable, skipped`);
    return group;
  };

  return {
    get(id) {
      if (!isKeyText(id)) return undefined;
      // Another thread may have committed since this thread's read transaction began.
      table.resetReadTxn();
      const text = table.get(id);
      return text === undefined ? undefined : decode(id, text);
    },

    async add(group) {
      checkKeyText(group.id);
      let added = false;
      await committed(
        table.transaction(() => {
          added = table.get(group.id) === undefined;
          if (added) table.put(group.id, JSON.stringify(group));
        }),
      );
      return added;
    },

    async put(group) {
      checkKeyText(group.id);
      await committed(table.put(group.id, JSON.stringify(group)));
    },

    async remove(id) {
      if (isKeyText(id)) await committed(table.remove(id));
    },

    *all() {
      table.resetReadTxn();
      for (const { key, value } of table.getRange({ snapshot: false })) {
        const group = decode(key, value);
        if (group !== undefined) yield group;
      }
    },
  };
}

/**
 * `undefined` when anything is not as expected. A group may open clients to people, so one whose conditions are not
 * all understood must not be used: it could have more members than it was given.
 */
function decodeGroup(id: string, text: string): ClientGroup | undefined {
  const fields = rowFields(text);
  const params = decodeParams(fields.raw('params'));
  const group = {
    id: fields.text('id'),
    description: fields.text('description'),
    allowedUserGroups: fields.texts('allowedUserGroups'),
  };
  if (params === undefined || !fields.fits || group.id !== id) return undefined;
  return { ...group, params };
}

function decodeParams(value: unknown): GroupParams | undefined {
  const fields = new JsonFields(value, ANY_LENGTH);
  const known: readonly string[] = groupParamNames;
  if (!fields.fits || !Object.keys(value as object).every((key) => known.includes(key))) return undefined;
  const tag = fields.raw('tag') ?? null;
  if (tag !== null && !isTagParam(tag)) return undefined;
  const params: GroupParams = {
    client_id: fields.texts('client_id'),
    name: fields.texts('name'),
    os: fields.texts('os'),
    os_arch: fields.texts('os_arch'),
    os_family: fields.texts('os_family'),
    os_kernel: fields.texts('os_kernel'),
    hostname: fields.texts('hostname'),
    ipv4: fields.texts('ipv4'),
    ipv6: fields.texts('ipv6'),
    tag,
    version: fields.texts('version'),
    address: fields.texts('address'),
    client_auth_id: fields.texts('client_auth_id'),
    connection_state: fields.texts('connection_state'),
  };
  return fields.fits ? params : undefined;
}
