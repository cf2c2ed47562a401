/**
 * What is restricted of a requested tunnel. Everything is judged by what the request comes to, not by how it is
 * written: `local` and `remote` have many spellings, and some of them change each other's meaning (spec 05 §3.2).
 */

import { formatGoDuration } from '../../go/duration.js';
import type { Nanoseconds } from '../../time.js';
import { aclEntryCovers } from '../../tunnels/acl.js';
import { ANY_HOST } from '../../tunnels/parse-remote.js';
import type { Remote } from '../../tunnels/remote.js';
import { parseLimit } from './limit.js';
import { normalKey } from './normal-key.js';

export interface TunnelParameter {
  /** Under this name in the answer; default: the key of the restriction. */
  readonly name?: string;
  /** For the answer; empty when it is not given. */
  readonly shown: string;
  /** Texts that stand for the value; none when it is not given. */
  readonly forms: readonly string[];
  /** Whether `false` forbids it. */
  readonly isUsed: boolean;
  /** A value that is not given is not judged by a regular expression. */
  readonly optional?: true;
  /** Whether a list allows the value. Default: one of the forms is in it. */
  isListed?(list: readonly string[]): boolean;
  /** To compare with `min` and with `max`; `undefined`: the value is no duration. */
  readonly lasts: { readonly atLeast: Nanoseconds; readonly atMost: Nanoseconds } | undefined;
}

export interface RequestedTunnel {
  readonly remote: Remote;
  /** First value of a query parameter. */
  parameter(name: string): string | undefined;
}

const NANOSECONDS_PER_MINUTE: Nanoseconds = 60_000_000_000;
const LOOPBACK = '127.0.0.1';
const NEVER: Nanoseconds = Number.POSITIVE_INFINITY;

/** What a restriction's key is about. Keys that are no parameter of ours name one of the query. */
export function tunnelParameter(key: string, { remote, parameter }: RequestedTunnel): TunnelParameter {
  return (
    parameterOfTunnel(key, remote, parameter('auto-close') ?? '') ??
    plain(parameter(key) ?? parameter(normalKey(key)) ?? parameter(normalKey(key).replaceAll('_', '-')) ?? '')
  );
}

/** `null` for what a tunnel does not tell. `autoCloseText` is for the answer. */
export function parameterOfTunnel(
  key: string,
  remote: Remote,
  autoCloseText = formatGoDuration(remote.autoClose),
): TunnelParameter | null {
  switch (normalKey(key)) {
    case 'local':
      return remote.lhost === '' || remote.lport === '' || remote.lportRandom
        ? plain('')
        : address(remote.lhost, remote.lport, ANY_HOST);
    case 'remote':
      return address(remote.rhost, remote.rport, LOOPBACK);
    case 'scheme':
      return plain(remote.scheme ?? '');
    case 'protocol':
      return protocol(remote.protocol);
    case 'acl':
      return aclParameter(remote.acl);
    case 'idle_timeout_minutes':
      return idleTimeout(remote.idleTimeoutMinutes);
    case 'auto_close':
      return autoClose(remote.autoClose, autoCloseText);
    case 'skip_idle_timeout':
      // Minutes of 0 come to the same.
      return flag(remote.idleTimeoutMinutes === 0);
    case 'http_proxy':
      return flag(remote.httpProxy);
    case 'host_header':
      return { ...plain(remote.hostHeader), optional: true };
    case 'auth_allowed':
      return login(remote);
    default:
      return null;
  }
}

function aclParameter(acl: string | null): TunnelParameter {
  const text = acl ?? '';
  return {
    ...plain(text),
    isListed: (list) =>
      text !== '' &&
      text.split(',').every((entry) => list.some((one) => one === entry || aclEntryCovers(one, entry))),
  };
}

function plain(value: string): TunnelParameter {
  const duration = parseLimit(value === '' ? 0 : value);
  return {
    shown: value,
    forms: value === '' ? [] : [value],
    isUsed: value !== '',
    lasts: duration === undefined ? undefined : { atLeast: duration, atMost: duration },
  };
}

/** A port alone stands for itself on whatever host. */
function address(host: string, port: string, defaultHost: string): TunnelParameter {
  const full = `${host}:${port}`;
  const forms = host === defaultHost ? [port, full] : [full];
  return {
    ...plain(host === defaultHost ? port : full),
    forms,
    isListed: (list) => list.includes(port) || forms.some((form) => list.includes(form)),
  };
}

function protocol(value: string): TunnelParameter {
  return {
    ...plain(value),
    // A plus sign means a blank in a query, so the documentation writes `tcp-udp`.
    forms: [...new Set([value, value.replace('+', '-')])],
    isUsed: value !== 'tcp',
  };
}

function idleTimeout(minutes: number): TunnelParameter {
  const duration = minutes === 0 ? NEVER : minutes * NANOSECONDS_PER_MINUTE;
  return { ...plain(String(minutes)), lasts: { atLeast: duration, atMost: duration } };
}

/** A limit makes closing obligatory, so its absence is too little and too much. */
function autoClose(duration: Nanoseconds, text: string): TunnelParameter {
  return {
    ...plain(duration === 0 ? '' : text),
    lasts: { atLeast: duration, atMost: duration === 0 ? NEVER : duration },
  };
}

const flag = (on: boolean): TunnelParameter => ({ ...plain(on ? 'true' : ''), lasts: undefined });

function login({ authUser, authPassword }: Remote): TunnelParameter {
  if (authUser !== '') return { ...plain(authUser), name: 'auth_user' };
  return { ...plain(authPassword === '' ? '' : '***'), name: 'auth_password' };
}
