/** Changes of users and groups in the server's own store. */

import { AppError } from '../../errors.js';
import type { Store } from '../../store/store.js';
import { toGroupRow } from './group-row.js';
import { type UserWrites, unknownUserTitle, userExistsTitle } from './writes.js';

/** Names that cannot be stored are refused with 400, too. */
export function ownUserWrites(store: Pick<Store, 'users' | 'userGroups' | 'flushed'>): UserWrites {
  const { users, userGroups } = store;
  return {
    async add(user) {
      if (!(await users.add(user))) throw userExists();
      await store.flushed();
    },
    async change(username, change, onlyIf) {
      switch (await users.change(username, change, onlyIf)) {
        case 'unknown':
          throw unknownUser(username);
        case 'taken':
          throw userExists();
        case 'unwanted':
          return false;
        case 'changed':
          await store.flushed();
          return true;
      }
    },
    async remove(username) {
      if (!(await users.remove(username))) throw unknownUser(username);
      await store.flushed();
    },
    async putGroup(group) {
      await userGroups.put(toGroupRow(group));
      await store.flushed();
    },
    async removeGroup(name) {
      await userGroups.remove(name);
      await store.flushed();
    },
  };
}

const userExists = (): AppError => new AppError('bad_request', { title: userExistsTitle });
const unknownUser = (username: string): AppError =>
  new AppError('not_found', { title: unknownUserTitle(username) });
