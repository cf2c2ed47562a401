/** Logins whose first step was right and whose second one is waited for. Shared by all threads. Spec 02 §8, §9.3. */

import type { Milliseconds } from '../../time.js';
import type { DeliveryMethod } from './second-factor.js';
import type { TotpUse } from './totp/match.js';

export interface NewChallenge {
  readonly username: string;
  /** Of the limited token. */
  readonly sessionId: number;
  readonly method: DeliveryMethod;
  /** Of the code that was sent, see `codeDigest`; empty where the user makes the code himself. */
  readonly codeDigest: string;
  readonly newPasswordHash: string | null;
  readonly ip: string;
  /** Counts from when the challenge is opened. */
  readonly ttl: Milliseconds;
}

/** What a user brought for the second step. */
export type Proof =
  | { readonly kind: 'code'; readonly digest: string }
  /** `null`: no code of this user's. */
  | { readonly kind: 'totp'; readonly use: TotpUse | null }
  | { readonly kind: 'no_secret' };

export interface ChallengeAnswer extends Pick<NewChallenge, 'username' | 'sessionId' | 'method' | 'ip'> {
  readonly proof: Proof;
}

export interface Challenges {
  /** Before a code is sent. Throws `AppError` 429 after too many codes, or too many failures, of this user. */
  admit(user: Pick<NewChallenge, 'username' | 'ip'>): Promise<void>;
  /** Throws `AppError` 429 after too many failures of this user. */
  open(challenge: NewChallenge): Promise<void>;
  /**
   * Ends the challenge when the proof is right. Resolves when a code of an authenticator app can never be used again.
   * Throws `AppError` 401, 409, 429 (spec 02 §8.2, §9.3).
   */
  complete(answer: ChallengeAnswer): Promise<Pick<NewChallenge, 'newPasswordHash'>>;
}

/** An ended challenge is remembered this long, so that the user gets to know that it has ended. */
export const EXPIRED_REMEMBERED: Milliseconds = 10 * 60_000;
