/** Reading clients. Spec 03 §4.1 to §4.3. */

import Type from 'typebox';
import { clientFilters, clientSorts } from '../../clients/columns.js';
import { clientFields } from '../../clients/record-json.js';
import { AppError } from '../../errors.js';
import { clientId } from '../../ids.js';
import type { ListSupport } from '../../query/types.js';
import { readFields, readListOptions } from '../../query/validate.js';
import { fieldsParameters, listParameters } from '../list-parameters.js';
import type { Route } from '../route.js';
import { tunnelSchema } from './tunnels.js';

const TAG = 'Clients and Tunnels';
const fieldSupport = { clients: clientFields };
const listSupport: ListSupport = {
  sorts: Object.keys(clientSorts),
  filters: clientFilters,
  fields: fieldSupport,
  page: { defaultLimit: 50, maxLimit: 500 },
};

const nullable = <Schema extends Type.TSchema>(schema: Schema, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description });
const instant = Type.String({ format: 'date-time' });
const texts = nullable(Type.Array(Type.String()));

const updatesStatusSchema = Type.Object({
  refreshed: instant,
  updates_available: Type.Integer(),
  security_updates_available: Type.Integer(),
  update_summaries: nullable(
    Type.Array(
      Type.Object({
        title: Type.String(),
        description: Type.String(),
        reboot_required: Type.Boolean(),
        is_security_update: Type.Boolean(),
      }),
    ),
  ),
  reboot_pending: Type.Boolean(),
  error: Type.Optional(Type.String({ description: 'Why the last look for updates failed' })),
  hint: Type.Optional(Type.String({ description: 'What to do about the error' })),
});

const extIpAddressesSchema = Type.Object({
  ipv4: Type.String(),
  ipv6: Type.String(),
  updated_at: instant,
  error: Type.String(),
});

/** Only the requested fields are present. */
export const clientSchema = Type.Partial(
  Type.Object({
    id: Type.String(),
    name: Type.String(),
    address: Type.String({ description: 'Remote IP address of its connection' }),
    hostname: Type.String(),
    os: Type.String({ description: 'As the system names itself' }),
    os_full_name: Type.String({ description: 'Such as `Debian 12`' }),
    os_version: Type.String(),
    os_arch: Type.String({ description: 'Such as `amd64`' }),
    os_family: Type.String({ description: 'Such as `debian`' }),
    os_kernel: Type.String({ description: 'Such as `linux`, `windows`' }),
    os_virtualization_system: Type.String({ description: 'Such as `KVM`' }),
    os_virtualization_role: Type.String({ description: 'Such as `guest`' }),
    num_cpus: Type.Integer(),
    cpu_family: Type.String(),
    cpu_model: Type.String(),
    cpu_model_name: Type.String(),
    cpu_vendor: Type.String(),
    mem_total: Type.Integer({ description: 'Bytes' }),
    timezone: Type.String({ description: 'Such as `CET (UTC+01:00)`' }),
    client_auth_id: Type.String({ description: 'Credential it logged in with' }),
    version: Type.String({ description: 'Of the agent' }),
    disconnected_at: nullable(instant, 'null while it is connected'),
    last_heartbeat_at: nullable(instant, 'null until the first one since the server started'),
    connection_state: Type.Union([Type.Literal('connected'), Type.Literal('disconnected')]),
    ipv4: texts,
    ipv6: texts,
    tags: texts,
    allowed_user_groups: nullable(
      Type.Array(Type.String()),
      'Members of these groups may access the client; administrators always may',
    ),
    tunnels: Type.Array(tunnelSchema, {
      description: 'Of a disconnected client: those it had, which start again when it returns',
    }),
    updates_status: nullable(updatesStatusSchema),
    ext_ip_addresses: nullable(extIpAddressesSchema, 'Selected as `fields[clients]=ip_addresses`'),
    client_configuration: nullable(
      Type.Record(Type.String(), Type.Unknown()),
      'As the agent reported it, without its secrets',
    ),
    groups: Type.Array(Type.String(), { description: 'Client groups it belongs to' }),
    labels: nullable(Type.Record(Type.String(), Type.String())),
  }),
  { $id: 'Client' },
);

const listClients: Route = {
  method: 'GET',
  path: '/clients',
  access: { kind: 'user' },
  docs: {
    tag: TAG,
    summary: 'List the clients the caller may access, connected or not',
    description:
      'Sorted by id unless asked otherwise. Shows `id`, `name` and `hostname` without `fields[clients]`.',
    query: listParameters(listSupport),
    errors: { 400: 'Unsupported sort, filter or field, more than one sort, or a page out of range' },
  },
  responses: { 200: Type.Array(clientSchema) },
  handler(request, { clients }) {
    const options = readListOptions(request.query, listSupport);
    if (options.sorts.length > 1) {
      throw new AppError('bad_request', { title: 'Only one sort field is supported for clients.' });
    }
    if (request.principal === null) throw new AppError('unauthorized', { title: 'unauthorized access' });
    const { items, count } = clients.list(options, request.principal);
    return { status: 200, json: `{"data":${items},"meta":{"count":${count}}}` };
  },
};

const showClient: Route = {
  method: 'GET',
  path: '/clients/{client_id}',
  access: { kind: 'user', client: true },
  docs: {
    tag: TAG,
    summary: 'Show one client',
    description: 'Shows everything without `fields[clients]`.',
    query: fieldsParameters(fieldSupport),
    errors: { 400: 'Unsupported field' },
  },
  responses: { 200: clientSchema },
  handler(request, { clients }) {
    const { client_id: id = '' } = request.params;
    const text = clients.detail(clientId(id), readFields(request.query, fieldSupport).clients);
    // Gone since its access was checked.
    if (text === undefined) throw new AppError('not_found', { title: `Client with id="${id}" not found.` });
    return { status: 200, json: `{"data":${text}}` };
  },
};

export const clientRoutes: readonly Route[] = [listClients, showClient];
