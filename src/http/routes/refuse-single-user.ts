import { AppError } from '../../errors.js';
import type { ApiContext } from '../context.js';

/** Throws `AppError` 400 where users cannot be changed because the configuration has the only one. Spec 02 §12. */
export function refuseSingleUser({ users }: Pick<ApiContext, 'users'>): void {
  if (users.writable) return;
  throw new AppError('bad_request', {
    title: 'server runs on a static user-password pair, please use JSON file or database for user data',
  });
}
