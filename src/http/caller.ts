import type { Principal } from '../auth/principal.js';
import { AppError } from '../errors.js';
import type { ApiRequest } from './route.js';

/** Who calls a route whose access is `user`. */
export function callerOf({ principal }: Pick<ApiRequest, 'principal'>): Principal {
  if (principal === null) throw new AppError('unauthorized', { title: 'unauthorized access' });
  return principal;
}
