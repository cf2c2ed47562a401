/** Rules of `[api]` beyond types, in the reference's order and words. Spec 02 §1, 07 §1.4 and §2.3. */

import { createCallerIp } from '../../auth/caller-ip.js';
import type { Milliseconds } from '../../time.js';
import type { DecodedConfig } from '../keys.js';
import type { Surroundings } from '../surroundings.js';
import type { AuditLogRotation } from '../types.js';
import { nanosecondsToMilliseconds, parseExtendedDuration } from '../values/duration.js';
import { checkKeyPair } from '../values/key-pair.js';
import { splitUrl } from '../values/url.js';
import { bothSet, isTlsVersion, prefixed } from './server.js';
import { checkTwoFactor } from './two-factor.js';

/** Longest life of a token, hours. */
const LONGEST_TOKEN_LIFETIME = 2_160;
export const rotations: readonly AuditLogRotation[] = ['daily', 'weekly', 'monthly', 'yearly'];

/** @throws Error with the reason, without the prefix `API: ` */
export function checkApi(
  config: DecodedConfig,
  surroundings: Pick<Surroundings, 'readFile' | 'isExecutable'>,
): void {
  const { api } = config;
  if (api.address !== '') {
    checkUsers(config);
    checkBaseUrl(api);
    checkCertificates(api, surroundings);
    checkTwoFactor(config, surroundings);
    if (!isTlsVersion(api.tlsMin)) throw new Error('TLS must be either 1.2 or 1.3');
    if (api.maxTokenLifetime < 0 || api.maxTokenLifetime > LONGEST_TOKEN_LIFETIME)
      throw new Error(
        `max_token_lifetime outside allowable ranges. must be between 0 and ${LONGEST_TOKEN_LIFETIME}`,
      );
    if (api.maxRequestBytes < 1) throw new Error("'max_request_bytes' must be at least 1");
    if (api.maxFilepushSize < 1) throw new Error("'max_filepush_size' must be at least 1");
    createCallerIp(api.trustedProxies);
  } else if (api.docRoot !== '') {
    throw new Error('to use document root you need to specify API address');
  }
  if (api.enableAuditLog && !rotations.some((known) => known === api.auditLogRotation))
    throw new Error(`invalid api.audit_log_rotation: ${JSON.stringify(api.auditLogRotation)}`);
  if (api.enableAuditLog) auditLogKeep(api.auditLogKeep);
}

/**
 * How long rotated files of the audit log are kept; `null` = for ever.
 * @throws Error with the reason
 */
export function auditLogKeep(text: string): Milliseconds | null {
  if (text.trim() === '') return null;
  const keep = prefixed("can't parse 'audit_log_keep'", () =>
    nanosecondsToMilliseconds(parseExtendedDuration(text.trim())),
  );
  if (keep <= 0) throw new Error("'audit_log_keep' must be longer than 0");
  return keep;
}

/** At most one source of users; without any, the server keeps them. */
function checkUsers({ api, database }: DecodedConfig): void {
  if (api.authFile !== '' && api.auth !== '') throw bothSet('auth_file', 'auth');
  if (api.authUserTable !== '' && api.auth !== '') throw bothSet('auth_user_table', 'auth');
  if (api.authUserTable !== '' && api.authFile !== '') throw bothSet('auth_user_table', 'auth_file');
  if (api.authUserTable !== '' && api.authGroupTable === '')
    throw new Error("when 'auth_user_table' is set, 'auth_group_table' must be set as well");
  if (api.authUserTable !== '' && database.dbType === '')
    throw new Error("'db_type' must be set when 'auth_user_table' is set");
  if (api.authHeader === '') return;
  if (api.auth !== '') throw new Error("'auth_header' cannot be used with single user 'auth'");
  if (api.userHeader === '') throw new Error("'user_header' must be set when 'auth_header' is set");
}

function checkBaseUrl(api: DecodedConfig['api']): void {
  const host =
    api.baseUrl === '' ? '' : prefixed('base_url must be a valid url', () => splitUrl(api.baseUrl)).host;
  if (api.enableAcme && host === '') throw new Error('base_url must have a host when acme is enabled');
}

function checkCertificates(api: DecodedConfig['api'], surroundings: Pick<Surroundings, 'readFile'>): void {
  if (api.certFile === '' && api.keyFile === '') return;
  if (api.keyFile === '') throw new Error("when 'cert_file' is set, 'key_file' must be set as well");
  if (api.certFile === '') throw new Error("when 'key_file' is set, 'cert_file' must be set as well");
  if (api.enableAcme) throw new Error('cert_file, key_file and enable_acme cannot be used together');
  prefixed("invalid 'cert_file', 'key_file'", () => checkKeyPair(api.certFile, api.keyFile, surroundings));
}
