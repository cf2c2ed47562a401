/** Values of the vault. Spec 03 §11.4. */

import Type from 'typebox';
import type { AuditDetails } from '../../audit/audit-log.js';
import { AppError } from '../../errors.js';
import { parseGoInteger } from '../../go/integer.js';
import { jsonText } from '../../go/json-text.js';
import { clientId } from '../../ids.js';
import { readListOptions } from '../../query/validate.js';
import type { VaultEntry, VaultInput } from '../../vault/entry.js';
import { vaultListSupport } from '../../vault/list.js';
import type { VaultUser } from '../../vault/vault.js';
import type { ApiContext } from '../context.js';
import { readJsonBody } from '../json/body.js';
import { listParameters } from '../list-parameters.js';
import type { Access, ApiRequest, Route } from '../route.js';

const TAG = 'Vault';
const PATH = '/vault/{vault_value_id}';
const permitted: Access = { kind: 'user', permission: 'vault' };

const texts = {
  client_id: Type.String({ description: 'Client the value belongs to; any text, empty for none' }),
  required_group: Type.String({
    description:
      'Only members of exactly this group may see or change it, administrators not excepted; empty: all',
  }),
  key: Type.String({ description: 'Unique among those of one client id' }),
  value: Type.String({ description: 'The secret; at most 64 KiB' }),
  type: Type.String({ description: '`text`, `secret`, `markdown` or `string`' }),
};
const valueBody = Type.Object(texts);
const idSchema = Type.Object({ id: Type.Integer() });

const entrySchema = Type.Object(
  {
    id: Type.Integer(),
    client_id: Type.String(),
    created_by: Type.String(),
    created_at: Type.String({ format: 'date-time' }),
    key: Type.String(),
  },
  { $id: 'VaultEntry' },
);
const valueSchema = Type.Object(
  {
    ...texts,
    id: Type.Integer(),
    created_at: Type.String({ format: 'date-time' }),
    updated_at: Type.String({ format: 'date-time' }),
    created_by: Type.String(),
    updated_by: Type.Union([Type.String(), Type.Null()]),
  },
  { $id: 'VaultValue' },
);

const LOCKED = 'The vault is locked';
const BAD_ID = 'The id is 0 or no number';
const NOT_YOURS = 'The caller is not a member of the required group';
const UNKNOWN = 'There is no value of that id';
const TAKEN = 'there is another value of this key and client id, or the vault is full';

interface ValueBody {
  readonly client_id: string;
  readonly required_group: string;
  readonly key: string;
  readonly value: string;
  readonly type: string;
}

const list: Route = {
  method: 'GET',
  path: '/vault',
  access: permitted,
  docs: {
    tag: TAG,
    summary: 'List what is in the vault',
    description:
      'Without the values themselves, and all in one answer. Shows those with a required group to everybody with the ' +
      'permission. Here letter case counts in filters without `*`.',
    query: listParameters(vaultListSupport),
    errors: { 400: 'Unsupported sort or filter', 409: LOCKED },
  },
  responses: { 200: Type.Array(entrySchema) },
  async handler({ query }, { vault, vaultList }) {
    await vault.requireUnlocked();
    const items = await vaultList.list(readListOptions(query, vaultListSupport));
    return { status: 200, json: `{"data":${items}}` };
  },
};

const add: Route = {
  method: 'POST',
  path: '/vault',
  access: permitted,
  docs: {
    tag: TAG,
    summary: 'Put a value into the vault',
    description: 'With a required group the caller is not in, he cannot see it himself.',
    errors: { 400: 'Missing or invalid body; nothing changes', 409: `${LOCKED}, ${TAKEN}` },
  },
  audit: { application: 'vault', action: 'create' },
  body: valueBody,
  responses: { 201: idSchema },
  async handler(request, context) {
    const input = inputOf(request.body as ValueBody);
    const entry = await context.vault.add(input, userOf(request));
    return { status: 201, data: { id: entry.id }, audit: auditOf(entry, context, withoutValue(input)) };
  },
};

