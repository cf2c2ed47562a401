/** Remotes and tunnels in the JSON of the wire, the API and the store. Spec 05 §2.1 and §2.2, 01 §6.3. */

import { type ClientId, tunnelId } from '../ids.js';
import { goInstant } from '../json-text.js';
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

/** Longest text accepted in one field of a remote; the longest meaningful one is an ACL of some hundred blocks. */
const MAX_TEXT = 8192;
const protocols: readonly string[] = ['tcp', 'udp', 'tcp+udp'] satisfies readonly TunnelProtocol[];

/**
 * Reads what an agent or a stored row says. Absent and `null` fields get their zero value, an absent protocol
 * is `tcp`. `undefined` when a field has the wrong type, an unknown protocol or more than 8192 characters.
 */
export function remoteFromJson(value: unknown): Remote | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const fields = value as Readonly<Record<string, unknown>>;
  let fits = true;
  const text = (key: string): string => {
    const field = fields[key] ?? '';
    if (typeof field === 'string' && field.length <= MAX_TEXT) return field;
    fits = false;
    return '';
  };
  const optionalText = (key: string): string | null => ((fields[key] ?? null) === null ? null : text(key));
  const flag = (key: string): boolean => {
    const field = fields[key] ?? false;
    if (typeof field === 'boolean') return field;
    fits = false;
    return false;
  };
  const integer = (key: string): number => {
    const field = fields[key] ?? 0;
    if (Number.isSafeInteger(field)) return field as number;
    fits = false;
    return 0;
  };
  const protocol = text('protocol') || 'tcp';
  const remote: Remote = {
    name: text('name'),
    protocol: protocol as TunnelProtocol,
    lhost: text('lhost'),
    lport: text('lport'),
    lportRandom: flag('lport_random'),
    owner: text('owner'),
    rhost: text('rhost'),
    rport: text('rport'),
    scheme: optionalText('scheme'),
    acl: optionalText('acl'),
    idleTimeoutMinutes: integer('idle_timeout_minutes'),
    autoClose: integer('auto_close'),
    httpProxy: flag('http_proxy'),
    hostHeader: text('host_header'),
    authUser: text('auth_user'),
    authPassword: text('auth_password'),
    tunnelUrl: text('tunnel_url'),
  };
  return fits && protocols.includes(protocol) ? remote : undefined;
}

/** The reverse of `tunnelToJson`, by the rules of `remoteFromJson`. */
export function tunnelFromJson(value: unknown): TunnelRecord | undefined {
  const remote = remoteFromJson(value);
  if (remote === undefined) return undefined;
  const { id, created_at: createdAt } = value as Readonly<Record<string, unknown>>;
  if (typeof id !== 'string' || typeof createdAt !== 'string') return undefined;
  return { ...remote, id: tunnelId(id), createdAt };
}
