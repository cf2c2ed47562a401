/** The password step that Basic authentication and login have in common. Spec 02 §4.2, §5.3 and §7.3. */

import { AppError } from '../errors.js';
import type { AuthParts } from './create-api-auth.js';
import { refuseGuesser } from './refuse-guesser.js';
import type { User } from './users/provider.js';

/**
 * The user of that name and password. Throws `AppError`: `banned`, 429 inside the wait after a failed login or
 * when too much is being hashed, 401 `unauthorized`. Failures are counted before the refusal goes out.
 * Synchronous for a password that was right a moment ago.
 */
export function verifyLogin(
  parts: AuthParts,
  username: string,
  password: string,
  ip: string,
): User | Promise<User> {
  refuseGuesser(parts.guard, username, ip);
  const user = parts.users.findCurrent(username);
  return user instanceof Promise
    ? user.then((found) => checkUser(parts, found, username, password, ip))
    : checkUser(parts, user, username, password, ip);
}

function checkUser(
  parts: AuthParts,
  user: User | undefined,
  username: string,
  password: string,
  ip: string,
): User | Promise<User> {
  const right = parts.check(username, user, password, ip);
  if (right instanceof Promise) return right.then((result) => judge(parts, user, result, username, ip));
  return judge(parts, user, right, username, ip);
}

function judge(
  parts: AuthParts,
  user: User | undefined,
  right: boolean,
  username: string,
  ip: string,
): User | Promise<User> {
  // Guesses made side by side: one that failed meanwhile makes the others wait, right or wrong.
  refuseGuesser(parts.guard, username, ip);
  if (right && user !== undefined) {
    // Half a login must not clear the count: it would make guesses of the other half unlimited.
    const cleared = parts.secondFactor === null ? parts.guard.succeeded('api', username, ip) : undefined;
    return cleared === undefined ? user : cleared.then(() => user);
  }
  return parts.guard.failed('api', username, ip).then(() => {
    parts.loginLog.failed(username, ip);
    throw new AppError('unauthorized');
  });
}

export const passwordExpiredTitle = 'password has expired, please change your password';
