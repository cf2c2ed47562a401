/** Who sends a request. Spec 02 §5. */

import { AppError } from '../errors.js';
import type { ApiAuth, Credentials } from './api-auth.js';
import { checkApiToken } from './api-tokens/authenticate-token.js';
import { splitTokenText } from './api-tokens/token-text.js';
import { parseAuthorization } from './authorization-header.js';
import type { AuthParts } from './create-api-auth.js';
import type { Principal } from './principal.js';
import { refuseBanned, refuseGuesser } from './refuse-guesser.js';
import { allows } from './tokens/allows.js';
import type { Verdict } from './tokens/verify.js';
import { makeUserPrincipal } from './user-principal.js';
import type { User } from './users/provider.js';
import { passwordExpiredTitle, verifyLogin } from './verify-login.js';

type Answer = Principal | Promise<Principal>;

export function makeAuthenticate(parts: AuthParts): ApiAuth['authenticate'] {
  const { guard, users, verifyToken, sessions, loginLog } = parts;
  const toPrincipal = makeUserPrincipal(users);

  /** A wrong guess that names nobody: counted for the address, and refused as a ban while there is one. */
  const refuseGuess = async (ip: string): Promise<never> => {
    refuseBanned(guard, ip);
    await guard.failed('api', null, ip);
    throw new AppError('unauthorized');
  };
  /** A wrong guess for a user: he waits at this address, too. */
  const refuseGuessFor = async (username: string, ip: string): Promise<never> => {
    refuseGuesser(guard, username, ip);
    await guard.failed('api', username, ip);
    loginLog.failed(username, ip);
    throw new AppError('unauthorized');
  };
  /** No guess: a token of ours that has ended, or a forged one seen before. */
  const refuseOld = (ip: string): never => {
    refuseBanned(guard, ip);
    throw new AppError('unauthorized');
  };

  /** By something nobody can guess, which neither suffers from a ban nor lifts it. */
  const admit = (user: User, ip: string): Answer => {
    const cleared = guard.isBanned('api', ip) ? undefined : guard.succeeded('api', user.username, ip);
    return cleared === undefined ? toPrincipal(user) : cleared.then(() => toPrincipal(user));
  };

  const bySession = (verdict: Verdict, { method, path, ip, userAgent }: Credentials): Answer => {
    if (!verdict.ok) return verdict.ours || verdict.repeated ? refuseOld(ip) : refuseGuess(ip);
    const { claims } = verdict;
    const session = allows(claims.scopes, method, path) ? sessions.use(claims, { userAgent, ip }) : undefined;
    if (session === undefined) return refuseOld(ip);
    // Whose the session is now, which a rename may have changed since the token was issued.
    const user = users.find(session.username);
    const admitKnown = (found: User | undefined): Answer => {
      if (found === undefined) return refuseOld(ip);
      // Sessions end when a password is made to expire; one may have begun, or have been missed by a crash, just then.
      if (found.passwordExpired && !session.pending) throw passwordExpired();
      // Half a login says nothing good about an address yet.
      return session.pending ? toPrincipal(found) : admit(found, ip);
    };
    return user instanceof Promise ? user.then(admitKnown) : admitKnown(user);
  };

  const byPassword = (username: string, password: string, ip: string): Answer => {
    // With a second factor a password alone is never accepted here.
    if (parts.secondFactor !== null) return refuseGuessFor(username, ip);
    const unlessExpired = (user: User): Answer => {
      if (user.passwordExpired) throw passwordExpired();
      return toPrincipal(user);
    };
    const user = verifyLogin(parts, username, password, ip);
    return user instanceof Promise ? user.then(unlessExpired) : unlessExpired(user);
  };

  const byBasic = (username: string, secret: string, credentials: Credentials): Answer => {
    const { ip } = credentials;
    if (username === '') return refuseGuess(ip);
    if (splitTokenText(secret) === undefined) return byPassword(username, secret, ip);
    const judge = (user: User | undefined): Answer => {
      if (user === undefined) return byPassword(username, secret, ip);
      switch (checkApiToken(parts, user, secret, credentials)) {
        case 'right':
          return admit(user, ip);
        case 'wrong':
          return refuseGuessFor(username, ip);
        case undefined:
          return byPassword(username, secret, ip);
      }
    };
    const user = users.find(username);
    return user instanceof Promise ? user.then(judge) : judge(user);
  };

  return (credentials) => {
    const authorization = parseAuthorization(credentials.authorization);
    switch (authorization.scheme) {
      case 'bearer': {
        const verdict = verifyToken(authorization.token);
        return verdict instanceof Promise
          ? verdict.then((known) => bySession(known, credentials))
          : bySession(verdict, credentials);
      }
      case 'basic':
        return byBasic(authorization.username, authorization.password, credentials);
      case 'none':
        return refuseGuess(credentials.ip);
    }
  };
}

const passwordExpired = (): AppError => new AppError('unauthorized', { title: passwordExpiredTitle });
