/** Old password hashes become new ones when their users log in. Decisions: passwords. */

import type { Logger } from '../../logging/logger.js';
import type { Accounts } from '../accounts/accounts.js';
import type { User, UserProvider } from '../users/provider.js';
import type { PasswordHasher } from './hasher.js';
import { passwordKind } from './kind.js';

/** `password` has just proved right for `user`. Returns at once; what fails is logged and tried at the next login. */
export type ImproveHash = (user: User, password: string) => void;

export interface ImproveHashParts {
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly hasher: PasswordHasher;
  readonly log: Logger;
}

/** Users waiting at a time; one after the other, because logins need the hasher as well. */
const WAITING = 20;
/** bcrypt looks no further, so what stands behind may be wrong. */
const BCRYPT_BYTES = 72;

export function makeImproveHash({ users, accounts, hasher, log }: ImproveHashParts): ImproveHash {
  const waiting = new Set<string>();
  let last = Promise.resolve();

  const improve = async ({ username, password: stored }: User, password: string): Promise<void> => {
    try {
      await accounts.replacePasswordHash(username, stored, await hasher.hash(password));
    } catch (error) {
      log.error(`a password could not be hashed anew: ${(error as Error).message}`);
    } finally {
      waiting.delete(username);
    }
  };

  return (user, password) => {
    if (!users.writable || !isOld(user.password, password)) return;
    if (waiting.has(user.username) || waiting.size >= WAITING) return;
    waiting.add(user.username);
    last = last.then(() => improve(user, password));
  };
}

function isOld(stored: string, password: string): boolean {
  switch (passwordKind(stored)) {
    case 'argon2id':
      return false;
    case 'bcrypt':
      return Buffer.byteLength(password) <= BCRYPT_BYTES;
    case 'plain':
      return true;
  }
}
