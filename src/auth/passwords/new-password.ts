/** What a new password must be like. Spec 02 §12.3. */

import type { ApiConfig } from '../../config/types.js';
import { AppError } from '../../errors.js';
import type { PasswordHasher } from './hasher.js';

/** Bytes. Hashing takes longer with the length; no password manager makes half as much. */
const LONGEST = 4096;

export type PasswordRules = Pick<ApiConfig, 'passwordMinLength' | 'passwordZxcvbnMinscore'>;

/**
 * One `AppError` 400 for each rule that is broken. `names` are those of the user, old and new.
 * Rejects like `PasswordHasher.score`.
 */
export async function checkNewPassword(
  password: string,
  names: readonly string[],
  { passwordMinLength, passwordZxcvbnMinscore }: PasswordRules,
  hasher: Pick<PasswordHasher, 'score'>,
): Promise<readonly AppError[]> {
  const bytes = Buffer.byteLength(password);
  if (bytes > LONGEST) {
    return [refusal('Your password is too long', `password must not be longer than ${LONGEST} bytes`)];
  }
  const errors: AppError[] = [];
  if (bytes < passwordMinLength) {
    errors.push(
      refusal('Your password is too short', `password must be at least ${passwordMinLength} characters`),
    );
  }
  // Every password has a score of 0.
  if (passwordZxcvbnMinscore > 0) {
    const score = await hasher.score(password, names);
    if (score < passwordZxcvbnMinscore) {
      const detail = `zxcvbn score is ${score}, must be at least ${passwordZxcvbnMinscore}`;
      errors.push(refusal('Your password is too guessable', detail));
    }
  }
  return errors;
}

const refusal = (title: string, detail: string): AppError => new AppError('bad_request', { title, detail });