const show: Route = {
  method: 'GET',
  path: PATH,
  access: permitted,
  docs: {
    tag: TAG,
    summary: 'Show a value of the vault',
    description: 'Nothing on the way may keep the answer.',
    errors: { 400: BAD_ID, 403: NOT_YOURS, 404: UNKNOWN, 409: LOCKED },
  },
  responses: { 200: valueSchema },
  async handler(request, { vault }) {
    const found = await vault.read(idOf(request), userOf(request));
    const data = {
      client_id: found.clientId,
      required_group: found.requiredGroup,
      key: found.key,
      value: found.value,
      type: found.type,
      id: found.id,
      created_at: found.createdAt,
      updated_at: found.updatedAt,
      created_by: found.createdBy,
      updated_by: found.updatedBy,
    };
    return {
      status: 200,
      text: jsonText({ data }),
      contentType: 'application/json; charset=UTF-8',
      headers: [['Cache-Control', 'no-store']],
    };
  },
};

const replace: Route = {
  method: 'PUT',
  path: PATH,
  access: permitted,
  docs: {
    tag: TAG,
    summary: 'Replace a value of the vault',
    description:
      'With all that is kept of it but who made it when: what the body does not give is empty afterwards.',
    errors: {
      400: `${BAD_ID}, or missing or invalid body; nothing changes`,
      403: NOT_YOURS,
      404: UNKNOWN,
      409: `${LOCKED}, ${TAKEN}`,
    },
    ownBody: valueBody,
  },
  audit: { application: 'vault', action: 'update' },
  responses: { 200: idSchema },
  async handler(request, context) {
    // What is wrong with the id is said before what is wrong with the body.
    const id = idOf(request);
    const input = inputOf(readJsonBody(request.rawBody, valueBody) as ValueBody);
    const entry = await context.vault.replace(id, input, userOf(request));
    return { status: 200, data: { id: entry.id }, audit: auditOf(entry, context, withoutValue(input)) };
  },
};

const remove: Route = {
  method: 'DELETE',
  path: PATH,
  access: permitted,
  docs: {
    tag: TAG,
    summary: 'Delete a value of the vault',
    description: 'Also one that cannot be decrypted.',
    errors: { 400: BAD_ID, 403: NOT_YOURS, 404: UNKNOWN, 409: LOCKED },
  },
  audit: { application: 'vault', action: 'delete' },
  responses: { 204: null },
  async handler(request, context) {
    const entry = await context.vault.remove(idOf(request), userOf(request));
    return { status: 204, empty: true, audit: auditOf(entry, context) };
  },
};

export const vaultRoutes: readonly Route[] = [list, add, show, replace, remove];

/** Throws `AppError` 400. */
function idOf({ params }: ApiRequest): number {
  const { vault_value_id: text = '' } = params;
  const parsed = parseGoInteger(text);
  if (!parsed.ok) {
    const title = `Non-numeric integer value provided: ${text} for param vault_value_id`;
    throw new AppError('bad_request', { title });
  }
  if (parsed.value === 0) {
    throw new AppError('bad_request', { title: 'missing "vault_value_id" route param' });
  }
  return parsed.value;
}

const inputOf = ({ client_id, required_group, key, value, type }: ValueBody): VaultInput => ({
  clientId: client_id,
  requiredGroup: required_group,
  key,
  value,
  type,
});

const withoutValue = ({ clientId: id, requiredGroup, key, type }: VaultInput): ValueBody => ({
  client_id: id,
  required_group: requiredGroup,
  key,
  value: '',
  type,
});

const userOf = ({ principal }: ApiRequest): VaultUser => {
  if (principal === null) throw new AppError('unauthorized');
  return { username: principal.username, groups: [...principal.groups] };
};

/** The host name is that of the client the value is for, if there is one. */
const auditOf = (entry: VaultEntry, { clients }: ApiContext, request?: ValueBody): AuditDetails => ({
  affectedId: String(entry.id),
  clientId: entry.clientId,
  clientHostname: clients.get(clientId(entry.clientId))?.hostname ?? '',
  ...(request === undefined ? {} : { request }),
});
