/** Credentials that an earlier version kept in JSON files of the data directory move to the store. */

import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { parseCredentials } from '../auth/agents/file-credentials.js';
import { parseUsersFile } from '../auth/users/parse-users-file.js';
import { codeOf } from '../file-error.js';
import type { Logger } from '../logging/logger.js';
import type { Store } from '../store/store.js';
import { ConfigError, reasonOf } from './config-error.js';
import { flushFolder } from './flush-folder.js';

const USERS_FILE = 'api-users.json';
const CREDENTIALS_FILE = 'client-auth.json';
const DONE = '.imported';

/**
 * Imports `api-users.json` when the store has no users yet, and renames it. A crash in between is made good by the
 * next call. Resolves when all of it would survive a power loss.
 * @throws ConfigError when the file cannot be used; everything is as before then
 */
export function takeOverUsers(store: Store, dataDir: string): Promise<void> {
  return takeOver(store, join(dataDir, USERS_FILE), {
    isWanted: () => store.users.isEmpty(),
    add: (text) => store.users.addFirst(parseUsersFile(text).map(({ user }) => user)),
  });
}

/** Like `takeOverUsers`, for `client-auth.json`. */
export function takeOverCredentials(store: Store, dataDir: string, log: Logger): Promise<void> {
  return takeOver(store, join(dataDir, CREDENTIALS_FILE), {
    isWanted: () => store.agentCredentials.isEmpty(),
    add: (text) =>
      store.agentCredentials.addFirst(
        Array.from(parseCredentials(text, log), ([id, password]) => ({ id, password })),
      ),
  });
}

interface Destination {
  /** Whether nothing is there yet. */
  isWanted(): boolean;
  add(text: string): Promise<unknown>;
}

async function takeOver(store: Store, path: string, { isWanted, add }: Destination): Promise<void> {
  const text = await readFile(path, 'utf8').catch((thrown) => {
    if (codeOf(thrown) === 'ENOENT') return null;
    throw new ConfigError(`can't read ${path}: ${reasonOf(thrown)}`);
  });
  if (text === null) return;
  // Tells the file that was imported before a crash from one that somebody put there later.
  const mark = `imported ${basename(path)}`;
  const digest = createHash('sha256').update(text).digest('hex');
  if (isWanted()) {
    try {
      await store.settings.put(mark, digest);
      await add(text);
    } catch (thrown) {
      throw new ConfigError(`can't import ${path}: ${reasonOf(thrown)}`);
    }
  } else if (store.settings.get(mark) !== digest) return;
  await store.flushed();
  await rename(path, path + DONE).catch((thrown) => {
    // Another process has taken it over at the same time.
    if (codeOf(thrown) !== 'ENOENT') throw new ConfigError(`can't rename ${path}: ${reasonOf(thrown)}`);
  });
  await flushFolder(dirname(path));
}
