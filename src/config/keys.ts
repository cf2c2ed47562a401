/**
 * Every key of the configuration file with its type and default: the one place where a key is added. Validation
 * beyond the type is in `validate/`. Spec 07 §2.
 */

import {
  type RawValue,
  toBoolean,
  toDuration,
  toExtendedDuration,
  toFloat,
  toInteger,
  toList,
  toLogLevel,
  toText,
} from './values/coerce.js';
import { type RoleGroups, toRoleGroups } from './values/role-groups.js';
import type { WebhookConfig } from './values/webhooks.js';

/** How a value is read, and what holds when nobody set it. */
export interface Key<T> {
  readonly read: (raw: RawValue) => T;
  readonly fallback: T;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Reference default; on Windows the reference has `C:\ProgramData\rport`. */
const DATA_DIR = process.platform === 'win32' ? 'C:\\ProgramData\\rport' : '/var/lib/rport';

const text = (fallback = ''): Key<string> => ({ read: toText, fallback });
const integer = (fallback = 0): Key<number> => ({ read: toInteger, fallback });
const float = (fallback: number): Key<number> => ({ read: toFloat, fallback });
const flag = (fallback = false): Key<boolean> => ({ read: toBoolean, fallback });
const list = (...fallback: string[]): Key<readonly string[]> => ({ read: toList, fallback });
const duration = (fallback: number): Key<number> => ({ read: toDuration, fallback });
/** An empty text means the default here. */
const extended = (fallback: number): Key<number> => ({
  read: (raw) => (raw === '' ? fallback : toExtendedDuration(raw)),
  fallback,
});

export const sections = {
  server: {
    address: text('0.0.0.0:8080'),
    url: list(),
    pairing_url: text('https://pairing.openrport.io'),
    key_seed: text(),
    auth: text(),
    auth_file: text(),
    auth_table: text(),
    auth_write: flag(true),
    auth_multiuse_creds: flag(true),
    equate_clientauthid_clientid: flag(),
    proxy: text(),
    used_ports: list('20000-30000'),
    excluded_ports: list('1-1024'),
    data_dir: text(DATA_DIR),
    sqlite_wal: flag(true),
    max_concurrent_ssh_handshakes: { read: toInteger, fallback: null } as Key<number | null>,
    purge_disconnected_clients: flag(),
    keep_disconnected_clients: duration(HOUR),
    purge_disconnected_clients_interval: duration(MINUTE),
    check_clients_connection_interval: duration(5 * MINUTE),
    check_clients_connection_timeout: duration(30 * SECOND),
    max_request_bytes_client: integer(512 * 1024),
    check_port_timeout: duration(2 * SECOND),
    run_remote_cmd_timeout_sec: integer(60),
    allow_root: flag(),
    client_login_wait: float(2),
    max_failed_login: integer(5),
    ban_time: integer(3600),
    tunnel_host: text(),
    tunnel_proxy_cert_file: text(),
    tunnel_proxy_key_file: text(),
    tunnel_enable_acme: flag(),
    tunnel_cors: list(),
    novnc_root: text(),
    guacd_address: text(),
    tls_min: text('1.3'),
    jobs_max_results: integer(10_000),
    acme_http_port: integer(0),
    trusted_proxies: list(),
    shards: integer(0),
  },
  logging: {
    log_file: text(),
    log_level: { read: toLogLevel, fallback: 'info' } as Key<ReturnType<typeof toLogLevel>>,
  },
  api: {
    address: text(),
    base_url: text(),
    enable_acme: flag(),
    auth: text(),
    auth_file: text(),
    auth_user_table: text(),
    auth_group_table: text(),
    auth_group_details_table: text(),
    auth_header: text(),
    user_header: text('Authentication-User'),
    create_missing_users: flag(),
    default_user_group: text('Administrators'),
    jwt_secret: text(),
    doc_root: text(),
    cert_file: text(),
    key_file: text(),
    access_log_file: text(),
    user_login_wait: float(2),
    max_failed_login: integer(10),
    ban_time: integer(600),
    max_token_lifetime: integer(0),
    password_min_length: integer(14),
    password_zxcvbn_minscore: integer(0),
    tls_min: text('1.3'),
    enable_ws_test_endpoints: flag(),
    max_request_bytes: integer(10 * 1024),
    max_filepush_size: integer(10 * 1024 * 1024),
    cors: list(),
    two_fa_token_delivery: text(),
    two_fa_token_ttl_seconds: integer(600),
    two_fa_send_timeout: duration(10 * SECOND),
    two_fa_send_to_type: text('none'),
    two_fa_send_to_regex: text(),
    totp_enabled: flag(),
    totp_login_session_ttl: duration(10 * MINUTE),
    totp_account_name: text('RPort'),
    enable_audit_log: flag(true),
    use_ip_obfuscation: flag(),
    audit_log_rotation: text('monthly'),
    audit_log_keep: text(),
    trusted_proxies: list(),
  },
  database: {
    db_type: text(),
    db_host: text(),
    db_user: text(),
    db_password: text(),
    db_name: text(),
  },
  monitoring: {
    enabled: flag(true),
    data_storage_duration: text('7d'),
  },
  notifications: {
    notification_script_dir: text('/usr/local/lib/rport/notification_scripts'),
    log_storage_duration: extended(7 * DAY),
    cleanup_interval: extended(DAY),
  },
  smtp: {
    server: text(),
    sender_email: text(),
    auth_username: text(),
    auth_password: text(),
    secure: flag(),
  },
  pushover: {
    api_token: text(),
    user_key: text(),
  },
  'caddy-integration': {
    caddy: text(),
    address: text(),
    subdomain_prefix: text(),
    cert_file: text(),
    key_file: text(),
    api_hostname: text(),
    api_port: text(),
    api_cert_file: text(),
    api_key_file: text(),
    tls_min: text(),
  },
  'plus-plugin': {
    plugin_path: text(),
  },
  'plus-license': {
    id: text(),
    key: text(),
    proxy_url: text(),
  },
  'plus-oauth': {
    provider: text(),
    authorize_url: text(),
    token_url: text(),
    redirect_uri: text(),
    client_id: text(),
    client_secret: text(),
    device_authorize_url: text(),
    device_client_id: text(),
    device_client_secret: text(),
    required_organization: text(),
    required_group_id: text(),
    permitted_user_list: flag(),
    permitted_user_match: text(),
    jwks_url: text(),
    role_claim: text(),
    required_role: text(),
    username_claim: text(),
    issuer: text(),
    role_group_map: { read: toRoleGroups, fallback: [] } as Key<readonly RoleGroups[]>,
  },
} as const satisfies Record<string, Record<string, Key<unknown>>>;

type Sections = typeof sections;
type CamelCase<Text extends string> = Text extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Text extends `${infer Head}-${infer Tail}`
    ? `${Head}${Capitalize<CamelCase<Tail>>}`
    : Text;

/** The one setting that is no section: an array of tables. Only a file can hold it. */
export const WEBHOOKS = 'webhooks';

/** Every key with a value of its type, before validation. */
export type DecodedConfig = { readonly webhooks: { readonly list: readonly WebhookConfig[] } } & {
  readonly [S in keyof Sections as CamelCase<S>]: {
    readonly [K in keyof Sections[S] as CamelCase<K & string>]: Sections[S][K] extends Key<infer T>
      ? T
      : never;
  };
};

/** `max_failed_login` → `maxFailedLogin`, `plus-oauth` → `plusOauth`. */
export const camelCase = (name: string): string =>
  name.replace(/[-_]([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** `section.key` of a key. */
export type KeyPath = {
  [S in keyof Sections & string]: `${S}.${keyof Sections[S] & string}`;
}[keyof Sections & string];

/** `section.key` of every key. */
export const keyPaths: readonly string[] = Object.entries(sections).flatMap(([section, keys]) =>
  Object.keys(keys).map((key) => `${section}.${key}`),
);

/** Looks a key up by section and name as written in TOML. */
export function findKey(section: string, name: string): Key<unknown> | undefined {
  const keys: Readonly<Record<string, Key<unknown>>> | undefined = Object.hasOwn(sections, section)
    ? sections[section as keyof Sections]
    : undefined;
  return keys !== undefined && Object.hasOwn(keys, name) ? keys[name] : undefined;
}
