import { keepsOwnUsers, singleUser } from '../../config/own-store.js';
import { fileUserWrites } from './file-user-writes.js';
import type { OpenUsersOptions } from './open-users.js';
import { ownUserWrites } from './own-user-writes.js';
import { openSqlUsers } from './sql/open-sql-users.js';
import { staticUserWrites } from './static-user-writes.js';
import type { UserWrites } from './writes.js';

export interface OpenedUserWrites extends UserWrites {
  close(): Promise<void>;
}

/**
 * The way to change the users that `openUsers` opens; for main and the command line only, where changes come one
 * after the other. Rejects like `openUsers`.
 */
export async function openUserWrites(options: OpenUsersOptions): Promise<OpenedUserWrites> {
  const { config, store, clock, log } = options;
  const { authFile } = config.api;
  const auth = singleUser(config);
  const close = (): Promise<void> => Promise.resolve();
  if (authFile !== '') return { ...fileUserWrites(authFile, { exclusively: store.exclusively, log }), close };
  if (auth !== '') return { ...staticUserWrites(), close };
  if (keepsOwnUsers(config)) return { ...ownUserWrites(store), close };
  const { users, writes } = await openSqlUsers({ config, clock, log });
  return { ...writes, close: () => users.close() };
}
