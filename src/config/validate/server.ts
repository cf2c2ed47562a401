/** Rules of `[server]` beyond types. Each function throws an Error with the reason. Spec 07 §1.4, §2.1. */

import { isIP } from 'node:net';
import { createCallerIp } from '../../auth/caller-ip.js';
import { formatGoDuration } from '../../go/duration.js';
import { reasonOf } from '../config-error.js';
import type { DecodedConfig } from '../keys.js';
import type { Surroundings } from '../surroundings.js';
import type { ClientAuth, PortRange } from '../types.js';
import { checkKeyPair } from '../values/key-pair.js';
import { parsePortRanges, subtractPorts } from '../values/port-ranges.js';
import { checkHttpUrl, splitUrl } from '../values/url.js';
import type { ConfigWarning } from '../warning.js';

type Decoded = DecodedConfig['server'];

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
/** Limits of `keep_disconnected_clients` while purging is on. */
const SHORTEST_KEPT = SECOND;
const LONGEST_KEPT = 7 * 24 * 60 * MINUTE;
const SHORTEST_CHECK_INTERVAL = 2 * MINUTE;
const LONGEST_PORT_CHECK = MINUTE;
/** Purging more often than this would only burn CPU. */
const SHORTEST_PURGE_INTERVAL = SECOND;
/** Far above any machine; a slip of the pen must not start thousands of threads. */
const MOST_SHARDS = 256;

/** `url` with its default, checked together with `pairing_url`. */
export function checkUrls(server: Decoded): readonly string[] {
  const urls = server.url.length > 0 ? server.url : [`http://${server.address}`];
  for (const url of urls) prefixed('server.URL', () => checkHttpUrl(url));
  if (server.pairingUrl !== '') prefixed('server.pairingURL', () => checkHttpUrl(server.pairingUrl));
  return urls;
}

/** Ports tunnels may use; at least one. */
export function allowedPorts(server: Decoded): readonly PortRange[] {
  const parse = (name: string, items: readonly string[]): readonly PortRange[] =>
    prefixed(`can't parse '${name}'`, () => parsePortRanges(items));
  const used = parse('used_ports', server.usedPorts);
  const allowed = subtractPorts(used, parse('excluded_ports', server.excludedPorts));
  if (allowed.length === 0)
    throw new Error(
      "invalid 'used_ports', 'excluded_ports': at least one port should be available for port assignment",
    );
  return allowed;
}

/** The tunnel proxy block counts only when a certificate or ACME is configured. Spec 05 §20. */
export function checkTunnelProxy(server: Decoded, surroundings: Pick<Surroundings, 'readFile'>): void {
  const { tunnelProxyCertFile: cert, tunnelProxyKeyFile: key, tunnelEnableAcme: acme } = server;
  if (cert === '' && key === '' && !acme) return;
  if (cert !== '' && key === '')
    throw new Error("when 'tunnel_proxy_cert_file' is set, 'tunnel_proxy_key_file' must be set as well");
  if (key !== '' && cert === '')
    throw new Error("when 'tunnel_proxy_key_file' is set, 'tunnel_proxy_cert_file' must be set as well");
  if (acme && cert !== '')
    throw new Error(
      'tunnel_proxy_cert_file, tunnel_proxy_key_file and tunnel_enable_acme cannot be used together',
    );
  if (cert !== '')
    prefixed("invalid 'tunnel_proxy_cert_file', 'tunnel_proxy_key_file'", () =>
      checkKeyPair(cert, key, surroundings),
    );
  if (server.tunnelHost !== '' && isIP(server.tunnelHost) === 0 && !isDnsName(server.tunnelHost))
    throw new Error(`invalid tunnel_host '${server.tunnelHost}': use IP address or FQDN`);
  if (!isTlsVersion(server.tlsMin)) throw new Error('TLS must be either 1.2 or 1.3');
}

export function checkRetention(server: Decoded): void {
  if (server.dataDir === '') throw new Error("'data directory path' cannot be empty");
  const kept = server.keepDisconnectedClients;
  if (server.purgeDisconnectedClients && kept !== 0 && (kept < SHORTEST_KEPT || kept > LONGEST_KEPT))
    throw new Error(
      `expected 'Keep Lost Clients' can be in range [1s, 168h0m0s], actual: ${formatGoDuration(kept * 1e6)}`,
    );
}

