/** Who may use the API: put together from users, passwords, tokens, sessions and the guard. Spec 02 §5 to §9. */

import type { Config } from '../config/types.js';
import type { Logger } from '../logging/logger.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time.js';
import type { Accounts } from './accounts/accounts.js';
import type { ApiAuth } from './api-auth.js';
import { type ApiTokens, createApiTokens } from './api-tokens/api-tokens.js';
import { makeAuthenticate } from './authenticate.js';
import { makeConfirmPassword } from './confirm-password.js';
import { makeFollow } from './follow.js';
import type { Guard } from './guard.js';
import { makeLogin } from './login.js';
import { createLoginLog, type LoginLog } from './login-log.js';
import { makeLogout } from './logout.js';
import type { PasswordHasher } from './passwords/hasher.js';
import { type ImproveHash, makeImproveHash } from './passwords/improve-hash.js';
import { createPasswordCheck, type PasswordCheck } from './passwords/password-check.js';
import type { SecondFactor } from './second-factor/second-factor.js';
import { createSessions, type Sessions } from './sessions/sessions.js';
import { longestLifetime } from './tokens/lifetime.js';
import { createTokenVerifier, type VerifyToken } from './tokens/verify.js';
import type { UserProvider } from './users/provider.js';
import { presentUser } from './users/tenure.js';
import { makeVerifySecondFactor } from './verify-second-factor.js';

export interface ApiAuthOptions {
  readonly config: Config;
  readonly guard: Guard;
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly hasher: PasswordHasher;
  /** `null`: a password alone is enough. */
  readonly secondFactor: SecondFactor | null;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/** What authentication, login and logout share. */
export interface AuthParts extends ApiAuthOptions {
  readonly secret: Uint8Array;
  readonly check: PasswordCheck;
  readonly verifyToken: VerifyToken;
  readonly sessions: Sessions;
  readonly apiTokens: ApiTokens;
  readonly improveHash: ImproveHash;
  readonly loginLog: LoginLog;
  /** Longest life of a token. */
  readonly longest: number;
}

/** Makes the authentication of one thread. Throws `Error` when there is no `jwt_secret`. */
export function createApiAuth(options: ApiAuthOptions): ApiAuth {
  const { config, users, hasher, store, clock, log } = options;
  const { jwtSecret, maxTokenLifetime } = config.api;
  if (jwtSecret === '') throw new Error('there is no jwt_secret to sign tokens with');
  const secret = new TextEncoder().encode(jwtSecret);
  const sessions = createSessions(store, clock, log);
  const apiTokens = createApiTokens(store, clock, (username) => presentUser(users, store, username));
  const parts: AuthParts = {
    ...options,
    secret,
    check: createPasswordCheck(users, hasher, clock),
    verifyToken: createTokenVerifier(secret, clock),
    sessions,
    apiTokens,
    improveHash: makeImproveHash(options),
    loginLog: createLoginLog(log.named('api-listener')),
    longest: longestLifetime(maxTokenLifetime),
  };
  return {
    secondFactor: options.secondFactor?.method ?? null,
    authenticate: makeAuthenticate(parts),
    follow: makeFollow(parts),
    ...makeLogin(parts),
    verifySecondFactor: makeVerifySecondFactor(parts),
    confirmPassword: makeConfirmPassword(parts),
    logout: makeLogout(parts),
    sessions,
    apiTokens,
    finish: () => sessions.finish(),
  };
}
