import { SignJWT } from 'jose';
import type { Claims, Scope } from './claims.js';

/** The token of these claims: HS256, members in the order of spec 02 §6.1, then `exp` and `iat`. */
export function signToken(secret: Uint8Array, claims: Claims): Promise<string> {
  return new SignJWT({
    username: claims.username,
    sessionID: claims.sessionId,
    ...(claims.scopes.length === 0 ? {} : { scopes: claims.scopes.map(toJson) }),
    jti: claims.tokenId,
    exp: Math.floor(claims.expiresAt / 1000),
    iat: Math.floor(claims.issuedAt / 1000),
  })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(secret);
}

const toJson = ({ uri, method, exclude }: Scope): Record<string, unknown> => ({
  ...(uri === '' ? {} : { uri }),
  ...(method === '' ? {} : { method }),
  ...(exclude ? { exclude } : {}),
});
