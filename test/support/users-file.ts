/** Users in a file, for a server that has not been started yet. Groups have no rights there: everybody may everything. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { hashPassword } from '../../src/auth/passwords/hash.js';
import { PASSWORD } from './store-people.js';

export { PASSWORD };

const NAME = 'users.json';

/** Settings with which a server goes by it, and lets nobody wait after a wrong password. */
export const apiOfUsersFile = {
  auth: null,
  auth_file: NAME,
  user_login_wait: 0,
  max_failed_login: 0,
} as const;

/** @param users groups by user name */
export async function writeUsersFile(
  folder: string,
  users: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const password = await hashPassword(PASSWORD);
  const rows = Object.entries(users).map(([username, groups]) => ({
    username,
    password,
    ...(groups.length > 0 && { groups }),
  }));
  writeFileSync(join(folder, NAME), JSON.stringify(rows));
}
