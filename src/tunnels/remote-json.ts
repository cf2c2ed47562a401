/** Remotes and tunnels in the JSON of the wire, the API and the store. Spec 05 §2.1 and §2.2, 01 §6.3. */

import { goInstant } from '../go/instant.js';
import { type ClientId, tunnelId } from '../ids.js';
import { JsonFields } from '../json-fields.js';
import type { Remote, TunnelProtocol, TunnelRecord } from './remote.js';

/** Keys in the order of spec 05 §2.1; none is ever left out. */
export interface RemoteJson {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly lhost: string;
  readonly lport: string;
  readonly lport_random: boolean;
  readonly owner: string;
  readonly rhost: string;
  readonly rport: string;
  readonly scheme: string | null;
  readonly acl: string | null;
  readonly idle_timeout_minutes: number;
  /** Nanoseconds. */
  readonly auto_close: number;
  readonly http_proxy: boolean;
  readonly host_header: string;
  readonly auth_user: string;
  readonly auth_password: string;
  readonly tunnel_url: string;
}

export interface TunnelJson extends RemoteJson {
  readonly id: string;
  readonly created_at: string;
}

export interface ListedTunnelJson extends TunnelJson {
  readonly client_id: string;
}

/** The object to serialise for an agent (replies to `new_connection`, `check_tunnel_allowed`). */
export function remoteToJson(remote: Remote): RemoteJson {
  return {
    name: remote.name,
    protocol: remote.protocol,
    lhost: remote.lhost,
    lport: remote.lport,
    lport_random: remote.lportRandom,
    owner: remote.owner,
    rhost: remote.rhost,
    rport: remote.rport,
    scheme: remote.scheme,
    acl: remote.acl,
    idle_timeout_minutes: remote.idleTimeoutMinutes,
    auto_close: remote.autoClose,
    http_proxy: remote.httpProxy,
    host_header: remote.hostHeader,
    auth_user: remote.authUser,
    auth_password: remote.authPassword,
    tunnel_url: remote.tunnelUrl,
  };
}

/** A tunnel in client payloads and in the answer to its creation: `id` first, `created_at` last. */
export function tunnelToJson(tunnel: TunnelRecord): TunnelJson {
  return { id: tunnel.id, ...remoteToJson(tunnel), created_at: goInstant(tunnel.createdAt) };
}

/** An item of `GET /tunnels`: the keys of the remote first. Spec 05 §6.1. */
export function listedTunnelToJson(tunnel: TunnelRecord, client: ClientId): ListedTunnelJson {
  return {
    ...remoteToJson(tunnel),
    id: tunnel.id,
    client_id: client,
    created_at: goInstant(tunnel.createdAt),
  };
}

/** The longest meaningful field is an ACL of some hundred blocks. */
const MAX_TEXT = 8192;
const protocols: readonly string[] = ['tcp', 'udp', 'tcp+udp'] satisfies readonly TunnelProtocol[];

/**
 * Reads what an agent or a stored row says. Absent and `null` fields get their zero value, an absent protocol
 * is `tcp`. `undefined` when a field has the wrong type, an unknown protocol or more than `maxText` characters.
 */
export function remoteFromJson(value: unknown, maxText = MAX_TEXT): Remote | undefined {
  const fields = new JsonFields(value, maxText);
  const protocol = fields.text('protocol') || 'tcp';
  const remote: Remote = {
    name: fields.text('name'),
    protocol: protocol as TunnelProtocol,
    lhost: fields.text('lhost'),
    lport: fields.text('lport'),
    lportRandom: fields.flag('lport_random'),
    owner: fields.text('owner'),
    rhost: fields.text('rhost'),
    rport: fields.text('rport'),
    scheme: fields.textOrNull('scheme'),
    acl: fields.textOrNull('acl'),
    idleTimeoutMinutes: fields.integer('idle_timeout_minutes'),
    autoClose: fields.integer('auto_close'),
    httpProxy: fields.flag('http_proxy'),
    hostHeader: fields.text('host_header'),
    authUser: fields.text('auth_user'),
    authPassword: fields.text('auth_password'),
    tunnelUrl: fields.text('tunnel_url'),
  };
  return fields.fits && protocols.includes(protocol) ? remote : undefined;
}

/** The reverse of `tunnelToJson`, by the rules of `remoteFromJson`; `id` and `created_at` are required. */
export function tunnelFromJson(value: unknown, maxText = MAX_TEXT): TunnelRecord | undefined {
  const remote = remoteFromJson(value, maxText);
  if (remote === undefined) return undefined;
  const fields = new JsonFields(value, maxText);
  const [id, createdAt] = [fields.text('id'), fields.text('created_at')];
  return fields.fits && id !== '' && createdAt !== ''
    ? { ...remote, id: tunnelId(id), createdAt }
    : undefined;
}
