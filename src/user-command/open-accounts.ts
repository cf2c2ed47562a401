/** Users and their rules, as a running server has them, for one command. It may run beside one. */

import { existsSync } from 'node:fs';
import type { AuditLog } from '../audit/audit-log.js';
import { directAuditLog } from '../audit/direct-log.js';
import type { Accounts } from '../auth/accounts/accounts.js';
import { makeAccounts } from '../auth/accounts/make-accounts.js';
import { makeTurns } from '../auth/accounts/turns.js';
import { hashPassword, verifyPassword } from '../auth/passwords/hash.js';
import { passwordScore } from '../auth/passwords/strength.js';
import { openUserWrites } from '../auth/users/open-user-writes.js';
import { openUsers } from '../auth/users/open-users.js';
import type { UserProvider } from '../auth/users/provider.js';
import { createDataDir } from '../config/bootstrap.js';
import { ConfigError } from '../config/config-error.js';
import type { LoadedConfig } from '../config/load.js';
import { keepsOwnUsers } from '../config/own-store.js';
import { takeOverUsers } from '../config/take-over.js';
import type { Logger } from '../logging/logger.js';
import { openStore } from '../store/open.js';
import { systemClock } from '../time.js';

export interface OpenedAccounts {
  readonly users: UserProvider;
  readonly accounts: Accounts;
  readonly audit: AuditLog;
  close(): Promise<void>;
}

/** Throws `ConfigError` when this is only some folder: a slip must not leave a store in it. */
export function assertStarted({ config, embedded }: LoadedConfig): void {
  const { dataDir } = config.server;
  if (!embedded || existsSync(dataDir)) return;
  throw new ConfigError(
    `there is no configuration file, and no server has been started here (no ${dataDir}): name the file with -c`,
  );
}

/**
 * Opens the users of a configuration. Makes no administrator: that is for the first start.
 * Rejects with `ConfigError`, or `Error` when users or store cannot be opened.
 */
export async function openAccounts({ config }: LoadedConfig, log: Logger): Promise<OpenedAccounts> {
  const { dataDir } = config.server;
  await createDataDir(dataDir);
  const store = openStore(dataDir, { log });
  const opened: { close(): Promise<void> }[] = [store];
  const close = async (): Promise<void> => {
    for (const part of opened.splice(0).reverse()) await part.close();
  };
  try {
    // Before anything is added: users of an earlier version are imported into an empty store only.
    if (keepsOwnUsers(config)) await takeOverUsers(store, dataDir);
    const options = { config, store, clock: systemClock, log };
    const users = await openUsers(options);
    opened.push(users);
    const writes = await openUserWrites(options);
    opened.push(writes);
    const accounts = makeAccounts({
      config,
      users,
      writes,
      store,
      hasher: { verify: verifyPassword, hash: hashPassword, score: passwordScore },
      // Whether somebody reads his mail there is not for this machine to find out. Spec 02 §19.
      checkReceiver: config.api.twoFaTokenDelivery === '' ? null : () => Promise.resolve(),
      turns: makeTurns(systemClock),
    });
    const audit = directAuditLog({ store, api: config.api, clock: systemClock, log });
    return { users, accounts, audit, close };
  } catch (error) {
    await close();
    throw error;
  }
}
