/** Stored tunnels of a client, connected or not. Spec 03 §9. */

import Type from 'typebox';
import type { AuditDetails } from '../../audit/audit-log.js';
import { Turns } from '../../clients/in-turns.js';
import { AppError } from '../../errors.js';
import { clientId } from '../../ids.js';
import { listStored, type StoredColumns } from '../../query/stored.js';
import type { ListSupport } from '../../query/types.js';
import { readListOptions } from '../../query/validate.js';
import { auditedInput, auditedTunnel, storedTunnelText } from '../../tunnels/stored/json.js';
import type { StoredTunnel, StoredTunnelInput } from '../../tunnels/stored/stored-tunnel.js';
import type { ApiContext } from '../context.js';
import { memberAsWritten } from '../json/compact.js';
import { listParameters } from '../list-parameters.js';
import type { Access, ApiRequest, Route } from '../route.js';

const TAG = 'Clients and Tunnels';
const PATH = '/clients/{client_id}/stored-tunnels';
const ONE = `${PATH}/{tunnel_id}`;
const ofClient: Access = { kind: 'user', client: true, permission: 'tunnels' };
const APPLICATION = 'client.stored_tunnel';

/** Characters of one text, and of all further options. A whole request has 10 KiB unless configured otherwise. */
const LONGEST_TEXT = 16_384;

const columns: StoredColumns<StoredTunnel> = {
  created_at: { kind: 'instant', read: ({ createdAt }) => createdAt },
  name: { kind: 'text', read: ({ name }) => name },
  scheme: { kind: 'text', read: ({ scheme }) => scheme },
  remote_ip: { kind: 'text', read: ({ remoteIp }) => remoteIp },
  remote_port: { kind: 'number', read: ({ remotePort }) => remotePort },
};
const filters = ['name', 'scheme', 'remote_ip', 'remote_port'];
const listSupport: ListSupport = {
  sorts: ['created_at', ...filters],
  filters,
  page: { defaultLimit: 10, maxLimit: 100 },
};
const oldestFirst = { sorts: [{ column: 'created_at', descending: false }] };

const nullable = (schema: Type.TSchema, description: string) =>
  Type.Union([schema, Type.Null()], { description });

const values = {
  scheme: nullable(Type.String(), 'URI scheme, such as `ssh`'),
  remote_ip: nullable(Type.String(), 'Target as seen from the client; 127.0.0.1 without it'),
  remote_port: nullable(Type.Integer(), 'Port of the target'),
  public_port: nullable(Type.Integer(), 'Port of the server'),
  acl: nullable(Type.String(), 'Who may connect: addresses and CIDR blocks, separated by commas'),
};
const FURTHER_OPTIONS = 'Any JSON, kept as it is';
const AUTO_OPEN =
  'The server opens the tunnel whenever the client connects, always on the same public port, which nothing else gets';

/** One stored tunnel as the API shows it. */
const storedTunnelSchema = Type.Object({
  id: Type.String({ description: 'UUID' }),
  created_at: Type.String({ format: 'date-time' }),
  name: Type.String(),
  ...values,
  further_options: Type.Unknown({ description: FURTHER_OPTIONS }),
  auto_open: Type.Boolean({ description: AUTO_OPEN }),
});

const storedTunnelBody = Type.Object({
  id: Type.Optional(Type.String({ description: 'Ignored' })),
  created_at: Type.Optional(Type.String({ description: 'Ignored' })),
  name: Type.String({ default: '' }),
  scheme: Type.Optional(values.scheme),
  remote_ip: Type.Optional(values.remote_ip),
  remote_port: Type.Optional(values.remote_port),
  public_port: Type.Optional(values.public_port),
  acl: Type.Optional(values.acl),
  further_options: Type.Optional(Type.Unknown({ description: FURTHER_OPTIONS })),
  auto_open: Type.Boolean({ default: false, description: AUTO_OPEN }),
});

interface StoredTunnelBody {
  readonly name: string;
  readonly scheme?: string | null;
  readonly remote_ip?: string | null;
  readonly remote_port?: number | null;
  readonly public_port?: number | null;
  readonly acl?: string | null;
  readonly auto_open: boolean;
}

const REFUSED =
  'Missing or invalid body, or a text is too long. With `auto_open` also: no usable target, scheme or ACL, forbidden by ' +
  'the restrictions of the caller’s groups, public port not allowed or not free. Codes: ' +
  'ERR_CODE_URI_SCHEME_LENGTH_EXCEED, ERR_CODE_INVALID_ACL, ERR_CODE_LOCAL_PORT_IN_USE. Nothing changes';
const FOREIGN =
  'It opens by itself as a tunnel of another user, and the restrictions of the caller’s groups forbid closing those';
const WITH_AUTO_OPEN =
  'With `auto_open` the tunnel opens at once if the client is connected, and again whenever it connects. Without ' +
  '`public_port` a port is chosen then, and stays.';

/** One list at a time, so that their number costs no memory. */
const turns = new Turns();

