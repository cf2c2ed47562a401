/**
 * The validated configuration. Plain data: it is cloned into every worker thread. A property is the camelCase
 * form of its TOML key; deprecated keys are already mapped to their successors. Spec 07 §2.
 */

import type { LogLevel } from '../logging/logger.js';
import type { Milliseconds, Seconds } from '../time.js';
import type { RoleGroups } from './values/role-groups.js';
import type { WebhookConfig } from './values/webhooks.js';

/** Inclusive range of ports. */
export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** The single agent credential of `server.auth`. */
export interface ClientAuth {
  readonly id: string;
  readonly password: string;
}

export type TlsVersion = '1.2' | '1.3';

/** `[server]`, spec 07 §2.1. */
export interface ServerConfig {
  /** Listen address of the agent listener, `host:port`. */
  readonly address: string;
  /** Advertised connect URLs; never empty. */
  readonly url: readonly string[];
  readonly pairingUrl: string;
  /** Filled by `prepareDataDir` when the configuration leaves it empty. */
  readonly keySeed: string;
  readonly auth: string;
  /** `auth` split at its first colon; `null` when `auth` is empty. */
  readonly clientAuth: ClientAuth | null;
  readonly authFile: string;
  readonly authTable: string;
  readonly authWrite: boolean;
  readonly authMultiuseCreds: boolean;
  readonly equateClientauthidClientid: boolean;
  readonly proxy: string;
  readonly usedPorts: readonly string[];
  readonly excludedPorts: readonly string[];
  /** Used minus excluded ports: sorted, disjoint, never empty. */
  readonly allowedPorts: readonly PortRange[];
  readonly dataDir: string;
  /** Accepted for compatibility; the own store has no such switch. */
  readonly sqliteWal: boolean;
  /** Upper bound of concurrent handshakes, at least 1; `null` when not configured (sized automatically). */
  readonly maxConcurrentSshHandshakes: number | null;
  readonly purgeDisconnectedClients: boolean;
  readonly keepDisconnectedClients: Milliseconds;
  readonly purgeDisconnectedClientsInterval: Milliseconds;
  readonly checkClientsConnectionInterval: Milliseconds;
  readonly checkClientsConnectionTimeout: Milliseconds;
  readonly maxRequestBytesClient: number;
  readonly checkPortTimeout: Milliseconds;
  readonly runRemoteCmdTimeoutSec: Seconds;
  readonly allowRoot: boolean;
  /** Fractions count. */
  readonly clientLoginWait: Seconds;
  /** 0 or less turns IP bans off. */
  readonly maxFailedLogin: number;
  /** 0 or less turns IP bans off. */
  readonly banTime: Seconds;
  readonly tunnelHost: string;
  readonly tunnelProxyCertFile: string;
  readonly tunnelProxyKeyFile: string;
  readonly tunnelEnableAcme: boolean;
  readonly tunnelCors: readonly string[];
  readonly novncRoot: string;
  readonly guacdAddress: string;
  readonly tlsMin: TlsVersion;
  readonly jobsMaxResults: number;
  readonly acmeHttpPort: number;
  /** Own key: addresses or CIDR blocks whose `X-Forwarded-For` is believed on the agent listener. */
  readonly trustedProxies: readonly string[];
  /** Own key: worker threads, at least one; as many as there are cores unless it is set. */
  readonly shards: number;
}

/** `[logging]`, spec 07 §2.2. */
export interface LoggingConfig {
  /** Empty: standard output. */
  readonly logFile: string;
  readonly logLevel: LogLevel;
}

export type AuditLogRotation = 'daily' | 'weekly' | 'monthly' | 'yearly';

