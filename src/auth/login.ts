/** From a name and a password to a token. Spec 02 §7.3. */

import { AppError } from '../errors.js';
import type { Milliseconds } from '../time.js';
import type { ApiAuth, LoginRequest } from './api-auth.js';
import type { AuthParts } from './create-api-auth.js';
import { checkNewPassword } from './passwords/new-password.js';
import { type Claims, fullScopes } from './tokens/claims.js';
import { longestLifetime, parseLifetime } from './tokens/lifetime.js';
import { signToken } from './tokens/sign.js';
import { staticUserTitle } from './users/provider.js';
import { passwordExpiredTitle, verifyLogin } from './verify-login.js';

export function makeLogin(parts: AuthParts): ApiAuth['login'] {
  const { config, guard, log } = parts;
  const longest = longestLifetime(config.api.maxTokenLifetime);

  return async (request) => {
    const { username, password, newPassword, tokenLifetime, ip } = request;
    if (username === '') {
      if (guard.isBanned('api', ip)) throw new AppError('banned');
      throw new AppError('unauthorized', { title: 'username is required' });
    }
    const user = await verifyLogin(parts, username, password, ip);
    const lifetime = parseLifetime(tokenLifetime, longest);
    if (parts.secondFactor) {
      // Nothing is changed and nothing is handed out for a password alone where two factors are demanded.
      log.error('a login was refused: a second factor is configured, but this version has none');
      throw new AppError('forbidden', {
        title: 'two-factor authentication is configured but not available in this version',
      });
    }
    if (newPassword !== '') await changePassword(parts, username, newPassword);
    else if (user.passwordExpired) throw new AppError('unauthorized', { title: passwordExpiredTitle });
    return issueToken(parts, request, lifetime, longest);
  };
}

async function changePassword(
  { config, users, hasher }: AuthParts,
  username: string,
  password: string,
): Promise<void> {
  if (!users.writable) throw new AppError('bad_request', { title: staticUserTitle });
  checkNewPassword(password, config.api.passwordMinLength);
  await users.setPassword(username, await hasher.hash(password));
}

/** Resolves when the session behind the token would survive a power loss. */
async function issueToken(
  { secret, sessions, clock }: AuthParts,
  { username, userAgent, ip }: LoginRequest,
  lifetime: Milliseconds,
  longest: Milliseconds,
): Promise<string> {
  const session = await sessions.open({ username, lifetime, userAgent, ip });
  const issuedAt = clock.now();
  const claims: Claims = {
    username,
    sessionId: session.id,
    scopes: fullScopes,
    tokenId: session.tokenId,
    issuedAt,
    // Uses prolong the session, never beyond this; whole seconds, as tokens count.
    expiresAt: Math.floor((issuedAt + longest) / 1000) * 1000,
  };
  return signToken(secret, claims);
}
