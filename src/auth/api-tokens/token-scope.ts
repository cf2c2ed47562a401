/** What an API token may be used for, within what its user may do. Spec 02 §10.2. */

export const tokenScopes = ['read', 'read+write', 'clients-auth'] as const;
export type TokenScope = (typeof tokenScopes)[number];

export const isTokenScope = (text: string): text is TokenScope =>
  (tokenScopes as readonly string[]).includes(text);

const CLIENTS_AUTH = '/api/v1/clients-auth';
const WEBSOCKETS = '/api/v1/ws';
/** Who reads it can take every second step of the user's logins: more than reading. */
const TOTP_SECRET = '/api/v1/me/totp-secret';

/** `path`: pattern of the route, so that no spelling of a path leads past this. An unknown scope allows nothing. */
export function scopeAllows(scope: string, method: string, path: string): boolean {
  switch (scope) {
    case 'read':
      return method === 'GET' && !isBelow(path, WEBSOCKETS) && path !== TOTP_SECRET;
    case 'read+write':
      return true;
    case 'clients-auth':
      return isBelow(path, CLIENTS_AUTH);
    default:
      return false;
  }
}

/** Compares whole segments. */
const isBelow = (path: string, parent: string): boolean => path === parent || path.startsWith(`${parent}/`);
