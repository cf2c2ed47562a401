/** Users in the server's own store: what it goes by when the configuration names no other place. */

import type { Store } from '../../store/types.js';
import { toGroup } from './group-row.js';
import type { UserProvider } from './provider.js';

/** Nothing is remembered here: a read costs microseconds and sees every thread and process. */
export function ownUsers({ users, userGroups }: Pick<Store, 'users' | 'userGroups'>): UserProvider {
  return {
    source: 'DB',
    groupSupport: 'details',
    writable: true,
    find: (username) => users.get(username),
    findCurrent: (username) => users.get(username),
    all: () => [...users.all()],
    groups: (names) =>
      names.flatMap((name) => {
        const row = userGroups.get(name);
        return row === undefined ? [] : [toGroup(row)];
      }),
    allGroups: () => Array.from(userGroups.all(), toGroup),
    groupNames() {
      const names = new Set(Array.from(userGroups.all(), ({ name }) => name));
      for (const { groups } of users.all()) for (const name of groups ?? []) names.add(name);
      return [...names].sort();
    },
    decoy: (username) => users.near(username)?.password,
    reload: () => Promise.resolve(),
    forget: () => undefined,
    close: () => Promise.resolve(),
  };
}
