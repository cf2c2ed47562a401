/** The rules of accounts over a real store, with hashes that cost nothing. */

import type { TestContext } from 'node:test';
import type { Accounts } from '../../src/auth/accounts/accounts.js';
import { type AccountsOptions, makeAccounts } from '../../src/auth/accounts/make-accounts.js';
import { makeTurns } from '../../src/auth/accounts/turns.js';
import { ADMINISTRATORS } from '../../src/auth/principal.js';
import { ownUserWrites } from '../../src/auth/users/own-user-writes.js';
import { ownUsers } from '../../src/auth/users/own-users.js';
import type { User } from '../../src/auth/users/provider.js';
import type { ApiConfig, Config } from '../../src/config/types.js';
import { AppError, AppErrorList } from '../../src/errors.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { ManualClock } from './manual-clock.js';
import { MemoryLogger } from './memory-logger.js';
import { tempFolder } from './temp-folder.js';

export interface AccountRules {
  readonly accounts: Accounts;
  readonly store: Store;
  readonly clock: ManualClock;
  /** Throws when there is no such user. */
  user(username: string): User;
  /** Names, sorted. */
  names(): readonly string[];
}

export type AccountRulesParts = Partial<Omit<AccountsOptions, 'config' | 'store' | 'turns'>> & {
  readonly api?: Partial<ApiConfig>;
};

export const GOOD_PASSWORD = 'a password long enough';
export const hashOf = (password: string): string => `$argon2id$${password}`;

/** Knows anna, an administrator, and bert; both with `GOOD_PASSWORD`. */
export async function accountRules(test: TestContext, parts: AccountRulesParts = {}): Promise<AccountRules> {
  const clock = new ManualClock();
  const store = openStore(tempFolder(test), { log: new MemoryLogger(), clock });
  test.after(() => store.close());
  const password = hashOf(GOOD_PASSWORD);
  const rest = { password, passwordExpired: false, twoFaSendTo: '', totpSecret: '' };
  await store.users.addFirst([
    { username: 'anna', groups: [ADMINISTRATORS], ...rest },
    { username: 'bert', groups: null, ...rest },
  ]);
  const { api, ...options } = parts;
  const accounts = makeAccounts({
    config: {
      api: { passwordMinLength: 14, passwordZxcvbnMinscore: 0, defaultUserGroup: ADMINISTRATORS, ...api },
    } as unknown as Config,
    users: ownUsers(store),
    writes: ownUserWrites(store),
    hasher: {
      verify: () => Promise.reject(new Error('nothing is verified here')),
      hash: (text) => Promise.resolve(hashOf(text)),
      score: () => Promise.resolve(4),
    },
    store,
    checkReceiver: null,
    turns: makeTurns(clock),
    ...options,
  });
  return {
    accounts,
    store,
    clock,
    user(username) {
      const found = store.users.get(username);
      if (found === undefined) throw new Error(`there is no ${username}`);
      return found;
    },
    names: () => Array.from(store.users.all(), ({ username }) => username),
  };
}

/** What the change is refused with, such as `400 nothing to change`; several rules as several items. */
export async function refusals(change: Promise<unknown>): Promise<readonly string[]> {
  try {
    await change;
  } catch (error) {
    const errors = error instanceof AppErrorList ? error.errors : [error];
    return errors.map((one) => {
      if (!(one instanceof AppError)) throw one;
      return `${one.status} ${[one.title, one.detail].filter((text) => text !== '').join(': ')}`;
    });
  }
  return [];
}
