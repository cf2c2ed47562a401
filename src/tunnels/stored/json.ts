/** Stored tunnels as callers and the audit log see them. Spec 03 §9. */

import { goInstant } from '../../go/instant.js';
import { jsonText } from '../../go/json-text.js';
import type { StoredTunnel, StoredTunnelInput } from './stored-tunnel.js';

/** Keys whose values may be secrets: passwords, tokens, keys, credentials. */
const SECRET_KEY = /pass|pwd|secret|token|key|credential|auth/i;
const MASK = '***';

/** JSON text, keys in the order of the reference; what is new comes last. */
export function storedTunnelText(stored: StoredTunnel): string {
  const { id, createdAt, furtherOptions, autoOpen } = stored;
  const known = jsonText({ id, created_at: goInstant(createdAt), ...plain(stored) });
  // The options are JSON already, and shown as they were given: large numbers, order of keys and all.
  return `${known.slice(0, -1)},"further_options":${furtherOptions ?? 'null'},"auto_open":${autoOpen}}`;
}

/** For the audit log: what may be a secret in the options is masked. */
export function auditedTunnel(stored: StoredTunnel): object {
  return { id: stored.id, created_at: goInstant(stored.createdAt), ...auditedInput(stored) };
}

/** Like `auditedTunnel`, of what was asked for. */
export function auditedInput(input: StoredTunnelInput): object {
  const { furtherOptions, autoOpen } = input;
  const options: unknown = furtherOptions === null ? null : JSON.parse(furtherOptions, masked);
  return { ...plain(input), further_options: options, auto_open: autoOpen };
}

function plain({ name, scheme, remoteIp, remotePort, publicPort, acl }: StoredTunnelInput): object {
  return { name, scheme, remote_ip: remoteIp, remote_port: remotePort, public_port: publicPort, acl };
}

/** For `JSON.parse`. Flags and numbers say whether something is on; texts, lists and objects may be secrets. */
function masked(key: string, value: unknown): unknown {
  const isSecret = SECRET_KEY.test(key) && (typeof value === 'string' || typeof value === 'object');
  return isSecret && value !== null && value !== '' ? MASK : value;
}
