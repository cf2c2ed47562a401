/** Client groups. Spec 03 §7. */

import Type from 'typebox';
import { checkGroupId, checkTagParam } from '../../clients/groups/check-group.js';
import type { ClientGroup, GroupParamName, GroupParams } from '../../clients/groups/group.js';
import { clientGroupFields } from '../../clients/groups/group-json.js';
import { groupColumns } from '../../clients/groups/group-list.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ListSupport } from '../../query/types.js';
import { readFields, readListOptions } from '../../query/validate.js';
import { fieldsParameters, listParameters } from '../list-parameters.js';
import type { Access, Route } from '../route.js';

const TAG = 'Client Groups';
const PATH = '/client-groups/{group_id}';
const anyUser: Access = { kind: 'user' };
const adminOnly: Access = { kind: 'user', admin: true };

const fieldSupport = { client_groups: clientGroupFields };
const listSupport: ListSupport = {
  sorts: groupColumns,
  filters: groupColumns,
  fields: fieldSupport,
  page: { defaultLimit: 50, maxLimit: 500 },
};

const texts = (description: string) =>
  Type.Optional(Type.Union([Type.Array(Type.String()), Type.Null()], { description }));

const paramsSchema = Type.Object(
  {
    client_id: texts('Client ids'),
    name: texts('Names'),
    os: texts('Operating systems as they name themselves'),
    os_arch: texts('Architectures, such as `amd64`'),
    os_family: texts('Such as `debian`'),
    os_kernel: texts('Such as `linux`, `windows`'),
    hostname: texts('Host names'),
    ipv4: texts('IPv4 addresses of the client; one of them has to match'),
    ipv6: texts('IPv6 addresses of the client; one of them has to match'),
    tag: Type.Optional(
      Type.Unknown({
        description:
          'Tags: a list of which one has to match, or an object with the one key `and` or `or` and a list',
      }),
    ),
    version: texts('Versions of the agent'),
    address: texts('Remote addresses of its connection'),
    client_auth_id: texts('Credentials it logged in with'),
    connection_state: texts('`connected`, `disconnected`'),
  },
  {
    description:
      'All that are set have to match, each by one of its values. Letter case does not count, `*` stands for any ' +
      'text. A group without any has no members.',
  },
);

const allowedUserGroups = texts(
  'Members of these user groups may access all clients of the group; administrators always may',
);

const groupBody = Type.Object({
  id: Type.String({ description: 'At most 30 of `A-Za-z0-9_-*`' }),
  description: Type.String(),
  params: Type.Optional(Type.Union([paramsSchema, Type.Null()])),
  allowed_user_groups: allowedUserGroups,
  client_ids: texts('Ignored: members follow from `params`'),
});

/** Only the requested fields are present. */
const groupSchema = Type.Partial(
  Type.Object({
    id: Type.String(),
    description: Type.String(),
    params: paramsSchema,
    allowed_user_groups: allowedUserGroups,
    client_ids: texts('Members the caller may access, connected or not; null when there is none'),
    num_clients: Type.Integer({ description: 'Number of those' }),
    num_clients_connected: Type.Integer({ description: 'How many of them are connected' }),
  }),
  { $id: 'ClientGroup' },
);

interface GroupBody {
  readonly id: string;
  readonly description: string;
  readonly params?: (Partial<Record<GroupParamName, readonly string[] | null>> & { tag?: unknown }) | null;
  readonly allowed_user_groups?: readonly string[] | null;
}

const listGroups: Route = {
  method: 'GET',
  path: '/client-groups',
  access: anyUser,
  docs: {
    tag: TAG,
    summary: 'List the client groups',
    description:
      'Sorted by id unless asked otherwise. Shows `id` and `description` without `fields[client_groups]`. Only ' +
      'administrators see groups without a client they may access.',
    query: listParameters(listSupport, 'stored'),
    errors: {
      400: 'Unsupported sort, filter or field, a page out of range, or too many client ids in one answer',
    },
  },
  responses: { 200: Type.Array(groupSchema) },
  async handler(request, { clients }) {
    const options = readListOptions(request.query, listSupport);
    if (request.principal === null) throw new AppError('unauthorized', { title: 'unauthorized access' });
    const { items, count } = await clients.groups(options, request.principal);
    return { status: 200, json: `{"data":${items},"meta":{"count":${count}}}` };
  },
};

