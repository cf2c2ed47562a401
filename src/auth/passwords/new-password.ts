import { AppError } from '../../errors.js';

/** Throws `AppError` 400 when the password is shorter than `minLength` bytes. Spec 02 §12.3. */
export function checkNewPassword(password: string, minLength: number): void {
  if (Buffer.byteLength(password) >= minLength) return;
  throw new AppError('bad_request', {
    title: 'Your password is too short',
    detail: `password must be at least ${minLength} characters`,
  });
}
