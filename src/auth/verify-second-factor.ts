/** The second step of a login. Spec 02 §8.2 and §9.3. */

import { AppError } from '../errors.js';
import type { ApiAuth } from './api-auth.js';
import { parseAuthorization } from './authorization-header.js';
import type { AuthParts } from './create-api-auth.js';
import { issueToken } from './issue-token.js';
import { allows } from './tokens/allows.js';
import { fullScopes } from './tokens/claims.js';
import { parseLifetime } from './tokens/lifetime.js';

export function makeVerifySecondFactor(parts: AuthParts): ApiAuth['verifySecondFactor'] {
  const { guard, verifyToken, sessions, secondFactor, accounts } = parts;

  const refuse = async (ip: string, counted: boolean): Promise<never> => {
    if (guard.isBanned('api', ip)) throw new AppError('banned');
    if (counted) await guard.failed('api', null, ip);
    throw new AppError('unauthorized');
  };

  return async (request) => {
    const { authorization, method, path, ip, userAgent, givenUsername, code } = request;
    const header = parseAuthorization(authorization);
    if (header.scheme !== 'bearer') return refuse(ip, true);
    const verdict = await verifyToken(header.token);
    if (!verdict.ok) return refuse(ip, !verdict.ours && !verdict.repeated);
    const { claims } = verdict;
    // Only a token of a login that waits for its second step names this path.
    if (claims.scopes.length === 0 || !allows(claims.scopes, method, path) || !sessions.isAlive(claims)) {
      return refuse(ip, false);
    }
    if (secondFactor === null) throw new AppError('conflict', { title: '2fa is disabled' });
    if (guard.isBanned('api', ip)) throw new AppError('banned');
    if (guard.mustWait('api', claims.username, ip)) throw new AppError('too_many_requests');
    if (givenUsername === '') throw new AppError('unauthorized', { title: 'username is required' });
    if (code === '') throw new AppError('unauthorized', { title: 'token is required' });
    // Before the code is consumed: a bad lifetime must not cost a new login.
    const lifetime = parseLifetime(request.tokenLifetime, parts.longest);
    const { username, newPasswordHash } = await secondFactor.complete({
      username: claims.username,
      sessionId: claims.sessionId,
      givenUsername,
      code,
      ip,
    });
    guard.succeeded('api', username, ip);
    if (newPasswordHash !== null) await accounts.setPasswordHash(username, newPasswordHash);
    await sessions.close(claims.sessionId);
    const { token } = await issueToken(parts, { username, lifetime, scopes: fullScopes, userAgent, ip });
    return { token, twoFa: null };
  };
}
