/** Users in the server's own store: what it goes by when the configuration names no other place. */

import type { Store } from '../../store/store.js';
import { Decoys, SAMPLE } from './decoys.js';
import { toGroup } from './group-row.js';
import type { User, UserProvider } from './provider.js';

/** Nothing is remembered here: a read costs microseconds and sees every thread and process. */
export function ownUsers({ users, userGroups }: Pick<Store, 'users' | 'userGroups'>): UserProvider {
  let decoys = new Decoys(sampleOf(users));
  const find = (username: string): User | undefined => {
    const user = users.get(username);
    decoys.seen(username, user);
    return user;
  };
  return {
    source: 'DB',
    groupSupport: 'details',
    writable: true,
    find,
    findCurrent: find,
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
    decoy(username) {
      const known = decoys.for(username);
      if (known !== undefined) return known;
      decoys = new Decoys(sampleOf(users));
      return decoys.for(username);
    },
    reload: () => Promise.resolve(),
    forget: () => undefined,
    close: () => Promise.resolve(),
  };
}

function sampleOf(users: Store['users']): ReadonlyMap<string, string> {
  const sample = new Map<string, string>();
  for (const { username, password } of users.all()) {
    if (sample.size === SAMPLE) break;
    sample.set(username, password);
  }
  return sample;
}
