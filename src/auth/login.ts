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
import { isVouchedName } from './vouched-name.js';

export function makeLogin(parts: AuthParts): Pick<ApiAuth, 'login' | 'loginVouched'> {
  const { config, guard, users, accounts, hasher, loginLog, improveHash } = parts;

  const refuseNobody = (username: string, ip: string): void => {
    if (username !== '') return;
    refuseBanned(guard, ip);
    throw new AppError('unauthorized', { title: 'username is required' });
  };

  const findVouched = async (username: string): Promise<User | undefined> => {
    const user = await users.findCurrent(username);
    return user !== undefined && isVouchedName(username, user.username) ? user : undefined;
  };

  /** Replaces the password that has proved right. Throws like `verifyLogin` when it is not his any more. */
  const renew = async (user: User, password: string, hash: string, ip: string): Promise<void> => {
    try {
      await accounts.setPasswordHash(user.username, hash, user.password);
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'conflict')) throw error;
      // Changed by somebody else, or only hashed anew.
      const present = await verifyLogin(parts, user.username, password, ip);
      await accounts.setPasswordHash(present.username, hash, present.password);
    }
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
        return proceed(parts, { user, password, newPasswordHash: null, lifetime, request });
      }
      if (!users.writable) throw new AppError('bad_request', { title: staticUserTitle });
      const [broken, ...others] = await checkNewPassword(newPassword, [user.username], config.api, hasher);
      if (broken !== undefined) throw new AppErrorList([broken, ...others]);
      const hash = await hasher.hash(newPassword);
      // With a second factor the new password waits for it: one factor must not change the other.
      if (parts.secondFactor !== null) {
        return proceed(parts, { user, password, newPasswordHash: hash, lifetime, request });
      }
      await renew(user, password, hash, ip);
      const renewed = { ...user, password: hash };
      return proceed(parts, {
        user: renewed,
        password: newPassword,
        newPasswordHash: null,
        lifetime,
        request,
      });
    },

    async loginVouched(request) {
      const { username, addMissing, tokenLifetime, ip } = request;
      refuseNobody(username, ip);
      refuseGuesser(guard, username, ip);
      let user = await findVouched(username);
      if (user === undefined && addMissing) {
        await accounts.addVouchedUser(username);
        user = await findVouched(username);
      }
      if (user === undefined) {
        await guard.failed('api', username, ip);
        loginLog.failed(username, ip);
        throw new AppError('unauthorized');
      }
      if (parts.secondFactor === null) await guard.succeeded('api', user.username, ip);
      const lifetime = parseLifetime(tokenLifetime, parts.longest);
      if (user.passwordExpired) throw new AppError('unauthorized', { title: passwordExpiredTitle });
      return proceed(parts, { user, password: null, newPasswordHash: null, lifetime, request });
    },
  };
}

interface ProvenLogin {
  readonly user: User;
  /** What he has proved himself with; `null` when somebody vouches for his name. */
  readonly password: string | null;
  readonly newPasswordHash: string | null;
  readonly lifetime: Milliseconds;
  readonly request: LoginOrigin;
}

/** Hands out the token, or asks for the second factor. */
async function proceed(parts: AuthParts, login: ProvenLogin): Promise<LoginAnswer> {
  const { secondFactor, sessions, loginLog } = parts;
  const { user, newPasswordHash, lifetime, request } = login;
  const { ip, userAgent } = request;
  const { username } = user;
  const mayCreateSecret = secondFactor?.method === 'totp_authenticator_app' && user.totpSecret.trim() === '';
  const pending = secondFactor !== null;
  const { token, session } = await issueToken(parts, {
    username,
    // A little longer than the second step is waited for, so that who comes late gets to know it.
    lifetime: pending ? Math.min(secondFactor.ttl + EXPIRED_REMEMBERED, parts.longest) : lifetime,
    scopes: pending ? pendingScopes(mayCreateSecret) : fullScopes,
    pending,
    userAgent,
    ip,
  });
  try {
    // What ended the sessions of a user while he was logging in did not see this one.
    if (!(await isStill(parts, login))) throw new AppError('unauthorized');
    if (!pending) {
      loginLog.loggedIn(username, ip);
      return { token, twoFa: null };
    }
    const twoFa = await secondFactor.begin({ user, sessionId: session.id, newPasswordHash, ip, userAgent });
    loginLog.awaitsSecondStep(username, ip);
    return { token, twoFa };
  } catch (error) {
    await sessions.close(session.id);
    throw error;
  }
}

/** Whether the name still belongs to him who has proved to be that user. */
async function isStill(parts: AuthParts, { user, password, request }: ProvenLogin): Promise<boolean> {
  const present = await parts.users.findCurrent(user.username);
  if (present?.username !== user.username) return false;
  if (password === null || present.password === user.password) return true;
  return parts.check(user.username, present, password, request.ip);
}
