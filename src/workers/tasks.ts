/**
 * The tasks of the pool. Each is a pure function of one plain argument, run in a thread that has no store, no
 * actors and no configuration; what it needs comes with the argument.
 */

import * as passwords from '../auth/passwords/hash.js';
import { passwordScore } from '../auth/passwords/strength.js';

/** Whether `password` matches the hash `stored`; false for a broken hash. */
export const verifyPassword = ({
  password,
  stored,
}: {
  password: string;
  stored: string;
}): Promise<boolean> => passwords.verifyPassword(password, stored);

/** A new argon2id hash. */
export const hashPassword = ({ password }: { password: string }): Promise<string> =>
  passwords.hashPassword(password);

/** How hard `password` is to guess, 0 to 4, when `known` are easy guesses. */
export const scorePassword = ({
  password,
  known,
}: {
  password: string;
  known: readonly string[];
}): Promise<number> => passwordScore(password, known);