const listStoredTunnels: Route = {
  method: 'GET',
  path: PATH,
  access: ofClient,
  docs: {
    tag: TAG,
    summary: 'List the stored tunnels of a client',
    description: 'The oldest first unless asked otherwise.',
    query: listParameters(listSupport),
    errors: { 400: 'Unsupported sort or filter, or a page out of range' },
  },
  responses: { 200: Type.Array(storedTunnelSchema) },
  async handler(request, { store }) {
    const id = clientOf(request);
    const options = readListOptions(request.query, listSupport, oldestFirst);
    const table = {
      columns,
      scan: () => store.storedTunnels.of(id),
      count: () => store.storedTunnels.count(id),
    };
    const { items, count } = await turns.run(() => listStored(table, options));
    return {
      status: 200,
      json: `{"data":[${items.map(storedTunnelText).join(',')}],"meta":{"count":${count}}}`,
    };
  },
};

const addStoredTunnel: Route = {
  method: 'POST',
  path: PATH,
  access: ofClient,
  audit: { application: APPLICATION, action: 'create' },
  docs: {
    tag: TAG,
    summary: 'Store a tunnel',
    description: `Values are not checked without \`auto_open\`. ${WITH_AUTO_OPEN}`,
    errors: {
      400: REFUSED,
      409: 'The client has too many stored tunnels, or the public port cannot be used',
      500: 'No public port is free',
    },
  },
  body: storedTunnelBody,
  responses: { 200: storedTunnelSchema },
  async handler(request, context) {
    const input = readInput(request);
    const stored = await context.storedTunnels.add(clientOf(request), input, callerOf(request));
    const audit = audited(context, stored, { request: auditedInput(input), response: auditedTunnel(stored) });
    return { status: 200, json: `{"data":${storedTunnelText(stored)}}`, audit };
  },
};

const putStoredTunnel: Route = {
  method: 'PUT',
  path: ONE,
  access: ofClient,
  audit: { application: APPLICATION, action: 'update' },
  docs: {
    tag: TAG,
    summary: 'Replace a stored tunnel',
    description: `What the body does not give is empty afterwards. ${WITH_AUTO_OPEN} A running tunnel is adjusted, or closed where its port, its target or \`auto_open\` changes.`,
    errors: {
      400: REFUSED,
      403: FOREIGN,
      404: 'The client has no such stored tunnel',
      409: 'The public port cannot be used',
      500: 'No public port is free',
    },
  },
  body: storedTunnelBody,
  responses: { 200: storedTunnelSchema },
  async handler(request, context) {
    const input = readInput(request);
    const { tunnel_id: id = '' } = request.params;
    const stored = await context.storedTunnels.replace(clientOf(request), id, input, callerOf(request));
    const audit = audited(context, stored, { request: auditedInput(input), response: auditedTunnel(stored) });
    return { status: 200, json: `{"data":${storedTunnelText(stored)}}`, audit };
  },
};

const removeStoredTunnel: Route = {
  method: 'DELETE',
  path: ONE,
  access: ofClient,
  audit: { application: APPLICATION, action: 'delete' },
  docs: {
    tag: TAG,
    summary: 'Delete a stored tunnel',
    description: 'Closes the tunnel it has opened. Also succeeds when there is none.',
    errors: { 403: FOREIGN },
  },
  responses: { 204: null },
  async handler(request, context) {
    const { tunnel_id: id = '' } = request.params;
    const removed = await context.storedTunnels.remove(clientOf(request), id, callerOf(request));
    return { status: 204, empty: true, audit: removed === null ? [] : audited(context, removed, {}) };
  },
};

export const storedTunnelRoutes: readonly Route[] = [
  listStoredTunnels,
  addStoredTunnel,
  putStoredTunnel,
  removeStoredTunnel,
];

const clientOf = ({ params }: ApiRequest) => clientId(params.client_id ?? '');

/** The route table has let nobody else through. */
function callerOf({ principal }: ApiRequest) {
  if (principal === null) throw new AppError('unauthorized');
  return principal;
}

/** Throws `AppError` 400 for texts too long to keep. */
function readInput(request: ApiRequest): StoredTunnelInput {
  const body = request.body as StoredTunnelBody;
  const input: StoredTunnelInput = {
    name: body.name,
    scheme: body.scheme ?? null,
    remoteIp: body.remote_ip ?? null,
    remotePort: body.remote_port ?? null,
    publicPort: body.public_port ?? null,
    acl: body.acl ?? null,
    furtherOptions: memberAsWritten(request.rawBody, 'further_options'),
    autoOpen: body.auto_open,
  };
  const texts = {
    name: input.name,
    scheme: input.scheme,
    remote_ip: input.remoteIp,
    acl: input.acl,
    further_options: input.furtherOptions,
  };
  for (const [name, text] of Object.entries(texts)) {
    if ((text?.length ?? 0) <= LONGEST_TEXT) continue;
    throw new AppError('bad_request', { title: `${name} is longer than ${LONGEST_TEXT} characters` });
  }
  return input;
}

function audited(
  { clients }: ApiContext,
  stored: StoredTunnel,
  about: Pick<AuditDetails, 'request' | 'response'>,
) {
  const { id: affectedId, clientId: client } = stored;
  return { affectedId, clientId: client, clientHostname: clients.get(client)?.hostname ?? '', ...about };
}
