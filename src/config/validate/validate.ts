/** From typed settings to the final configuration. The first broken rule wins, in the order of spec 07 §1.4. */

import { formatGoDuration } from '../../go/duration.js';
import { reasonOf } from '../config-error.js';
import type { DecodedConfig } from '../keys.js';
import type { Surroundings } from '../surroundings.js';
import type { ApiConfig, Config, TlsVersion } from '../types.js';
import { parseHoursOrDays } from '../values/duration.js';
import { checkOrigin } from '../values/url.js';
import type { ConfigWarning } from '../warning.js';
import { auditLogKeep, checkApi, rotations } from './api.js';
import { checkDatabase } from './database.js';
import { checkOauth, usesSingleSignOn } from './oauth.js';
import {
  allowedPorts,
  checkClientAuth,
  checkLimits,
  checkRetention,
  checkTunnelProxy,
  checkUrls,
  handshakeLimit,
  prefixed,
  raiseIntervals,
} from './server.js';

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
/** Shorter would be a busy loop (a defect of the reference at 0). */
const SHORTEST_CLEANUP = 60 * SECOND;

const PLUS_IS_BUILT_IN =
  'plugin_path and licence are ignored: what the add-on offers is part of this server, without limits';

export type ValidateOptions = Pick<Surroundings, 'readFile' | 'isExecutable' | 'cores'>;

export interface Validated {
  readonly config: Config;
  readonly warnings: readonly ConfigWarning[];
}

/** @throws Error with the reason of the first broken rule */
export function validate(decoded: DecodedConfig, options: ValidateOptions): Validated {
  const { server, api, monitoring } = decoded;
  const warnings: ConfigWarning[] = [];
  const url = checkUrls(server);
  const ports = allowedPorts(server);
  checkTunnelProxy(server, options);
  const tunnelCors = validOrigins(server.tunnelCors, warnings);
  checkRetention(server);
  const clientAuth = checkClientAuth(decoded);
  prefixed('API', () => checkApi(decoded, options));
  if (api.address !== '') checkOauth(decoded.plusOauth);
  const auth = staticUser(decoded, warnings);
  if (asksForPlus(decoded)) warnings.push({ level: 'info', message: PLUS_IS_BUILT_IN });
  const cors = api.address === '' ? api.cors : validOrigins(api.cors, warnings);
  if (api.address !== '' && api.authHeader !== '' && api.trustedProxies.length === 0) {
    warnings.push({
      level: 'error',
      message:
        "warning: 'auth_header' has no effect, because 'trusted_proxies' of [api] is empty: it names the proxies that may vouch for users",
    });
  }
  const database = checkDatabase(decoded);
  const handshakes = handshakeLimit(server, options.cores);
  const intervals = raiseIntervals(server);
  const dataStorageDuration = monitoring.enabled
    ? measurementRetention(monitoring.dataStorageDuration)
    : retentionOr(monitoring.dataStorageDuration, 7 * 24 * HOUR);
  const cleanupInterval = cleanup(decoded.notifications.cleanupInterval, warnings);
  checkLimits(server);
  warnings.push(...handshakes.warnings, ...intervals.warnings);
  return {
    warnings,
    config: {
      ...decoded,
      server: {
        ...server,
        shards: server.shards === 0 ? options.cores : server.shards,
        url,
        allowedPorts: ports,
        tunnelCors,
        clientAuth,
        maxConcurrentSshHandshakes: handshakes.limit,
        checkClientsConnectionInterval: intervals.checkClientsConnectionInterval,
        purgeDisconnectedClientsInterval: intervals.purgeDisconnectedClientsInterval,
        tlsMin: tlsVersion(server.tlsMin),
      },
      api: {
        ...api,
        auth,
        cors,
        tlsMin: tlsVersion(api.tlsMin),
        auditLogRotation: rotations.find((known) => known === api.auditLogRotation) ?? 'monthly',
        auditLogKeep: api.enableAuditLog ? auditLogKeep(api.auditLogKeep) : null,
      } satisfies ApiConfig,
      database,
      monitoring: { enabled: monitoring.enabled, dataStorageDuration },
      notifications: { ...decoded.notifications, cleanupInterval },
    },
  };
}

/** The single user cannot be joined by those an identity provider vouches for. Spec 02 §18.1. */
function staticUser(decoded: DecodedConfig, warnings: ConfigWarning[]): string {
  const { auth } = decoded.api;
  if (auth === '' || !usesSingleSignOn(decoded)) return auth;
  warnings.push({
    level: 'error',
    message: "warning: 'auth' is ignored with [plus-oauth]: users are kept in the server's own store",
  });
  return '';
}

const asksForPlus = ({ plusPlugin, plusLicense }: DecodedConfig): boolean =>
  [plusPlugin, plusLicense].some((section) => Object.values(section).some((value) => value !== ''));

/** Keeps valid origins; the others are named in the log and dropped. */
function validOrigins(origins: readonly string[], warnings: ConfigWarning[]): readonly string[] {
  return origins.filter((origin) => {
    try {
      checkOrigin(origin);
      return true;
    } catch (thrown) {
      warnings.push({
        level: 'error',
        message: `invalid cors origin ${JSON.stringify(origin)}: ${reasonOf(thrown)}`,
      });
      return false;
    }
  });
}

function measurementRetention(text: string): number {
  const kept = parseHoursOrDays('data_storage_duration', text);
  if (kept < HOUR) throw new Error('monitoring results must be stored for at least 1 hour');
  return kept;
}

/** With monitoring off the value is not judged. */
function retentionOr(text: string, fallback: number): number {
  try {
    return parseHoursOrDays('data_storage_duration', text);
  } catch {
    return fallback;
  }
}

function cleanup(interval: number, warnings: ConfigWarning[]): number {
  if (interval >= SHORTEST_CLEANUP) return interval;
  const shortest = formatGoDuration(SHORTEST_CLEANUP * 1e6);
  warnings.push({
    level: 'error',
    message: `'cleanup_interval' too fast. Using the minimum possible of ${shortest}`,
  });
  return SHORTEST_CLEANUP;
}

/** Only reached with a checked version, or with one nobody uses (tunnel proxy off): then the stricter one. */
const tlsVersion = (text: string): TlsVersion => (text === '1.2' ? '1.2' : '1.3');
