import { AppError } from '../../errors.js';
import type { Accounts } from './accounts.js';

/** The accounts that work on the sources directly. */
export function makeAccounts(): Accounts {
  const missing = async (): Promise<never> => {
    throw new AppError('internal');
  };
  return {
    addUser: missing,
    changeUser: missing,
    removeUser: missing,
    addVouchedUser: missing,
    setPasswordHash: missing,
    replacePasswordHash: missing,
    setTotpSecret: missing,
    putGroup: missing,
    removeGroup: missing,
  };
}
