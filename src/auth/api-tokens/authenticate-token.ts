/** An API token as the password of HTTP Basic. Spec 02 §5.3 step 6. */

import { AppError } from '../../errors.js';
import type { Clock } from '../../time.js';
import type { User } from '../users/provider.js';
import { passwordExpiredTitle } from '../verify-login.js';
import type { ApiTokens } from './api-tokens.js';
import { scopeAllows } from './token-scope.js';

/**
 * Whether `secret` is a token of this user that is good for the request. `wrong`: a guess; `undefined`: no token of
 * his. Throws `AppError` for a right one that is of no use: 401 when it or the password of its user has expired, 403
 * for its scope. The guard has no say: a token nobody can guess is not locked out by those who try.
 */
export function checkApiToken(
  { apiTokens, clock }: { readonly apiTokens: ApiTokens; readonly clock: Clock },
  user: User,
  secret: string,
  { method, path }: { readonly method: string; readonly path: string },
): 'right' | 'wrong' | undefined {
  const token = apiTokens.find(user.username, secret);
  if (token === undefined || token === 'wrong') return token;
  if (token.expiresAt !== null && token.expiresAt <= clock.now()) throw new AppError('unauthorized');
  if (user.passwordExpired) throw new AppError('unauthorized', { title: passwordExpiredTitle });
  if (!scopeAllows(token.scope, method, path)) {
    throw new AppError('forbidden', {
      title: 'the scope of the provided token is not authorized for this operation',
    });
  }
  return 'right';
}
