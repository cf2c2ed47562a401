/** Checking a user's password without giving away who exists, and without paying for one hash twice. */

import { createHmac, randomBytes } from 'node:crypto';
import { AppError } from '../../errors.js';
import type { Clock, Milliseconds } from '../../time.js';
import { ExpiringMap } from '../expiring-map.js';
import { banKey } from '../ip-address.js';
import { sameText } from '../same-text.js';
import type { User, UserProvider } from '../users/provider.js';
import type { PasswordHasher } from './hasher.js';
import { passwordKind } from './kind.js';
import { nobodysHash } from './nobody.js';

/**
 * Whether `password` is the one of `user`; `undefined` stands for an unknown user and costs as much.
 * Synchronous when nothing needs to be hashed. Rejects with `AppError` 429 or 503.
 */
export type PasswordCheck = (
  username: string,
  user: User | undefined,
  password: string,
  ip: string,
) => boolean | Promise<boolean>;

/** How long a right password is believed again without hashing, for scripts that send it with each call. */
const REMEMBERED_FOR: Milliseconds = 60_000;
const REMEMBERED = 1000;
/** Addresses that somebody has had a right password at, ~150 bytes each. */
const FAMILIAR = 10_000;
const FAMILIAR_FOR: Milliseconds = 30 * 24 * 60 * 60_000;
/** Different guesses of one address being hashed at a time; more could only be guessing. */
const CHECKS_PER_ADDRESS = 8;

export function createPasswordCheck(
  users: UserProvider,
  hasher: PasswordHasher,
  clock: Clock,
): PasswordCheck {
  /** Of this thread; makes what is remembered useless to whoever reads memory without it. */
  const key = randomBytes(32);
  const right = new ExpiringMap<string, true>(REMEMBERED);
  const familiar = new ExpiringMap<string, true>(FAMILIAR);
  const running = new Map<string, Promise<boolean>>();
  const runningByAddress = new Map<string, number>();

  const run = (
    guess: string,
    user: User | undefined,
    password: string,
    stored: string,
    address: string,
  ): Promise<boolean> => {
    const others = runningByAddress.get(address) ?? 0;
    if (others >= CHECKS_PER_ADDRESS) {
      return Promise.reject(new AppError('too_many_requests', { retryAfterSeconds: 1 }));
    }
    runningByAddress.set(address, others + 1);
    const stranger = familiar.get(address, clock.now()) === undefined;
    const check = hasher
      .verify(password, stored, stranger)
      .then((matches) => {
        // Before it is not running any more: who came in between would hash it again.
        if (matches && user !== undefined) {
          const now = clock.now();
          right.set(guess, true, now + REMEMBERED_FOR, now);
        }
        return matches;
      })
      .finally(() => {
        running.delete(guess);
        const left = (runningByAddress.get(address) ?? 1) - 1;
        if (left > 0) runningByAddress.set(address, left);
        else runningByAddress.delete(address);
      });
    running.set(guess, check);
    return check;
  };

  return (username, user, password, ip) => {
    const stored = user?.password ?? users.decoy(username) ?? nobodysHash;
    if (passwordKind(stored) === 'plain') return sameText(password, stored) && user !== undefined;
    // The stored hash is part of what is remembered, so a changed password ends it.
    const guess = createHmac('sha256', key)
      .update(JSON.stringify([username, stored, password]))
      .digest('base64');
    if (right.get(guess, clock.now()) !== undefined) return user !== undefined;
    const address = banKey(ip);
    const check = running.get(guess) ?? run(guess, user, password, stored, address);
    return check.then((matches) => {
      const known = matches && user !== undefined;
      if (!known) return false;
      const now = clock.now();
      familiar.set(address, true, now + FAMILIAR_FOR, now);
      return true;
    });
  };
}
