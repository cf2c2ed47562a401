/** Tunnels of connected clients. Spec 05 §3 to §6. */

import Type from 'typebox';
import { askClient, type ClientRequests } from '../../actors/client/messages.js';
import type { Principal } from '../../auth/principal.js';
import { checkTunnelRequest, mayTerminateForeign } from '../../auth/restrictions/check-tunnel.js';
import { AppError } from '../../errors.js';
import { parseGoBool } from '../../go/bool.js';
import { tunnelId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import { listedTunnelToJson, tunnelToJson } from '../../tunnels/remote-json.js';
import { readTunnelRequest } from '../../tunnels/request.js';
import { auditedClient, connectedClient } from '../connected-client.js';
import type { Access, ApiRequest, Route } from '../route.js';

const TAG = 'Clients and Tunnels';
const ofClient: Access = { kind: 'user', client: true, permission: 'tunnels' };

/** Two questions to the agent (30 s each, the second with `check_port_timeout` on top) and a start (20 s). */
const CREATE_TIMEOUT: Milliseconds = 90_000;
/** The actor may be busy with a start; the change itself takes no time. */
const CHANGE_TIMEOUT: Milliseconds = 30_000;

/** One tunnel as the API shows it. Spec 05 §2.2. */
export const tunnelSchema = Type.Object({
  id: Type.String({ description: 'Number of the tunnel, unique within its client' }),
  name: Type.String(),
  protocol: Type.Union([Type.Literal('tcp'), Type.Literal('udp'), Type.Literal('tcp+udp')]),
  lhost: Type.String({ description: 'Address the server listens on; 0.0.0.0 covers IPv6 too' }),
  lport: Type.String({ description: 'Port the server listens on' }),
  lport_random: Type.Boolean({ description: 'Whether the server chose the port' }),
  owner: Type.String({ description: 'User who created it; empty when the agent asked for it' }),
  rhost: Type.String({ description: 'Target as seen from the client' }),
  rport: Type.String(),
  scheme: Type.Union([Type.String(), Type.Null()]),
  acl: Type.Union([Type.String(), Type.Null()], { description: 'Who may connect; null means everybody' }),
  idle_timeout_minutes: Type.Integer({ description: '0 = never' }),
  auto_close: Type.Integer({ description: 'Nanoseconds after which the tunnel ends; 0 = never' }),
  http_proxy: Type.Boolean(),
  host_header: Type.String(),
  auth_user: Type.String(),
  auth_password: Type.String(),
  tunnel_url: Type.String(),
  created_at: Type.String({ format: 'date-time' }),
});

const listedTunnelSchema = Type.Object({ ...tunnelSchema.properties, client_id: Type.String() });

const aclBody = Type.Object({
  acl: Type.Optional(
    Type.Union([Type.String(), Type.Null()], {
      description: 'Addresses and CIDR blocks, separated by commas; null or empty removes the restriction',
    }),
  ),
});

const text = (description: string) => ({ schema: Type.String(), description });

const createTunnel: Route = {
  method: 'PUT',
  path: '/clients/{client_id}/tunnels',
  access: ofClient,
  docs: {
    tag: TAG,
    summary: 'Open a tunnel to an address reachable from a client',
    query: {
      remote: text('Target: `port` or `host:port`. Required'),
      local: text('`port` or `host:port` to listen on; a free port is chosen without it'),
      protocol: text('`tcp` (default); `udp` and `tcp+udp` are not available yet'),
      name: text('Free text'),
      scheme: text('URI scheme, at most 15 bytes, such as `ssh`'),
      acl: text('Who may connect: addresses and CIDR blocks, separated by commas'),
      check_port: text('`0` skips trying the target port first'),
      'idle-timeout-minutes': {
        schema: Type.Integer({ minimum: 0, maximum: 10_080, default: 5 }),
        description: 'Ends the tunnel after this many minutes without a connection; 0 = never',
      },
      'skip-idle-timeout': {
        schema: Type.Boolean({ default: false }),
        description: 'Same as an idle time-out of 0',
      },
      'auto-close': text('Ends the tunnel after this time, such as `1h30m`; at most 744h'),
      http_proxy: {
        schema: Type.Boolean({ default: false }),
        description: 'Asks for an HTTP proxy in front of the tunnel; not enabled on this server',
      },
      host_header: text('Only with `http_proxy`'),
      auth_user: text('Only with `http_proxy`'),
      auth_password: text('Only with `http_proxy`'),
    },
    errors: {
      400: 'Invalid parameters, forbidden by the restrictions of the caller’s groups, target refused or closed, tunnel exists, local port in use or not allowed. Codes: ERR_CODE_URI_SCHEME_LENGTH_EXCEED, ERR_CODE_INVALID_ACL, ERR_CODE_TUNNEL_EXIST, ERR_CODE_TUNNEL_TO_PORT_EXIST, ERR_CODE_REMOTE_PORT_NOT_OPEN, ERR_CODE_LOCAL_PORT_IN_USE',
      404: 'The client is unknown or not connected',
      409: 'The client failed to check the port, or the tunnel could not be started',
      500: 'The client could not be asked, or no local port is free',
    },
  },
  audit: { application: 'client.tunnel', action: 'create' },
  responses: { 200: tunnelSchema },
  async handler(request, context) {
    const client = connectedClient(request, context);
    const { username, tunnelRestrictions } = callerOf(request);
    const { remote, checkPort } = readTunnelRequest(request.query, username);
    checkTunnelRequest(tunnelRestrictions, { remote, parameter: (name) => request.query.get(name) });
    const timeout = CREATE_TIMEOUT + context.config.server.checkPortTimeout;
    const tunnel = await askClient(
      context.actors,
      client.id,
      { type: 'create-tunnel', remote, checkPort },
      timeout,
    );
    const data = tunnelToJson(tunnel);
    const { id, created_at: _, ...opened } = data;
    const audit = {
      affectedId: id,
      ...auditedClient(client),
      request: { ...opened, auth_password: '' },
      response: { ...data, auth_password: '' },
    };
    return { status: 200, data, audit };
  },
};

const deleteTunnel: Route = {
  method: 'DELETE',
  path: '/clients/{client_id}/tunnels/{tunnel_id}',
  access: ofClient,
  docs: {
    tag: TAG,
    summary: 'Close a tunnel',
    query: {
      force: {
        schema: Type.Boolean({ default: false }),
        description: 'Close it although connections are open',
      },
    },
    errors: {
      400: '`force` is not a boolean',
      403: 'The tunnel is another user’s, and the restrictions of the caller’s groups forbid closing it',
      404: 'The client is unknown or not connected, or has no such tunnel',
      409: 'Connections are open',
    },
  },
  audit: { application: 'client.tunnel', action: 'delete' },
  responses: { 204: null },
  async handler(request, context) {
    const force = readForce(request.query.get('force') ?? '');
    const client = connectedClient(request, context);
    const { username, tunnelRestrictions } = callerOf(request);
    const removal: ClientRequests['delete-tunnel']['request'] = {
      id: tunnelId(request.params.tunnel_id ?? ''),
      force,
      ...(mayTerminateForeign(tunnelRestrictions) ? {} : { onlyOf: username }),
    };
    await askClient(context.actors, client.id, { type: 'delete-tunnel', ...removal }, CHANGE_TIMEOUT);
    return {
      status: 204,
      empty: true,
      audit: { affectedId: removal.id, ...auditedClient(client), request: { force } },
    };
  },
};

const setAcl: Route = {
  method: 'PUT',
  path: '/clients/{client_id}/tunnels/{tunnel_id}/acl',
  access: ofClient,
  docs: {
    tag: TAG,
    summary: 'Replace who may connect to a tunnel',
    description: 'Applies to new connections; open ones stay.',
    errors: {
      400: 'Missing or invalid body, invalid ACL, or the restrictions of the caller’s groups forbid such a tunnel; nothing changes',
      404: 'The client is unknown or not connected, or has no such tunnel',
    },
  },
  audit: { application: 'client.tunnel', action: 'update' },
  body: aclBody,
  responses: { 204: null },
  async handler(request, context) {
    const client = connectedClient(request, context);
    const { acl = null } = request.body as { readonly acl?: string | null };
    const change: ClientRequests['set-tunnel-acl']['request'] = {
      id: tunnelId(request.params.tunnel_id ?? ''),
      acl,
      restrictions: callerOf(request).tunnelRestrictions,
    };
    await askClient(context.actors, client.id, { type: 'set-tunnel-acl', ...change }, CHANGE_TIMEOUT);
    return {
      status: 204,
      empty: true,
      audit: { affectedId: change.id, ...auditedClient(client), request: { acl } },
    };
  },
};

const listTunnels: Route = {
  method: 'GET',
  path: '/tunnels',
  access: { kind: 'user', permission: 'tunnels' },
  docs: { tag: TAG, summary: 'All open tunnels of the clients the caller may access' },
  responses: { 200: Type.Array(listedTunnelSchema) },
  handler(request, context) {
    const tunnels = [];
    if (request.principal) {
      for (const client of context.clients.visible(request.principal)) {
        if (client.disconnectedAt !== null) continue;
        for (const tunnel of client.tunnels) tunnels.push(listedTunnelToJson(tunnel, client.id));
      }
    }
    return { status: 200, data: tunnels };
  },
};

export const tunnelRoutes: readonly Route[] = [createTunnel, deleteTunnel, setAcl, listTunnels];

/** The route table has let nobody else through. */
function callerOf({ principal }: ApiRequest): Principal {
  if (principal === null) throw new AppError('unauthorized');
  return principal;
}

function readForce(value: string): boolean {
  if (value === '') return false;
  const force = parseGoBool(value);
  if (!force.ok) throw new AppError('bad_request', { title: `Invalid force param: ${value}.` });
  return force.value;
}
