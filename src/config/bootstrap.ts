/** The first start: data directory, secrets, and credentials when nobody configured any. */

import { mkdir, stat } from 'node:fs/promises';
import type { Logger } from '../logging/logger.js';
import { stderrLogger } from '../logging/stderr-logger.js';
import { openStore } from '../store/open.js';
import type { Store } from '../store/store.js';
import { ConfigError, reasonOf } from './config-error.js';
import {
  type AgentLine,
  adminWasShown,
  keepAdministrator,
  keepAgentCredential,
  type NewAdmin,
} from './first-credentials.js';
import type { LoadedConfig } from './load.js';
import { keepsOwnCredentials, keepsOwnUsers } from './own-store.js';
import { keepSecrets } from './secrets-file.js';
import { takeOverCredentials, takeOverUsers } from './take-over.js';
import type { Config } from './types.js';

export interface PreparedConfig {
  /** Complete: secrets filled in. */
  readonly config: Config;
  /** To be shown once; `null` unless this start made the administrator. */
  readonly newAdmin: NewAdmin | null;
  /** To be called when `newAdmin` was shown: until then every start gives the administrator another password. */
  adminWasShown(): Promise<void>;
  /**
   * A credential for the agent command line shown at start: the first one of the own store, or the static pair;
   * `null` with an operator's file or table.
   */
  readonly agentCredential: AgentLine | null;
}

/**
 * Creates the data directory (mode 0700) and everything missing in it; later starts reuse what is there. When
 * the promise resolves, all of it is on disk. What goes wrong on the way without stopping it is in the log.
 * @throws ConfigError with the text for stderr, `Error` when the store cannot be used
 */
export async function prepareDataDir(
  loaded: Pick<LoadedConfig, 'config'>,
  log: Logger = stderrLogger(),
): Promise<PreparedConfig> {
  let { server, api } = loaded.config;
  const { dataDir } = server;
  await createDataDir(dataDir);
  if (server.keySeed === '' || api.jwtSecret === '') {
    const secrets = await written(() => keepSecrets(dataDir));
    server = { ...server, keySeed: server.keySeed === '' ? secrets.keySeed : server.keySeed };
    api = { ...api, jwtSecret: api.jwtSecret === '' ? secrets.tokenSecret : api.jwtSecret };
  }
  const config = { ...loaded.config, server, api };
  const [agentCredential, newAdmin] = await ownCredentials(config, log);
  return {
    config,
    newAdmin,
    agentCredential,
    async adminWasShown() {
      if (newAdmin !== null) await withStore(dataDir, log, adminWasShown);
    },
  };
}

async function ownCredentials(
  config: Config,
  log: Logger,
): Promise<[agent: AgentLine | null, admin: NewAdmin | null]> {
  const { dataDir } = config.server;
  const clientAuth = config.server.clientAuth && { ...config.server.clientAuth, isNew: false };
  const agents = keepsOwnCredentials(config);
  const users = keepsOwnUsers(config) && config.api.address !== '';
  if (!agents && !users) return [clientAuth, null];
  return withStore(dataDir, log, async (store) => {
    if (agents) await takeOverCredentials(store, dataDir, log);
    if (users) await takeOverUsers(store, dataDir);
    return [
      agents ? await keepAgentCredential(store) : clientAuth,
      users ? await keepAdministrator(store) : null,
    ];
  });
}

async function withStore<Result>(
  dataDir: string,
  log: Logger,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  const store = openStore(dataDir, { log });
  try {
    return await use(store);
  } finally {
    await store.close();
  }
}

/** @throws ConfigError */
export async function createDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
    if (!(await stat(path)).isDirectory()) throw new Error('not a directory');
  } catch (thrown) {
    throw new ConfigError(`failed to create data dir ${JSON.stringify(path)}: ${reasonOf(thrown)}`);
  }
}

async function written<T>(step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    if (thrown instanceof ConfigError) throw thrown;
    throw new ConfigError(`can't write to the data directory: ${reasonOf(thrown)}`);
  }
}
