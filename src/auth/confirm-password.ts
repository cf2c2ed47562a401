/** Asking a caller for his password once more. Spec 02 §11. */

import { AppError } from '../errors.js';
import type { Milliseconds } from '../time.js';
import type { ApiAuth } from './api-auth.js';
import type { AuthParts } from './create-api-auth.js';
import { banKey } from './ip-address.js';
import { refuseGuesser } from './refuse-guesser.js';
import { Budget } from './second-factor/budget.js';

const MINUTE: Milliseconds = 60_000;
const DAY: Milliseconds = 24 * 60 * MINUTE;

/**
 * Every call of a valid session clears the count of failures of its address, so a stolen one could be used to guess
 * the password without end. Hence allowances that nothing clears: of a user at one address, and, four times that,
 * everywhere.
 */
export function makeConfirmPassword(parts: AuthParts): ApiAuth['confirmPassword'] {
  const { guard, users, check, clock, loginLog } = parts;
  const here = new Budget({ most: 5, within: 10 * MINUTE }, { most: 25, within: DAY });
  const everywhere = new Budget({ most: 20, within: 10 * MINUTE }, { most: 100, within: DAY });

  return async (username, password, ip) => {
    const address = `${banKey(ip)} ${username}`;
    const refuse = (): void => {
      refuseGuesser(guard, username, ip);
      here.assertLeft(address, clock.now());
      everywhere.assertLeft(username, clock.now());
    };
    refuse();
    const user = await users.findCurrent(username);
    const right = await check(username, user, password, ip);
    // Guesses made side by side: one that failed meanwhile makes the others wait, right or wrong.
    refuse();
    if (right) return;
    here.spend(address, clock.now());
    everywhere.spend(username, clock.now());
    await guard.failed('api', username, ip);
    loginLog.failed(username, ip);
    throw new AppError('forbidden', { title: 'Incorrect old password.' });
  };
}
