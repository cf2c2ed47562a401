/** Users of `api.auth_file`. Every thread keeps its own parsed copy. Spec 02 §18.2. */

import { createHash } from 'node:crypto';
import type { Logger } from '../../logging/logger.js';
import type { Clock } from '../../time.js';
import { WatchedFile } from '../watched-file.js';
import { parseUsersFile } from './parse-users-file.js';
import type { User, UserProvider } from './provider.js';

export interface FileUsersOptions {
  readonly path: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Reads the file first. Rejects with the texts of spec 02 §18.2 when it is missing or bad. */
export async function fileUsers({ path, clock, log }: FileUsersOptions): Promise<UserProvider> {
  const file = new WatchedFile<ReadonlyMap<string, User>>({
    path,
    clock,
    parse: (text) => new Map(parseUsersFile(text).map(({ user }) => [user.username, user])),
    onBad: (error) => log.error(`Failed to reload API users: ${reason(error)}`),
  });
  const reload = async (): Promise<void> => {
    try {
      await file.reload();
    } catch (error) {
      throw new Error(reason(error as Error));
    }
    log.info(`Loaded ${file.last?.size ?? 0} users from file.`);
  };
  await reload();
  const all = async (): Promise<readonly User[]> => [...(await file.current()).values()].sort(byName);

  return {
    source: 'File',
    groupSupport: 'none',
    writable: true,
    find(username) {
      const users = file.recent();
      return users instanceof Promise ? users.then((all) => all.get(username)) : users.get(username);
    },
    findCurrent: async (username) => (await file.current()).get(username),
    decoy(username) {
      const users = [...(file.last?.values() ?? [])];
      const pick = createHash('sha256').update(username).digest().readUInt32BE(0) % Math.max(1, users.length);
      return users[pick]?.password;
    },
    all,
    groups: () => [],
    allGroups: () => [],
    groupNames: async () => [...new Set((await all()).flatMap(({ groups }) => groups ?? []))].sort(),
    reload,
    forget: () => file.forget(),
    close: () => Promise.resolve(),
  };
}

const byName = (one: User, other: User): number => (one.username < other.username ? -1 : 1);

const reason = (error: Error): string =>
  'syscall' in error ? `failed to open users file: ${error.message}` : error.message;