/** At most one source of agent credentials; without any, the server keeps them. Returns the static one. */
export function checkClientAuth(config: DecodedConfig): ClientAuth | null {
  const { auth, authFile, authTable } = config.server;
  if (authFile !== '' && auth !== '') throw bothSet('auth_file', 'auth');
  if (authFile !== '' && authTable !== '') throw bothSet('auth_file', 'auth_table');
  if (auth !== '' && authTable !== '') throw bothSet('auth', 'auth_table');
  if (authTable !== '' && config.database.dbType === '')
    throw new Error("'db_type' must be set when 'auth_table' is set");
  if (auth === '') return null;
  const colon = auth.indexOf(':');
  const id = colon < 0 ? '' : auth.slice(0, colon);
  const password = colon < 0 ? '' : auth.slice(colon + 1);
  if (id === '' || password === '')
    throw new Error(
      `invalid client auth credentials, expected '<client-id>:<password>', got ${JSON.stringify(auth)}`,
    );
  return { id, password };
}

export interface Handshakes {
  readonly limit: number | null;
  readonly warnings: readonly ConfigWarning[];
}

/** At least one handshake at a time; an extravagant number is only warned of. */
export function handshakeLimit(server: Decoded, cores: number): Handshakes {
  const wanted = server.maxConcurrentSshHandshakes;
  if (wanted !== null && wanted < 1)
    return {
      limit: 1,
      warnings: [
        {
          level: 'error',
          message: `'max_concurrent_ssh_handshakes' must be at least 1, got ${wanted}. Using 1`,
        },
      ],
    };
  if (wanted !== null && wanted > 2 * cores)
    return {
      limit: wanted,
      warnings: [
        {
          level: 'info',
          message: `warning: allowing too many concurrent ssh handshakes ('max_concurrent_ssh_handshakes' = ${wanted}) slows the server down. Use a value of at most twice the number of cores (${cores})`,
        },
      ],
    };
  return { limit: wanted, warnings: [] };
}

export interface Intervals {
  readonly checkClientsConnectionInterval: number;
  readonly purgeDisconnectedClientsInterval: number;
  readonly warnings: readonly ConfigWarning[];
}

/** Raises intervals that are too short to work with. */
export function raiseIntervals(server: Decoded): Intervals {
  const warnings: ConfigWarning[] = [];
  const raise = (name: string, value: number, least: number): number => {
    if (value >= least) return value;
    const shortest = formatGoDuration(least * 1e6);
    warnings.push({
      level: 'error',
      message: `'${name}' too fast. Using the minimum possible of ${shortest}`,
    });
    return least;
  };
  const check = raise(
    'check_clients_connection_interval',
    server.checkClientsConnectionInterval,
    SHORTEST_CHECK_INTERVAL,
  );
  const purge = server.purgeDisconnectedClients
    ? raise(
        'purge_disconnected_clients_interval',
        server.purgeDisconnectedClientsInterval,
        SHORTEST_PURGE_INTERVAL,
      )
    : server.purgeDisconnectedClientsInterval;
  return { checkClientsConnectionInterval: check, purgeDisconnectedClientsInterval: purge, warnings };
}

/** What the reference only notices while it constructs the server, and values that cannot work at all. */
export function checkLimits(server: Decoded): void {
  if (server.proxy !== '' && splitUrl(server.proxy).host === '')
    throw new Error(`missing protocol: ${server.proxy}`);
  if (server.checkPortTimeout > LONGEST_PORT_CHECK)
    throw new Error("'check_port_timeout' can not be more than 1m0s");
  if (server.checkPortTimeout <= 0) throw new Error("'check_port_timeout' must be more than 0");
  if (server.checkClientsConnectionTimeout <= 0)
    throw new Error("'check_clients_connection_timeout' must be more than 0");
  if (server.maxRequestBytesClient < 1) throw new Error("'max_request_bytes_client' must be at least 1");
  if (server.shards < 0 || server.shards > MOST_SHARDS)
    throw new Error(`'shards' must be between 0 (automatic) and ${MOST_SHARDS}`);
  createCallerIp(server.trustedProxies);
}

export const isTlsVersion = (text: string): boolean => text === '' || text === '1.2' || text === '1.3';

export const bothSet = (one: string, other: string): Error =>
  new Error(`'${one}' and '${other}' are both set: expected only one of them`);

/** Runs a check; its error gets `prefix: ` in front. */
export function prefixed<T>(prefix: string, check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    throw new Error(`${prefix}: ${reasonOf(thrown)}`);
  }
}

const isDnsName = (name: string): boolean =>
  name.length <= 255 &&
  /^[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62})(\.[a-zA-Z0-9_]([a-zA-Z0-9_-]{0,62}))*\.?$/.test(name);
