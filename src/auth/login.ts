/** From a name and a password, or somebody's word, to a token. Spec 02 §7.3. */

import { AppError, AppErrorList } from '../errors.js';
import type { Milliseconds } from '../time.js';
import type { ApiAuth, LoginAnswer, LoginOrigin } from './api-auth.js';
import type { AuthParts } from './create-api-auth.js';
import { issueToken } from './issue-token.js';
import { checkNewPassword } from './passwords/new-password.js';
import { refuseBanned, refuseGuesser } from './refuse-guesser.js';
import { EXPIRED_REMEMBERED } from './second-factor/challenges.js';
import { fullScopes, pendingScopes } from './tokens/claims.js';
import { parseLifetime } from './tokens/lifetime.js';
import { staticUserTitle, type User } from './users/provider.js';
import { passwordExpiredTitle, verifyLogin } from './verify-login.js';

export function makeLogin(parts: AuthParts): Pick<ApiAuth, 'login' | 'loginVouched'> {
  const { config, guard, users, accounts, hasher, loginLog, improveHash } = parts;

  const refuseNobody = (username: string, ip: string): void => {
    if (username !== '') return;
    refuseBanned(guard, ip);
    throw new AppError('unauthorized', { title: 'username is required' });
  };

  return {
    async login(request) {
      const { username, password, newPassword, tokenLifetime, ip } = request;
      refuseNobody(username, ip);
      const user = await verifyLogin(parts, username, password, ip);
      const lifetime = parseLifetime(tokenLifetime, parts.longest);
      if (newPassword === '') {
        if (user.passwordExpired) throw new AppError('unauthorized', { title: passwordExpiredTitle });
        improveHash(user, password);
        return proceed(parts, user, null, lifetime, request);
      }
      if (!users.writable) throw new AppError('bad_request', { title: staticUserTitle });
      const [broken, ...others] = await checkNewPassword(newPassword, [user.username], config.api, hasher);
      if (broken !== undefined) throw new AppErrorList([broken, ...others]);
      const hash = await hasher.hash(newPassword);
      // With a second factor the new password waits for it: one factor must not change the other.
      if (parts.secondFactor !== null) return proceed(parts, user, hash, lifetime, request);
      await accounts.setPasswordHash(user.username, hash);
      return proceed(parts, user, null, lifetime, request);
    },

    async loginVouched(request) {
      const { username, addMissing, tokenLifetime, ip } = request;
      refuseNobody(username, ip);
      refuseGuesser(guard, username, ip);
      let user = await users.findCurrent(username);
      if (user === undefined && addMissing) {
        await accounts.addVouchedUser(username);
        user = await users.findCurrent(username);
      }
      if (user === undefined) {
        await guard.failed('api', username, ip);
        loginLog.failed(username, ip);
        throw new AppError('unauthorized');
      }
      if (parts.secondFactor === null) guard.succeeded('api', user.username, ip);
      const lifetime = parseLifetime(tokenLifetime, parts.longest);
      if (user.passwordExpired) throw new AppError('unauthorized', { title: passwordExpiredTitle });
      return proceed(parts, user, null, lifetime, request);
    },
  };
}

/** Hands out the token, or asks for the second factor. */
async function proceed(
  parts: AuthParts,
  user: User,
  newPasswordHash: string | null,
  lifetime: Milliseconds,
  { ip, userAgent }: LoginOrigin,
): Promise<LoginAnswer> {
  const { secondFactor, sessions, loginLog } = parts;
  const { username } = user;
  if (secondFactor === null) {
    const { token } = await issueToken(parts, { username, lifetime, scopes: fullScopes, userAgent, ip });
    loginLog.loggedIn(username, ip);
    return { token, twoFa: null };
  }
  const mayCreateSecret = secondFactor.method === 'totp_authenticator_app' && user.totpSecret.trim() === '';
  const { token, session } = await issueToken(parts, {
    username,
    // A little longer than the second step is waited for, so that who comes late gets to know it.
    lifetime: Math.min(secondFactor.ttl + EXPIRED_REMEMBERED, parts.longest),
    scopes: pendingScopes(mayCreateSecret),
    pending: true,
    userAgent,
    ip,
  });
  try {
    const step = { user, sessionId: session.id, newPasswordHash, ip, userAgent };
    const twoFa = await secondFactor.begin(step);
    loginLog.awaitsSecondStep(username, ip);
    return { token, twoFa };
  } catch (error) {
    await sessions.close(session.id);
    throw error;
  }
}
