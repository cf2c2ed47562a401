/** The first start: data directory, secrets, and credentials when nobody configured any. */

import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ConfigError, reasonOf } from './config-error.js';
import { ADMIN_NAME, keepAdminUser, keepAgentCredential } from './first-credentials.js';
import type { LoadedConfig } from './load.js';
import { keepSecrets } from './secrets-file.js';
import type { ClientAuth, Config } from './types.js';

const AGENT_FILE = 'client-auth.json';
const USERS_FILE = 'api-users.json';

export interface PreparedConfig {
  /** Complete: seeds and files filled in. */
  readonly config: Config;
  /** To be shown once; `null` unless this start made the administrator. */
  readonly newAdmin: { readonly username: string; readonly password: string } | null;
  /**
   * A credential for the agent command line shown at start, when this server keeps the credentials itself or
   * has one static pair; `null` with an operator's file.
   */
  readonly agentCredential: ClientAuth | null;
}

/**
 * Creates the data directory (mode 0700) and everything missing in it; later starts reuse what is there. When
 * the promise resolves, all of it is on disk.
 * @throws ConfigError with the text for stderr
 */
export async function prepareDataDir(
  loaded: Pick<LoadedConfig, 'config' | 'embedded'>,
): Promise<PreparedConfig> {
  let { server, api } = loaded.config;
  const { dataDir } = server;
  await createFolder(dataDir);
  if (server.keySeed === '' || api.jwtSecret === '') {
    const secrets = await written(() => keepSecrets(dataDir));
    server = { ...server, keySeed: server.keySeed === '' ? secrets.keySeed : server.keySeed };
    api = { ...api, jwtSecret: api.jwtSecret === '' ? secrets.tokenSecret : api.jwtSecret };
  }
  let agentCredential = server.clientAuth;
  if (loaded.embedded && server.auth === '' && server.authFile === '' && server.authTable === '') {
    const authFile = join(dataDir, AGENT_FILE);
    agentCredential = await written(() => keepAgentCredential(authFile));
    server = { ...server, authFile };
  }
  let newAdmin: PreparedConfig['newAdmin'] = null;
  const noUsers = api.auth === '' && api.authFile === '' && api.authUserTable === '';
  if (loaded.embedded && api.address !== '' && noUsers) {
    const authFile = join(dataDir, USERS_FILE);
    const password = await written(() => keepAdminUser(authFile));
    newAdmin = password === null ? null : { username: ADMIN_NAME, password };
    api = { ...api, authFile };
  }
  return { config: { ...loaded.config, server, api }, newAdmin, agentCredential };
}

async function createFolder(path: string): Promise<void> {
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