/** `[api]`, spec 07 §2.3. */
export interface ApiConfig {
  /** Listen address `host:port`; empty turns the API off. */
  readonly address: string;
  readonly baseUrl: string;
  readonly enableAcme: boolean;
  /** `user:password` of the single static user. */
  readonly auth: string;
  readonly authFile: string;
  readonly authUserTable: string;
  readonly authGroupTable: string;
  readonly authGroupDetailsTable: string;
  readonly authHeader: string;
  readonly userHeader: string;
  readonly createMissingUsers: boolean;
  readonly defaultUserGroup: string;
  /** Filled by `prepareDataDir` when the configuration leaves it empty. */
  readonly jwtSecret: string;
  readonly docRoot: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly accessLogFile: string;
  /** Fractions count. */
  readonly userLoginWait: Seconds;
  /** 0 or less turns IP bans off. */
  readonly maxFailedLogin: number;
  /** 0 or less turns IP bans off. */
  readonly banTime: Seconds;
  /** Hours, 0 to 2160; 0 = the built-in cap of 2160. */
  readonly maxTokenLifetime: number;
  /** Bytes. */
  readonly passwordMinLength: number;
  /** -1 turns the check off. */
  readonly passwordZxcvbnMinscore: number;
  readonly tlsMin: TlsVersion;
  readonly enableWsTestEndpoints: boolean;
  readonly maxRequestBytes: number;
  readonly maxFilepushSize: number;
  /** Valid origins only. */
  readonly cors: readonly string[];
  readonly twoFaTokenDelivery: string;
  readonly twoFaTokenTtlSeconds: Seconds;
  readonly twoFaSendTimeout: Milliseconds;
  readonly twoFaSendToType: string;
  readonly twoFaSendToRegex: string;
  readonly totpEnabled: boolean;
  readonly totpLoginSessionTtl: Milliseconds;
  readonly totpAccountName: string;
  readonly enableAuditLog: boolean;
  readonly useIpObfuscation: boolean;
  readonly auditLogRotation: AuditLogRotation;
  /** Own key: how long rotated files are kept; `null` = for ever. */
  readonly auditLogKeep: Milliseconds | null;
  /** Own key: addresses or CIDR blocks whose `X-Forwarded-For` is believed on the API. */
  readonly trustedProxies: readonly string[];
}

/** `[database]`, spec 07 §2.4: users and agent credentials only. */
export interface DatabaseConfig {
  readonly dbType: '' | 'mysql' | 'sqlite';
  readonly dbHost: string;
  readonly dbUser: string;
  readonly dbPassword: string;
  readonly dbName: string;
}

/** `[monitoring]`, spec 07 §2.5. */
export interface MonitoringConfig {
  readonly enabled: boolean;
  /** `data_storage_duration`, or the deprecated `data_storage_days` when that is set. */
  readonly dataStorageDuration: Milliseconds;
}

/** `[notifications]`, spec 07 §2.6. */
export interface NotificationsConfig {
  readonly notificationScriptDir: string;
  readonly logStorageDuration: Milliseconds;
  readonly cleanupInterval: Milliseconds;
}

/** `[smtp]`, spec 07 §2.7. */
export interface SmtpConfig {
  readonly server: string;
  readonly senderEmail: string;
  readonly authUsername: string;
  readonly authPassword: string;
  readonly secure: boolean;
}

/** `[pushover]`, spec 07 §2.7. */
export interface PushoverConfig {
  readonly apiToken: string;
  readonly userKey: string;
}

/** `[caddy-integration]`, spec 07 §2.8. */
export interface CaddyIntegrationConfig {
  readonly caddy: string;
  readonly address: string;
  readonly subdomainPrefix: string;
  readonly certFile: string;
  readonly keyFile: string;
  readonly apiHostname: string;
  readonly apiPort: string;
  readonly apiCertFile: string;
  readonly apiKeyFile: string;
  readonly tlsMin: string;
}

/** `[plus-plugin]`, spec 07 §2.9. */
export interface PlusPluginConfig {
  readonly pluginPath: string;
}

/** `[plus-license]`, accepted and ignored. */
export interface PlusLicenseConfig {
  readonly id: string;
  readonly key: string;
  readonly proxyUrl: string;
}

/** `[plus-oauth]`, spec 07 §2.9. */
export interface PlusOauthConfig {
  readonly provider: string;
  readonly authorizeUrl: string;
  readonly tokenUrl: string;
  readonly redirectUri: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly deviceAuthorizeUrl: string;
  readonly deviceClientId: string;
  readonly deviceClientSecret: string;
  readonly requiredOrganization: string;
  readonly requiredGroupId: string;
  readonly permittedUserList: boolean;
  readonly permittedUserMatch: string;
  readonly jwksUrl: string;
  readonly roleClaim: string;
  readonly requiredRole: string;
  readonly usernameClaim: string;
  /** Own key: what `iss` of an ID token must be, and where endpoints that are not set are asked for. */
  readonly issuer: string;
  /** Own key: user groups that follow what the provider says. */
  readonly roleGroupMap: readonly RoleGroups[];
}

export interface Config {
  readonly server: ServerConfig;
  readonly logging: LoggingConfig;
  readonly api: ApiConfig;
  readonly database: DatabaseConfig;
  readonly monitoring: MonitoringConfig;
  readonly notifications: NotificationsConfig;
  readonly smtp: SmtpConfig;
  readonly pushover: PushoverConfig;
  readonly caddyIntegration: CaddyIntegrationConfig;
  readonly plusPlugin: PlusPluginConfig;
  readonly plusLicense: PlusLicenseConfig;
  readonly plusOauth: PlusOauthConfig;
  /** Own: `[[webhooks]]`. An object, because whoever keeps it sees what a reload puts into it. */
  readonly webhooks: { readonly list: readonly WebhookConfig[] };
}
