/** The API with single sign-on over a real guard, actor, users and provider; the provider is the test's. */

import type { TestContext } from 'node:test';
import { decodeJwt } from 'jose';
import type { ActorSystem } from '../../src/actors/runtime/types.js';
import { spawnSso } from '../../src/actors/sso/behavior.js';
import { openSingleSignOn } from '../../src/actors/sso/open-single-sign-on.js';
import type { ProviderApis } from '../../src/auth/sso/providers/provider.js';
import type { SingleSignOn } from '../../src/auth/sso/single-sign-on.js';
import type { ApiConfig, Config, PlusOauthConfig } from '../../src/config/types.js';
import { authProviderRoutes } from '../../src/http/routes/auth-provider.js';
import { oauthRoutes } from '../../src/http/routes/oauth.js';
import { plusRoutes } from '../../src/http/routes/plus.js';
import { loneSystem } from './actor-system.js';
import { type AuthWorld, type AuthWorldParts, authWorld, titles } from './auth-world.js';
import type { Injected, InjectedRequest } from './inject.js';
import type { ManualClock } from './manual-clock.js';
import { MemoryLogger } from './memory-logger.js';
import { CLIENT, type OpenIdIssuer, REDIRECT_URI } from './openid-issuer.js';

export interface SsoWorldParts extends AuthWorldParts {
  readonly oauth: Partial<PlusOauthConfig>;
  readonly apis?: Partial<ProviderApis>;
  /** Of requests to the provider; default: so long that only a hanging test would notice. */
  readonly timeout?: number;
}

export interface Details {
  readonly message: string;
  readonly authorize_url: string;
  readonly login_uri: string;
  readonly state: string;
  readonly expiry: string;
}

export interface AuthInfo {
  readonly user_code: string;
  readonly device_code: string;
  readonly verification_uri: string;
  readonly expires_in: number;
  readonly interval: number;
  readonly message: string;
}

export interface SsoWorld extends AuthWorld {
  /** Its clock is the one of pending logins and ID tokens. */
  readonly sso: SingleSignOn;
  readonly ssoClock: ManualClock;
  readonly ssoLog: MemoryLogger;
  /** Another shard, or this one after a reload with other settings. */
  another(oauth?: Partial<PlusOauthConfig>): SingleSignOn;
  /** `GET` below `/api/v1`, without credentials. */
  open(path: string, more?: Partial<InjectedRequest>): Promise<Injected>;
  settings(ip?: string): Promise<Details>;
  deviceSettings(): Promise<AuthInfo>;
  signIn(code: string, state: string, ip?: string): Promise<Injected>;
  /** From settings to the answer of the login, with `account` in front of the browser. */
  logIn(issuer: OpenIdIssuer, account: string): Promise<Injected>;
  poll(deviceCode: string): Promise<Injected>;
}

const noOauth: PlusOauthConfig = {
  provider: '',
  authorizeUrl: '',
  tokenUrl: '',
  redirectUri: REDIRECT_URI,
  clientId: CLIENT.id,
  clientSecret: CLIENT.secret,
  deviceAuthorizeUrl: '',
  deviceClientId: '',
  deviceClientSecret: '',
  requiredOrganization: '',
  requiredGroupId: '',
  permittedUserList: false,
  permittedUserMatch: '',
  jwksUrl: '',
  roleClaim: '',
  requiredRole: '',
  usernameClaim: '',
  issuer: '',
  roleGroupMap: [],
};

/** Status, and what was refused in words. */
export const refusalOf = (answer: Injected): string => `${answer.status} ${titles(answer)[0] ?? ''}`;

/** Whom the token of a login answer names. */
export const userOf = (answer: Injected): unknown =>
  decodeJwt(dataOf<{ token: string }>(answer).token).username;

export const dataOf = <Data>(answer: Injected): Data => {
  if (answer.status !== 200) throw new Error(`answered ${answer.status}: ${answer.text}`);
  return (answer.json() as { data: Data }).data;
};

/** `[plus-oauth]` of a provider of the tests. */
export const oauthOf = ({ endpoints }: OpenIdIssuer): Partial<PlusOauthConfig> => ({
  provider: 'oidc',
  authorizeUrl: endpoints.authorize_url,
  tokenUrl: endpoints.token_url,
  jwksUrl: endpoints.jwks_url,
  deviceAuthorizeUrl: endpoints.device_authorize_url,
});

export async function ssoWorld(test: TestContext, parts: SsoWorldParts): Promise<SsoWorld> {
  const { system, clock } = loneSystem();
  test.after(() => system.shutdown());
  // Real providers date their tokens by the real time.
  clock.advance(Math.max(0, Date.now() - clock.now()));
  spawnSso(system);
  const ssoLog = new MemoryLogger();
  const another = (oauth: Partial<PlusOauthConfig> = {}): SingleSignOn =>
    open(system, clock, ssoLog, { ...parts, oauth: { ...parts.oauth, ...oauth } });
  const sso = another();
  const world = await authWorld(test, {
    sso,
    routes: [...authProviderRoutes, ...oauthRoutes, ...plusRoutes],
    ...parts,
  });
  const ask: SsoWorld['open'] = (path, more = {}) => world.call({ url: `/api/v1${path}`, ...more });
  const from = (ip: string | undefined) => (ip === undefined ? {} : { remoteAddress: ip });
  const settings = async (ip?: string): Promise<Details> =>
    dataOf<{ details: Details }>(await ask('/auth/ext/settings', from(ip))).details;
  const signIn = (code: string, state: string, ip?: string): Promise<Injected> =>
    ask(`/oauth/login?${new URLSearchParams({ code, state })}`, from(ip));
  return {
    ...world,
    sso,
    ssoClock: clock,
    ssoLog,
    another,
    open: ask,
    settings,
    async deviceSettings() {
      return dataOf<{ details: { auth_info: AuthInfo } }>(await ask('/auth/ext/settings/device')).details
        .auth_info;
    },
    signIn,
    async logIn(issuer, account) {
      const { authorize_url, state } = await settings();
      const back = await issuer.authorize(authorize_url, account);
      return signIn(back.get('code') ?? '', state);
    },
    poll: (deviceCode) => ask(`/oauth/login/device?${new URLSearchParams({ device_code: deviceCode })}`),
  };
}

function open(
  system: ActorSystem,
  clock: ManualClock,
  log: MemoryLogger,
  parts: SsoWorldParts,
): SingleSignOn {
  const nowhere = 'http://127.0.0.1:9';
  const apis = {
    github: nowhere,
    microsoft: nowhere,
    googleUser: nowhere,
    googleGroups: nowhere,
    ...parts.apis,
  };
  const sso = openSingleSignOn({
    config: {
      api: { createMissingUsers: false, ...parts.api } as Partial<ApiConfig>,
      plusOauth: { ...noOauth, ...parts.oauth },
    } as Config,
    system,
    clock,
    log,
    apis,
    timeout: parts.timeout ?? 60_000,
  });
  if (sso === null) throw new Error('the test has no provider');
  return sso;
}
