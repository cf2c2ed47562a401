import { AppError } from '../../errors.js';
import { staticUserTitle } from './provider.js';
import type { UserWrites } from './writes.js';

/** The single user of `api.auth` cannot be changed. */
export function staticUserWrites(): UserWrites {
  const refuse = async (): Promise<never> => {
    throw new AppError('bad_request', { title: staticUserTitle });
  };
  return { add: refuse, change: refuse, remove: refuse, putGroup: refuse, removeGroup: refuse };
}
