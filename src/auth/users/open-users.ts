/** Where the users of the configuration are. Spec 02 §18.1. */

import { keepsOwnUsers, singleUser } from '../../config/own-store.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Clock } from '../../time.js';
import { fileUsers } from './file-users.js';
import { ownUsers } from './own-users.js';
import type { UserProvider } from './provider.js';
import { openSqlUsers } from './sql/open-sql-users.js';
import { staticUsers } from './static-users.js';

export interface OpenUsersOptions {
  readonly config: Config;
  /** Stays open while the users are in use. */
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The users of one thread: of `auth_file`, before `auth`, before `auth_user_table`, else of the own store.
 * Rejects with `Error` when they cannot be read.
 */
export async function openUsers(options: OpenUsersOptions): Promise<UserProvider> {
  const { config, store, clock, log } = options;
  const { authFile } = config.api;
  const auth = singleUser(config);
  if (authFile !== '') return fileUsers({ path: authFile, clock, log });
  if (auth !== '') return staticUsers(auth);
  if (keepsOwnUsers(config)) return ownUsers(store);
  return (await openSqlUsers({ config, clock, log })).users;
}
