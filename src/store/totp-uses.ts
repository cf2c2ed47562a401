/** Codes of authenticator apps that were used. */

import type { TotpUse } from '../auth/second-factor/totp/match.js';
import type { Milliseconds } from '../time.js';

/** Codes of authenticator apps that must not be used again, nor any before them. */
export interface TotpUseRepository {
  /** The time step of the last one. */
  lastStep(key: string): number | undefined;
  /** Resolves when that would survive a power loss. Rows that end before `now` are removed. */
  put(use: TotpUse, now: Milliseconds): Promise<void>;
}
