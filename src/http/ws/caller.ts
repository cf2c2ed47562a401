/** Who opens a WebSocket: a browser cannot send headers with it, so the token may be in the address. Spec 02 §5.4. */

import type { Credentials } from '../../auth/api-auth.js';
import { parseAuthorization } from '../../auth/authorization-header.js';
import type { Principal } from '../../auth/principal.js';
import { AppError } from '../../errors.js';
import type { ApiContext } from '../context.js';
import type { EngineRequest } from '../engine.js';
import { API_PREFIX } from '../prefix.js';
import type { QueryString } from '../query-string.js';
import type { WebSocketRoute } from './websocket-route.js';

/** A bearer token in the header is not looked at, as in the reference. */
export function socketCredentials(
  request: EngineRequest,
  query: QueryString,
  route: WebSocketRoute,
  ip: string,
): Credentials | null {
  const token = query.get('access_token') ?? '';
  const header = request.header('authorization');
  const authorization = token === '' ? header : `Bearer ${token}`;
  if (token === '' && parseAuthorization(header).scheme !== 'basic') return null;
  return {
    authorization,
    userAgent: request.header('user-agent'),
    ip,
    method: route.method,
    path: API_PREFIX + route.path,
  };
}

/** Throws like `ApiAuth.authenticate`; without credentials 401 `token required`, which counts as a failed login. */
export function authenticateSocket(
  credentials: Credentials | null,
  ip: string,
  { auth, guard }: Pick<ApiContext, 'auth' | 'guard'>,
): Principal | Promise<Principal> {
  if (credentials !== null) return auth.authenticate(credentials);
  if (guard.isBanned('api', ip)) throw new AppError('banned');
  return guard.failed('api', null, ip).then(() => {
    throw new AppError('unauthorized', { title: 'token required' });
  });
}
