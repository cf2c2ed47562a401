/** Users and their groups in the own store of a server that has not been started yet. */

import { hashPassword } from '../../src/auth/passwords/hash.js';
import { openStore } from '../../src/store/open.js';
import { MemoryLogger } from './memory-logger.js';

/** Of everybody. */
export const PASSWORD = 'password-of-the-tests';

export interface GroupRights {
  readonly permissions: readonly string[];
  readonly tunnelsRestricted?: Readonly<Record<string, unknown>>;
  readonly commandsRestricted?: Readonly<Record<string, unknown>>;
}

/** @param users groups by user name; @param groups rights by group name */
export async function storePeople(
  dataDir: string,
  users: Readonly<Record<string, readonly string[]>>,
  groups: Readonly<Record<string, GroupRights>>,
): Promise<void> {
  const store = openStore(dataDir, { log: new MemoryLogger() });
  const password = await hashPassword(PASSWORD);
  await store.users.addFirst(
    Object.entries(users).map(([username, names]) => ({
      username,
      password,
      passwordExpired: false,
      groups: names,
      twoFaSendTo: '',
      totpSecret: '',
    })),
  );
  for (const [name, rights] of Object.entries(groups)) {
    const { permissions, tunnelsRestricted = null, commandsRestricted = null } = rights;
    await store.userGroups.put({ name, permissions, tunnelsRestricted, commandsRestricted });
  }
  await store.close();
}
