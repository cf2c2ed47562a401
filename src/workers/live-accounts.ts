/** Main's own way to the users: it makes the changes that all threads ask for. */

import type { Accounts } from '../auth/accounts/accounts.js';
import { makeAccounts } from '../auth/accounts/make-accounts.js';
import type { Turns } from '../auth/accounts/turns.js';
import type { PasswordHasher } from '../auth/passwords/hasher.js';
import { type OpenedUserWrites, openUserWrites } from '../auth/users/open-user-writes.js';
import { openUsers } from '../auth/users/open-users.js';
import type { UserProvider } from '../auth/users/provider.js';
import { presentUser } from '../auth/users/tenure.js';
import type { Config } from '../config/types.js';
import { AppError } from '../errors.js';
import type { Logger } from '../logging/logger.js';
import type { Store } from '../store/store.js';
import { systemClock } from '../time.js';
import type { LiveDelivery } from './live-delivery.js';

export interface LiveAccountsOptions {
  readonly store: Store;
  readonly hasher: PasswordHasher;
  readonly delivery: Pick<LiveDelivery, 'checkReceiver'>;
  readonly turns: Turns;
  readonly log: Logger;
}

export interface LiveAccounts {
  /** Of the present configuration. Throws `AppError` 503 when there is none that needs users. */
  accounts(): Accounts;
  /** See `presentUser`; `null`, too, while the configuration needs no users. */
  tenureOf(username: string): Promise<number | null>;
  /**
   * Opens the users of the next configuration. Resolves with what puts them to use. Rejects with `Error` when they
   * cannot be opened; nothing has changed then.
   */
  prepare(next: Config): Promise<() => void>;
  close(): Promise<void>;
}

interface Opened {
  readonly accounts: Accounts;
  readonly users: UserProvider;
  readonly writes: OpenedUserWrites;
}

/** Rejects like `prepare`. */
export async function openLiveAccounts(initial: Config, options: LiveAccountsOptions): Promise<LiveAccounts> {
  const { turns, log } = options;
  let present: Opened | null = null;

  const prepare = async (next: Config): Promise<() => void> => {
    const opened = next.api.address === '' ? null : await open(next, options);
    return () => {
      const old = present;
      present = opened;
      // What has been asked of the old ones comes first.
      turns.take(() => close(old)).catch((error) => log.error(`closing the users: ${String(error)}`));
    };
  };

  const use = await prepare(initial);
  use();
  return {
    accounts() {
      if (present === null) throw new AppError('overloaded');
      return present.accounts;
    },
    async tenureOf(username) {
      if (present === null) return null;
      const found = await presentUser(present.users, options.store, username);
      return found?.tenure ?? null;
    },
    prepare,
    close: () => close(present),
  };
}

async function open(config: Config, options: LiveAccountsOptions): Promise<Opened> {
  const { store, hasher, delivery, turns, log } = options;
  const source = { config, store, clock: systemClock, log };
  const users = await openUsers(source);
  try {
    const writes = await openUserWrites(source);
    const accounts = makeAccounts({
      config,
      users,
      writes,
      hasher,
      store,
      get checkReceiver() {
        return delivery.checkReceiver;
      },
      turns,
    });
    return { accounts, users, writes };
  } catch (error) {
    await users.close();
    throw error;
  }
}

async function close(opened: Opened | null): Promise<void> {
  await Promise.all([opened?.users.close(), opened?.writes.close()]);
}
