import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import { fileUsers } from './file-users.js';
import type { UserProvider } from './provider.js';
import { staticUsers } from './static-users.js';

export interface OpenUsersOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The configured users, `auth_file` before `auth`; database tables are not served here. Spec 02 §18.1.
 * Rejects with `Error` when none is configured or they cannot be read.
 */
export async function openUsers({ config, clock, log }: OpenUsersOptions): Promise<UserProvider> {
  const { auth, authFile } = config.api;
  if (authFile !== '') return fileUsers({ path: authFile, clock, log });
  if (auth !== '') return staticUsers(auth);
  throw new Error("authentication must be enabled: set either 'auth', 'auth_file' or 'auth_user_table'");
}
