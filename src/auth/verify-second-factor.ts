/** The second step of a login. Spec 02 §8.2 and §9.3. */

import { AppError } from '../errors.js';
import type { ApiAuth } from './api-auth.js';
import { parseAuthorization } from './authorization-header.js';
import type { AuthParts } from './create-api-auth.js';
import { issueToken } from './issue-token.js';
import { refuseBanned, refuseGuesser } from './refuse-guesser.js';
import { allows } from './tokens/allows.js';
import { fullScopes } from './tokens/claims.js';
import { parseLifetime } from './tokens/lifetime.js';

export function makeVerifySecondFactor(parts: AuthParts): ApiAuth['verifySecondFactor'] {
  const { guard, verifyToken, sessions, secondFactor, accounts, loginLog } = parts;

  const refuse = async (ip: string, counted: boolean): Promise<never> => {
    refuseBanned(guard, ip);
    if (counted) await guard.failed('api', null, ip);
    throw new AppError('unauthorized');
  };

  return async (request) => {
    const { authorization, method, path, ip, userAgent } = request;
    const header = parseAuthorization(authorization);
    if (header.scheme !== 'bearer') return refuse(ip, true);
    const verdict = await verifyToken(header.token);
    if (!verdict.ok) return refuse(ip, !verdict.ours && !verdict.repeated);
    const { claims } = verdict;
    // Only a token of a login that waits for its second step names this path.
    const mayVerify = claims.scopes.length > 0 && allows(claims.scopes, method, path);
    const session = mayVerify ? sessions.find(claims) : undefined;
    if (session === undefined) return refuse(ip, false);
    if (secondFactor === null) throw new AppError('conflict', { title: '2fa is disabled' });
    const { username: givenUsername, code } = request.readBody();
    refuseGuesser(guard, session.username, ip);
    if (givenUsername === '') throw new AppError('unauthorized', { title: 'username is required' });
    if (code === '') throw new AppError('unauthorized', { title: 'token is required' });
    // Before the code is consumed: a bad lifetime must not cost a new login.
    const lifetime = parseLifetime(request.tokenLifetime, parts.longest);
    // Whose the session is now: somebody else may have the name in the token after a rename.
    const step = { username: session.username, sessionId: session.id, givenUsername, code, ip };
    const { username, newPasswordHash } = await secondFactor.complete(step).catch((error: unknown) => {
      if (error instanceof AppError && error.code === 'unauthorized') loginLog.failed(session.username, ip);
      throw error;
    });
    await guard.succeeded('api', username, ip);
    if (newPasswordHash !== null) await accounts.setPasswordHash(username, newPasswordHash);
    const full = await issueToken(parts, { username, lifetime, scopes: fullScopes, userAgent, ip });
    // What ended or moved the sessions of the user meanwhile did not see the new one.
    const isStill = sessions.find(claims)?.username === username;
    await sessions.close(isStill ? session.id : full.session.id);
    if (!isStill) return refuse(ip, false);
    loginLog.loggedIn(username, ip);
    return { token: full.token, twoFa: null };
  };
}
