/** Who may use the API: put together from users, passwords, tokens, sessions and the guard. Spec 02 §5 to §7. */

import type { Config } from '../config/types.js';
import type { Logger } from '../logging/logger.js';
import type { Store } from '../store/types.js';
import type { Clock } from '../time.js';
import type { ApiAuth } from './api-auth.js';
import { makeAuthenticate } from './authenticate.js';
import type { Guard } from './guard.js';
import { makeLogin } from './login.js';
import { makeLogout } from './logout.js';
import type { PasswordHasher } from './passwords/hasher.js';
import { createPasswordCheck, type PasswordCheck } from './passwords/password-check.js';
import { createSessions, type Sessions } from './sessions/sessions.js';
import { createTokenVerifier, type VerifyToken } from './tokens/verify.js';
import type { User, UserProvider } from './users/provider.js';

export interface ApiAuthOptions {
  readonly config: Config;
  readonly guard: Guard;
  readonly users: UserProvider;
  readonly hasher: PasswordHasher;
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
  /** A second factor is configured; passwords alone then open nothing. */
  readonly secondFactor: boolean;
}

/** Makes the authentication of one thread. Throws `Error` when there is no `jwt_secret`. */
export function createApiAuth(options: ApiAuthOptions): ApiAuth {
  const { config, users, hasher, store, clock, log } = options;
  const { jwtSecret, twoFaTokenDelivery, totpEnabled } = config.api;
  if (jwtSecret === '') throw new Error('there is no jwt_secret to sign tokens with');
  const secret = new TextEncoder().encode(jwtSecret);
  const parts: AuthParts = {
    ...options,
    secret,
    check: createPasswordCheck(users, hasher, clock),
    verifyToken: createTokenVerifier(secret, clock),
    sessions: createSessions(store, clock, log),
    secondFactor: twoFaTokenDelivery !== '' || totpEnabled,
  };
  const toProfile = (user: User | undefined) =>
    user && {
      username: user.username,
      groups: user.groups,
      passwordExpired: user.passwordExpired,
      twoFaSendTo: user.twoFaSendTo,
    };
  return {
    usersSource: users.source,
    authenticate: makeAuthenticate(parts),
    login: makeLogin(parts),
    logout: makeLogout(parts),
    profile(username) {
      const user = users.find(username);
      return user instanceof Promise ? user.then(toProfile) : toProfile(user);
    },
  };
}
