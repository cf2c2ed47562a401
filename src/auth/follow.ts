/** Whether a caller who was let in still may be, without counting as a use, an attempt or a sign of life. */

import type { ApiAuth } from './api-auth.js';
import { checkApiToken } from './api-tokens/authenticate-token.js';
import { splitTokenText } from './api-tokens/token-text.js';
import { parseAuthorization } from './authorization-header.js';
import type { AuthParts } from './create-api-auth.js';
import type { Principal } from './principal.js';
import { allows } from './tokens/allows.js';
import { makeUserPrincipal } from './user-principal.js';

export function makeFollow(parts: AuthParts): ApiAuth['follow'] {
  const { users, verifyToken, sessions } = parts;
  const toPrincipal = makeUserPrincipal(users);

  return (credentials) => {
    const authorization = parseAuthorization(credentials.authorization);
    if (authorization.scheme === 'none') return async () => null;
    const { method, path } = credentials;

    if (authorization.scheme === 'bearer') {
      return async (): Promise<Principal | null> => {
        const verdict = await verifyToken(authorization.token);
        if (!verdict.ok || !allows(verdict.claims.scopes, method, path)) return null;
        const session = sessions.find(verdict.claims);
        if (session === undefined || session.pending) return null;
        const user = await users.find(session.username);
        return user === undefined || user.passwordExpired ? null : toPrincipal(user);
      };
    }

    const { username, password } = authorization;
    const mayBeToken = splitTokenText(password) !== undefined;
    /** It was a token that let him in: no password may take its place. */
    let byToken = false;
    /** The stored password that his has been checked against. */
    let checked: string | null = null;
    return async () => {
      const user = await users.find(username);
      if (user === undefined || user.passwordExpired) return null;
      const token = mayBeToken ? checkApiToken(parts, user, password, credentials) : undefined;
      if (token === 'right') {
        byToken = true;
        return toPrincipal(user);
      }
      if (byToken || token === 'wrong' || parts.secondFactor !== null) return null;
      // Hashed anew, it may still be the same one. A right one is remembered for a while, so that this costs nothing.
      if (checked !== user.password && !(await parts.check(username, user, password, credentials.ip)))
        return null;
      checked = user.password;
      return toPrincipal(user);
    };
  };
}
