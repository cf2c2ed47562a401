/** Ends a session for good. Spec 02 §7.4. */

import { AppError } from '../errors.js';
import type { ApiAuth } from './api-auth.js';
import { parseAuthorization } from './authorization-header.js';
import type { AuthParts } from './create-api-auth.js';
import { refuseBanned } from './refuse-guesser.js';
import { allows } from './tokens/allows.js';

/** Resolves when the session is gone and would stay so after a power loss. */
export function makeLogout({ guard, verifyToken, sessions, loginLog }: AuthParts): ApiAuth['logout'] {
  const refuse = async (title: string, ip: string, counted: boolean): Promise<never> => {
    refuseBanned(guard, ip);
    if (counted) await guard.failed('api', null, ip);
    throw new AppError('bad_request', { title });
  };

  return async ({ authorization, ip, method, path }) => {
    const header = parseAuthorization(authorization);
    if (header.scheme !== 'bearer') return refuse('authorization Bearer token required', ip, true);
    const verdict = await verifyToken(header.token);
    if (!verdict.ok) {
      if (verdict.ours) return refuse('token is invalid or expired', ip, false);
      return refuse(`token is invalid: ${verdict.reason}`, ip, !verdict.repeated);
    }
    const { claims } = verdict;
    const session = allows(claims.scopes, method, path) ? sessions.find(claims) : undefined;
    if (session === undefined) return refuse('token is invalid or expired', ip, false);
    await sessions.close(session.id);
    loginLog.loggedOut(session.username, ip);
  };
}
