/** Every flag of the server, the setting it stands for and its line in the help text. Spec 07 §4.1. */

export type FlagKind = 'string' | 'bool' | 'int' | 'duration' | 'list';

export interface Flag {
  readonly name: string;
  readonly short?: string;
  readonly kind: FlagKind;
  /** `section.key` it sets; `null` for flags without a setting. */
  readonly path: string | null;
  readonly help: string;
}

const flag = (name: string, kind: FlagKind, path: string | null, help: string, short?: string): Flag =>
  short === undefined ? { name, kind, path, help } : { name, kind, path, help, short };

export const flags: readonly Flag[] = [
  flag(
    'config',
    'string',
    null,
    'configuration file (TOML); default: rportd.conf in the working directory',
    'c',
  ),
  flag('data-dir', 'string', 'server.data_dir', 'directory of all stored data'),
  flag('addr', 'string', 'server.address', 'address agents connect to (0.0.0.0:8080)', 'a'),
  flag('url', 'string', 'server.url', 'advertised connect URLs, comma-separated'),
  flag('key', 'string', 'server.key_seed', 'seed of the SSH host key; default: generated once and kept'),
  flag('auth', 'string', 'server.auth', 'agent credential, <client-auth-id>:<password>'),
  flag('authfile', 'string', 'server.auth_file', 'JSON file of agent credentials'),
  flag('auth-table', 'string', 'server.auth_table', 'database table of agent credentials'),
  flag('auth-write', 'bool', 'server.auth_write', 'let the API change agent credentials (true)'),
  flag('auth-multiuse-creds', 'bool', 'server.auth_multiuse_creds', 'one credential for many agents (true)'),
  flag(
    'equate-clientauthid-clientid',
    'bool',
    'server.equate_clientauthid_clientid',
    'use the credential id of an agent without id as its id (false)',
  ),
  flag('proxy', 'string', 'server.proxy', 'web server that gets ordinary requests on the agent address'),
  flag('use-ports', 'list', 'server.used_ports', 'ports for tunnels (20000-30000)'),
  flag('exclude-ports', 'list', 'server.excluded_ports', 'ports never used for tunnels (1-1024)', 'e'),
  flag(
    'max-request-bytes-client',
    'int',
    'server.max_request_bytes_client',
    'largest request of an agent (524288)',
  ),
  flag(
    'check-port-timeout',
    'duration',
    'server.check_port_timeout',
    'time for an agent to check a port (2s)',
  ),
  flag(
    'run-remote-cmd-timeout-sec',
    'int',
    'server.run_remote_cmd_timeout_sec',
    'seconds a command may run (60)',
  ),
  flag('allow-root', 'bool', 'server.allow_root', 'do not refuse to run as root (false)'),
  flag('tunnel-proxy-cert-file', 'string', 'server.tunnel_proxy_cert_file', 'certificate of tunnel proxies'),
  flag('tunnel-proxy-key-file', 'string', 'server.tunnel_proxy_key_file', 'private key of tunnel proxies'),
  flag('novnc-root', 'string', 'server.novnc_root', 'directory of the noVNC application'),
  flag('guacd-address', 'string', 'server.guacd_address', 'host:port of guacd'),
  flag('shards', 'int', 'server.shards', 'worker threads (0: one per core)'),
  flag('log-file', 'string', 'logging.log_file', 'log file; default: standard output', 'l'),
  flag('log-level', 'string', 'logging.log_level', 'error, info or debug (info)'),
  flag('api-addr', 'string', 'api.address', 'address of the API; empty: no API'),
  flag('api-auth', 'string', 'api.auth', 'single API user, <user>:<password>'),
  flag('api-authfile', 'string', 'api.auth_file', 'JSON file of API users'),
  flag('api-auth-user-table', 'string', 'api.auth_user_table', 'database table of API users'),
  flag('api-auth-group-table', 'string', 'api.auth_group_table', 'database table of user groups'),
  flag(
    'api-jwt-secret',
    'string',
    'api.jwt_secret',
    'secret of API tokens; default: generated once and kept',
  ),
  flag('api-doc-root', 'string', 'api.doc_root', 'directory of static files'),
  flag('api-cert-file', 'string', 'api.cert_file', 'certificate of the API'),
  flag('api-key-file', 'string', 'api.key_file', 'private key of the API'),
  flag('api-access-log-file', 'string', 'api.access_log_file', 'access log in Combined Log Format'),
  flag('max-request-bytes', 'int', 'api.max_request_bytes', 'largest API request (10240)'),
  flag('max-filepush-bytes', 'int', 'api.max_filepush_size', 'largest file upload (10485760)'),
  flag('db-type', 'string', 'database.db_type', 'mysql or sqlite'),
  flag('db-name', 'string', 'database.db_name', 'database name, or file of SQLite'),
  flag('db-host', 'string', 'database.db_host', 'host:port or socket:/path of MySQL'),
  flag('db-user', 'string', 'database.db_user', 'user of MySQL'),
  flag('db-password', 'string', 'database.db_password', 'password of MySQL'),
  flag(
    'monitoring-data-storage-days',
    'int',
    'monitoring.data_storage_days',
    'days measurements are kept (7)',
  ),
  flag('save-clients-interval', 'duration', null, 'accepted for old command lines, without effect'),
  flag('service', 'string', null, 'not available in this release'),
  flag('service-user', 'string', null, 'not available in this release'),
  flag('version', 'bool', null, 'print the version and exit', 'v'),
  flag('help', 'bool', null, 'print this text and exit', 'h'),
];
