/** Whether a code is one of a user's now. Spec 02 §9.3. */

import { createHash } from 'node:crypto';
import type { Milliseconds } from '../../../time.js';
import { sameText } from '../../same-text.js';
import { totpCode } from './code.js';
import type { TotpKey } from './secret.js';

/** Clocks may differ by one step each way. */
const SKEW = 1;

/** One use of a code, which must be the last one of this code and of all before it. */
export interface TotpUse {
  /** Stands for the secret and tells nothing about it. */
  readonly key: string;
  readonly step: number;
  /** From then on the code is too old anyway. */
  readonly until: Milliseconds;
}

/** `null` when the code is not right. Every step is looked at, so that time tells nothing. */
export function matchTotp(key: TotpKey, code: string, now: Milliseconds): TotpUse | null {
  const given = code.trim();
  const period = key.period * 1000;
  const present = Math.floor(now / period);
  let match: number | null = null;
  for (let step = Math.max(0, present - SKEW); step <= present + SKEW; step++) {
    const right = totpCode(key, step);
    if (right !== null && sameText(given, right)) match = step;
  }
  if (match === null) return null;
  return { key: useKey(key), step: match, until: (match + SKEW + 1) * period };
}

/** 160 random bits cannot be found from their digest. */
const useKey = ({ secret, algorithm, digits, period }: TotpKey): string =>
  createHash('sha256').update(`${secret.toUpperCase()} ${algorithm} ${digits} ${period}`).digest('base64url');
