/** Who sends a request. Spec 02 §5. */

import { AppError } from '../errors.js';
import type { ApiAuth, Credentials } from './api-auth.js';
import { parseAuthorization } from './authorization-header.js';
import type { AuthParts } from './create-api-auth.js';
import { makePrincipal, type Principal } from './principal.js';
import { allows } from './tokens/allows.js';
import type { Verdict } from './tokens/verify.js';
import type { User, UserProvider } from './users/provider.js';
import { passwordExpiredTitle, verifyLogin } from './verify-login.js';

export function makeAuthenticate(parts: AuthParts): ApiAuth['authenticate'] {
  const { guard, users, verifyToken, sessions } = parts;

  /** A wrong guess: counted for the address, and refused as a ban while there is one. */
  const refuseGuess = async (ip: string): Promise<never> => {
    if (guard.isBanned('api', ip)) throw new AppError('banned');
    await guard.failed('api', null, ip);
    throw new AppError('unauthorized');
  };
  /** No guess: a token of ours that has ended, or a forged one seen before. */
  const refuseOld = (ip: string): never => {
    throw new AppError(guard.isBanned('api', ip) ? 'banned' : 'unauthorized');
  };

  const byUser = (user: User | undefined, ip: string): Principal | Promise<Principal> => {
    if (user === undefined) return refuseOld(ip);
    // A session neither suffers from a ban nor lifts it.
    if (!guard.isBanned('api', ip)) guard.succeeded('api', user.username, ip);
    return toPrincipal(users, user);
  };

  const byToken = (verdict: Verdict, { method, path, ip, userAgent }: Credentials) => {
    if (!verdict.ok) return verdict.ours || verdict.repeated ? refuseOld(ip) : refuseGuess(ip);
    const { claims } = verdict;
    if (!allows(claims.scopes, method, path) || !sessions.use(claims, { userAgent, ip }))
      return refuseOld(ip);
    const user = users.find(claims.username);
    return user instanceof Promise ? user.then((found) => byUser(found, ip)) : byUser(user, ip);
  };

  const byPassword = (username: string, password: string, ip: string): Principal | Promise<Principal> => {
    // With a second factor a password alone is never accepted here.
    if (username === '' || parts.secondFactor !== null) return refuseGuess(ip);
    const user = verifyLogin(parts, username, password, ip);
    return user instanceof Promise
      ? user.then((found) => unlessExpired(users, found))
      : unlessExpired(users, user);
  };

  return (credentials) => {
    const authorization = parseAuthorization(credentials.authorization);
    switch (authorization.scheme) {
      case 'bearer': {
        const verdict = verifyToken(authorization.token);
        return verdict instanceof Promise
          ? verdict.then((known) => byToken(known, credentials))
          : byToken(verdict, credentials);
      }
      case 'basic':
        return byPassword(authorization.username, authorization.password, credentials.ip);
      case 'none':
        return refuseGuess(credentials.ip);
    }
  };
}

function unlessExpired(users: UserProvider, user: User): Principal | Promise<Principal> {
  if (user.passwordExpired) throw new AppError('unauthorized', { title: passwordExpiredTitle });
  return toPrincipal(users, user);
}

/** Where groups have no rows: one principal per user object; a user that changed is another object. */
const principals = new WeakMap<User, Principal>();

function toPrincipal(users: UserProvider, user: User): Principal | Promise<Principal> {
  const groups = user.groups ?? [];
  if (users.groupSupport === 'details') {
    const details = users.groups(groups);
    return details instanceof Promise
      ? details.then((rows) => makePrincipal(user.username, groups, rows))
      : makePrincipal(user.username, groups, details);
  }
  const known = principals.get(user);
  if (known !== undefined) return known;
  const principal = makePrincipal(user.username, groups, null);
  principals.set(user, principal);
  return principal;
}
