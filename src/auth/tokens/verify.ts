/** Reading a token: forged, foreign and ended ones are told apart from ours, each paid for once. */

import { errors, type JWTPayload, jwtVerify } from 'jose';
import type { Clock } from '../../time.js';
import type { Claims, Scope } from './claims.js';

export type Verdict =
  | { readonly ok: true; readonly claims: Claims }
  /** `ours`: the signature is right, the token has ended. `repeated`: it was refused before. */
  | { readonly ok: false; readonly reason: string; readonly ours: boolean; readonly repeated: boolean };

/** Answers at once for a token seen before. */
export type VerifyToken = (token: string) => Verdict | Promise<Verdict>;

/** Tokens remembered per thread, some 600 bytes each; one user needs one. */
const GOOD = 10_000;
/** Refused tokens remembered, so that a program repeating an old one is not taken for many attackers. */
const BAD = 1_000;
/** Ours are below 1 KiB unless a user name is long. */
const LONGEST_TOKEN = 16 * 1024;

export function createTokenVerifier(secret: Uint8Array, clock: Clock): VerifyToken {
  const good = new Map<string, Claims>();
  const bad = new Map<string, string>();

  const judge = (token: string, claims: Claims): Verdict => {
    if (claims.expiresAt > clock.now()) return { ok: true, claims };
    good.delete(token);
    return { ok: false, reason: 'token is expired', ours: true, repeated: false };
  };
  const refuse = (token: string, reason: string): Verdict => {
    remember(bad, token, reason, BAD);
    return { ok: false, reason, ours: false, repeated: false };
  };
  const read = async (token: string): Promise<Verdict> => {
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: ['HS256'],
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp', 'jti'],
      });
      const claims = toClaims(payload);
      if (claims === undefined) return refuse(token, 'token claims are incomplete');
      remember(good, token, claims, GOOD);
      return judge(token, claims);
    } catch (error) {
      if (error instanceof errors.JWTExpired) {
        return { ok: false, reason: 'token is expired', ours: true, repeated: false };
      }
      return refuse(token, reasonOf(error));
    }
  };

  return (token) => {
    const claims = good.get(token);
    if (claims !== undefined) {
      // Moves to the young end, so that the one unused for longest is dropped first.
      good.delete(token);
      good.set(token, claims);
      return judge(token, claims);
    }
    const refused = bad.get(token);
    if (refused !== undefined) return { ok: false, reason: refused, ours: false, repeated: true };
    if (token.length > LONGEST_TOKEN)
      return { ok: false, reason: 'token is too long', ours: false, repeated: false };
    return read(token);
  };
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value, capacity: number): void {
  map.set(key, value);
  if (map.size <= capacity) return;
  const oldest = map.keys().next();
  if (!oldest.done) map.delete(oldest.value);
}

function reasonOf(error: unknown): string {
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'signature is invalid';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'signing method is invalid';
  if (error instanceof errors.JOSEError) return error.message;
  return 'malformed token';
}

function toClaims(payload: JWTPayload): Claims | undefined {
  const { username = '', sessionID, scopes = [], jti, exp = 0, iat = 0 } = payload;
  if (typeof username !== 'string' || !Number.isSafeInteger(sessionID) || !Array.isArray(scopes)) return;
  if (typeof jti !== 'string' || jti === '') return;
  const parsed = scopes.map(toScope);
  if (!parsed.every((scope) => scope !== undefined)) return;
  return {
    username,
    sessionId: sessionID as number,
    scopes: parsed,
    tokenId: jti,
    issuedAt: iat * 1000,
    expiresAt: exp * 1000,
  };
}

function toScope(value: unknown): Scope | undefined {
  if (typeof value !== 'object' || value === null) return;
  const { uri = '', method = '', exclude = false } = value as Record<string, unknown>;
  if (typeof uri !== 'string' || typeof method !== 'string' || typeof exclude !== 'boolean') return;
  return { uri, method, exclude };
}
