/** An `ApiContext` for route tests: everything a test does not give throws when it is used. */

import type { ApiAuth } from '../../src/auth/api-auth.js';
import { makePrincipal, type Principal } from '../../src/auth/principal.js';
import type { ApiConfig, Config } from '../../src/config/types.js';
import type { ApiContext } from '../../src/http/context.js';
import type { Logger } from '../../src/logging/logger.js';

export const administrator: Principal = makePrincipal('admin', ['Administrators'], null);

export interface ApiContextParts extends Partial<Omit<ApiContext, 'config' | 'auth'>> {
  readonly api?: Partial<ApiConfig>;
  readonly server?: Partial<Config['server']>;
  readonly auth?: Partial<ApiAuth>;
}

/** By default everybody is `administrator`, nobody is banned, and what is logged is dropped. */
export function apiContext(parts: ApiContextParts = {}): ApiContext {
  const { api, server, auth, ...rest } = parts;
  const config = {
    api: { cors: [], trustedProxies: [], maxRequestBytes: 10240, ...api },
    server: { ...server },
  } as unknown as Config;
  const given = {
    config,
    auth: { authenticate: () => administrator, secondFactor: null, ...auth },
    users: { source: 'Static Credentials', groupSupport: 'none' },
    sso: null,
    audit: { record: async () => undefined },
    guard: { isBanned: () => false },
    clock: { now: () => 0, after: () => ({ cancel: () => undefined }) },
    log: silentLog,
    fingerprint: '',
    version: '0.0.0',
    ...rest,
  };
  return new Proxy(given as unknown as ApiContext, {
    get(target, name) {
      if (!(name in target)) throw new Error(`the test gives no context.${String(name)}`);
      return Reflect.get(target, name);
    },
  });
}

export const silentLog: Logger = {
  error: () => undefined,
  info: () => undefined,
  debug: () => undefined,
  raw: () => undefined,
  level: 'error',
  named: () => silentLog,
};
