/** The rules of accounts, on the source of users itself: for the `accounts` actor and the command line. */

import type { Config } from '../../config/types.js';
import type { Store } from '../../store/store.js';
import type { PasswordHasher } from '../passwords/hasher.js';
import type { UserProvider } from '../users/provider.js';
import type { UserWrites } from '../users/writes.js';
import type { Accounts } from './accounts.js';
import { makeGroupChanges } from './group-changes.js';
import type { Turns } from './turns.js';
import { makeUserChanges } from './user-changes.js';

export interface AccountsOptions {
  readonly config: Pick<Config, 'api'>;
  readonly users: UserProvider;
  readonly writes: UserWrites;
  readonly hasher: PasswordHasher;
  /** What goes with the users. */
  readonly store: Pick<Store, 'nameTenures' | 'sessions' | 'apiTokens' | 'flushed'>;
  /** `CodeDelivery.checkReceiver`, of the moment; `null`: codes are not sent, so users need no receiver. */
  readonly checkReceiver: ((receiver: string) => Promise<void>) | null;
  /** The same for all accounts of a process: changes come one after the other. */
  readonly turns: Turns;
}

export function makeAccounts(options: AccountsOptions): Accounts {
  return { ...makeUserChanges(options), ...makeGroupChanges(options) };
}
