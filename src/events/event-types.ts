/** Every kind of event there is: the one place where a kind is added. Its schema goes into the API's description. */

import Type, { type TSchema } from 'typebox';
import type { Permission } from '../auth/principal.js';

/** Why a connection, or the tunnel that hung on it, has ended. */
export const connectionEnds = {
  connection_lost: 'the agent or the network ended it',
  closed_by_server: 'this server ended it: the agent did not answer, or sent what it must not',
  removed: 'the client or its credential was removed',
  server_stopped: 'the server was stopped in order',
  server_fault: 'a part of the server failed',
  server_restarted: 'found when the server started after a crash',
} as const;
export type ConnectionEnd = keyof typeof connectionEnds;

export const tunnelEnds = {
  deleted: 'a user deleted it',
  idle: 'nobody used it for longer than its idle time-out',
  auto_close: 'its time was over',
  failed: 'its listener failed',
  replaced: 'the agent connected anew, and its tunnels are opened again',
  ...connectionEnds,
} as const;
export type TunnelEnd = keyof typeof tunnelEnds;

const oneOf = (reasons: Readonly<Record<string, string>>): TSchema =>
  Type.Union(
    Object.keys(reasons).map((name) => Type.Literal(name)),
    {
      description: Object.entries(reasons)
        .map(([name, meaning]) => `\`${name}\`: ${meaning}`)
        .join('; '),
    },
  );

const tunnel = Type.Object(
  {
    id: Type.String({ description: 'Unique within the client' }),
    name: Type.String(),
    protocol: Type.String(),
    lhost: Type.String(),
    lport: Type.String(),
    lport_random: Type.Boolean(),
    owner: Type.String(),
    rhost: Type.String(),
    rport: Type.String(),
    scheme: Type.Union([Type.String(), Type.Null()]),
    acl: Type.Union([Type.String(), Type.Null()]),
    idle_timeout_minutes: Type.Integer(),
    auto_close: Type.Integer({ description: 'Nanoseconds' }),
    http_proxy: Type.Boolean(),
    host_header: Type.String(),
    auth_user: Type.String(),
    tunnel_url: Type.String(),
    created_at: Type.String({ format: 'date-time' }),
  },
  { $id: 'EventTunnel', description: 'As everywhere, without `auth_password`' },
);

const jobFields = {
  jid: Type.String(),
  multi_job_id: Type.Union([Type.String(), Type.Null()]),
  schedule_id: Type.Union([Type.String(), Type.Null()]),
  created_by: Type.String({ description: 'Who has asked for it' }),
  is_script: Type.Boolean(),
};

/** What each kind carries as `payload`. */
const payloads = {
  'client.connected': Type.Object({
    address: Type.String({ description: 'Of the agent' }),
    version: Type.String({ description: 'Of the agent' }),
    resumed: Type.Boolean({
      description:
        'It was connected before; the new connection replaced the old one without an end in between',
    }),
  }),
  'client.disconnected': Type.Object({
    cause: oneOf(connectionEnds),
    connected_at: Type.String({ format: 'date-time', description: 'When the ended connection began' }),
  }),
  'tunnel.opened': Type.Object({
    tunnel,
    at_connect: Type.Boolean({ description: 'Opened again, or asked for by the agent, when it connected' }),
  }),
  'tunnel.closed': Type.Object({ tunnel, cause: oneOf(tunnelEnds) }),
  'job.started': Type.Object(jobFields),
  'job.finished': Type.Object({
    ...jobFields,
    status: Type.String({ description: '`successful`, `failed` or `unknown`' }),
  }),
  'upload.finished': Type.Object({
    uuid: Type.String({ description: 'Of the upload' }),
    filepath: Type.String({ description: 'Where it was written; empty for `error`' }),
    size: Type.Integer({ description: 'Bytes written on the client' }),
    message: Type.String(),
    status: Type.String({ description: '`success`, `ignored` (the file was there) or `error`' }),
  }),
} as const satisfies Readonly<Record<string, TSchema>>;

export type EventType = keyof typeof payloads;

export const eventTypes = Object.keys(payloads) as readonly EventType[];

/** One of them is needed to hear of events of this type; none: access to the client is enough. */
export function permissionsFor(type: EventType): readonly Permission[] {
  switch (type) {
    case 'client.connected':
    case 'client.disconnected':
      return [];
    case 'tunnel.opened':
    case 'tunnel.closed':
      return ['tunnels'];
    case 'job.started':
    case 'job.finished':
      return ['commands', 'scripts'];
    case 'upload.finished':
      return ['uploads'];
  }
}

/** Types a name or a pattern with `*` stands for. */
export function matchingTypes(pattern: string): readonly EventType[] {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  return eventTypes.filter((type) => expression.test(type));
}

/** One event, as streams and webhooks send it. */
export const eventSchema = Type.Union(
  eventTypes.map((type) =>
    Type.Object({
      id: Type.String({ description: 'Unique; ids of one client sort as its events happened' }),
      type: Type.Literal(type),
      time: Type.String({ format: 'date-time' }),
      client_id: Type.String(),
      client_name: Type.String(),
      client_hostname: Type.String(),
      payload: payloads[type],
    }),
  ),
  { $id: 'Event' },
);
