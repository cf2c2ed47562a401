/** What a token says. Spec 02 §6.1. */

import type { Milliseconds } from '../../time.js';

/** One entry of a token's `scopes`. Empty text matches nothing but itself. */
export interface Scope {
  readonly uri: string;
  readonly method: string;
  readonly exclude: boolean;
}

export interface Claims {
  readonly username: string;
  readonly sessionId: number;
  readonly scopes: readonly Scope[];
  /** `jti`: decimal text of a random 64-bit number. */
  readonly tokenId: string;
  readonly issuedAt: Milliseconds;
  /** End of the token whatever its session says; whole seconds. */
  readonly expiresAt: Milliseconds;
}

/** Scopes of a token that may do everything its user may. Spec 02 §6.2. */
export const fullScopes: readonly Scope[] = [
  { uri: '*', method: '*', exclude: false },
  { uri: '/api/v1/verify-2fa', method: '*', exclude: true },
];

/** Scopes of a token that waits for the second step of its login. Spec 02 §6.2. */
export const pendingScopes = (mayCreateTotpSecret: boolean): readonly Scope[] => [
  { uri: '/api/v1/verify-2fa', method: 'POST', exclude: false },
  ...(mayCreateTotpSecret ? [{ uri: '/api/v1/me/totp-secret', method: 'POST', exclude: false }] : []),
];
