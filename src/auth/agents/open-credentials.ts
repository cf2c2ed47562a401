import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import type { CredentialSource } from './credential-source.js';
import { fileCredentials } from './file-credentials.js';
import { staticCredentials } from './static-credentials.js';

/**
 * The configured source of agent credentials; `auth_table` is not served here.
 * Throws `Error` when none is configured.
 */
export function openCredentials(config: Config, clock: Clock, log: Logger): CredentialSource {
  const { clientAuth, authFile } = config.server;
  if (authFile !== '') return fileCredentials({ path: authFile, clock, log });
  if (clientAuth !== null) return staticCredentials(clientAuth);
  throw new Error("client authentication must be enabled: set either 'auth', 'auth_file' or 'auth_table'");
}
