import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/store.js';
import type { Clock } from '../../time.js';
import type { CredentialSource } from './credential-source.js';
import { fileCredentials } from './file-credentials.js';
import { ownCredentials } from './own-credentials.js';
import { openSqlCredentials } from './sql-credentials.js';
import { staticCredentials } from './static-credentials.js';

export interface OpenCredentialsOptions {
  readonly config: Config;
  /** Stays open while the credentials are in use. */
  readonly store: Pick<Store, 'agentCredentials' | 'exclusively' | 'flushed'>;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * The credentials of agents: of `auth_file`, before `auth`, before `auth_table`, else of the own store.
 * Rejects with `Error` when they cannot be opened.
 */
export async function openCredentials(options: OpenCredentialsOptions): Promise<CredentialSource> {
  const { config, store, clock, log } = options;
  const { clientAuth, authFile, authTable } = config.server;
  if (authFile !== '') return fileCredentials({ path: authFile, exclusively: store.exclusively, clock, log });
  if (clientAuth !== null) return staticCredentials(clientAuth);
  if (authTable !== '') return openSqlCredentials({ config, clock, log });
  return ownCredentials(store);
}