const showGroup: Route = {
  method: 'GET',
  path: PATH,
  access: anyUser,
  docs: {
    tag: TAG,
    summary: 'Show one client group',
    description:
      'Shows everything without `fields[client_groups]`; of its clients those the caller may access.',
    query: fieldsParameters(fieldSupport),
    errors: { 400: 'Unsupported field, or too many client ids', 404: 'There is no client group of that id' },
  },
  responses: { 200: groupSchema },
  async handler(request, { clients }) {
    const fields = readFields(request.query, fieldSupport).client_groups;
    if (request.principal === null) throw new AppError('unauthorized', { title: 'unauthorized access' });
    const { group_id: id = '' } = request.params;
    const text = await clients.group(id, fields, request.principal);
    if (text === undefined) {
      throw new AppError('not_found', { title: `Client Group[id=${goQuote(id)}] not found.` });
    }
    return { status: 200, json: `{"data":${text}}` };
  },
};

const addGroup: Route = {
  method: 'POST',
  path: '/client-groups',
  access: adminOnly,
  docs: {
    tag: TAG,
    summary: 'Add a client group',
    errors: { 400: 'Missing or invalid body; nothing changes', 409: 'There is a client group of that id' },
  },
  audit: { application: 'client.group', action: 'create' },
  body: groupBody,
  responses: { 201: null },
  async handler(request, { clientGroups }) {
    const group = readGroup(request.body as GroupBody);
    await clientGroups.add(group);
    return { status: 201, empty: true, audit: { affectedId: group.id, request: recorded(group) } };
  },
};

const putGroup: Route = {
  method: 'PUT',
  path: PATH,
  access: adminOnly,
  docs: {
    tag: TAG,
    summary: 'Replace a client group, or add it',
    description: 'What the body does not give is empty afterwards.',
    errors: { 400: 'Missing or invalid body, or its id is not that of the path; nothing changes' },
  },
  audit: { application: 'client.group', action: 'update' },
  body: groupBody,
  responses: { 204: null },
  async handler(request, { clientGroups }) {
    const body = request.body as GroupBody;
    if (body.id !== request.params.group_id) {
      throw new AppError('bad_request', {
        title: '"group_id" route param doesn\'t not match group ID from request body.',
      });
    }
    const group = readGroup(body);
    await clientGroups.put(group);
    return { status: 204, empty: true, audit: { affectedId: group.id, request: recorded(group) } };
  },
};

const removeGroup: Route = {
  method: 'DELETE',
  path: PATH,
  access: adminOnly,
  docs: { tag: TAG, summary: 'Delete a client group', description: 'Also succeeds when there is none.' },
  audit: { application: 'client.group', action: 'delete' },
  responses: { 204: null },
  async handler(request, { clientGroups }) {
    const id = request.params.group_id ?? '';
    await clientGroups.remove(id);
    return { status: 204, empty: true, audit: { affectedId: id } };
  },
};

/** As the audit log shows a group. */
const recorded = ({ id, description, params, allowedUserGroups }: ClientGroup) => ({
  id,
  description,
  params,
  allowed_user_groups: allowedUserGroups,
});

export const clientGroupRoutes: readonly Route[] = [listGroups, showGroup, addGroup, putGroup, removeGroup];

/** Throws `AppError` 400 `Invalid client group.` */
function readGroup(body: GroupBody): ClientGroup {
  checkGroupId(body.id);
  const given = body.params ?? {};
  const params: GroupParams = {
    client_id: given.client_id ?? null,
    name: given.name ?? null,
    os: given.os ?? null,
    os_arch: given.os_arch ?? null,
    os_family: given.os_family ?? null,
    os_kernel: given.os_kernel ?? null,
    hostname: given.hostname ?? null,
    ipv4: given.ipv4 ?? null,
    ipv6: given.ipv6 ?? null,
    tag: checkTagParam(given.tag),
    version: given.version ?? null,
    address: given.address ?? null,
    client_auth_id: given.client_auth_id ?? null,
    connection_state: given.connection_state ?? null,
  };
  const { id, description, allowed_user_groups: allowed = null } = body;
  return { id, description, params, allowedUserGroups: allowed };
}
