/** Who has guessed wrong lately is not even heard. Spec 02 §4.2 and §4.3. */

import { AppError } from '../errors.js';
import type { Guard } from './guard.js';

/** Throws `AppError` `banned` (423), or 429 with the rest of the wait, when this attempt may not be judged. */
export function refuseGuesser(guard: Guard, username: string, ip: string): void {
  refuseBanned(guard, ip);
  const left = guard.waitLeft('api', username, ip);
  if (left > 0) throw new AppError('too_many_requests', { retryAfterSeconds: Math.ceil(left / 1000) });
}

/** Throws `AppError` `banned` (423). */
export function refuseBanned(guard: Guard, ip: string): void {
  if (guard.isBanned('api', ip)) throw new AppError('banned');
}
