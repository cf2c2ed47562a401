/** Table `users`: accounts of the API. Every change is one transaction, whoever else changes something meanwhile. */

import type { User } from '../auth/users/provider.js';
import type { Logger } from '../logging/logger.js';
import { committed } from './commit.js';
import { checkKeyText, isKeyText } from './key.js';
import { ParsedRows } from './parsed-rows.js';
import type { OpenedTables } from './tables.js';
import { decodeUser, encodeUser } from './user-codec.js';
import type { UserChanged, UserRepository } from './users.js';

export function createUserRepository({ users }: OpenedTables, log: Logger): UserRepository {
  const rows = new ParsedRows(users, decodeUser, log);
  const isTaken = (username: string): boolean => users.get(username) !== undefined;
  const put = (user: User): void => {
    users.put(user.username, encodeUser(user));
  };
  /** Runs `work` in a transaction. It decides before it writes: a throw would not undo what it wrote. */
  const transaction = async <Result>(work: () => Result): Promise<Result | undefined> => {
    let result: Result | undefined;
    await committed(
      users.transaction(() => {
        result = work();
      }),
    );
    return result;
  };

  return {
    get: (username) => rows.get(username),
    all: () => rows.all(),

    isEmpty() {
      users.resetReadTxn();
      return isEmpty();
    },

    async addFirst(first) {
      for (const { username } of first) checkKeyText(username);
      const added = await transaction(() => {
        if (!isEmpty()) return false;
        first.forEach(put);
        return true;
      });
      return added === true;
    },

    async add(user) {
      checkKeyText(user.username);
      const added = await transaction(() => {
        if (isTaken(user.username)) return false;
        put(user);
        return true;
      });
      return added === true;
    },

    async change(username, change, onlyIf = () => true) {
      if (!isKeyText(username)) return 'unknown';
      if (change.username !== undefined) checkKeyText(change.username);
      const changed = await transaction((): UserChanged => {
        const old = rows.inTransaction(username);
        if (old === undefined) return 'unknown';
        if (!onlyIf(old)) return 'unwanted';
        const next = { ...old, ...change };
        if (next.username !== username) {
          if (isTaken(next.username)) return 'taken';
          users.remove(username);
        }
        put(next);
        return 'changed';
      });
      return changed ?? 'unknown';
    },

    async remove(username) {
      if (!isKeyText(username)) return false;
      const removed = await transaction(() => {
        if (!isTaken(username)) return false;
        users.remove(username);
        return true;
      });
      return removed === true;
    },
  };

  function isEmpty(): boolean {
    for (const _ of users.getKeys({ limit: 1 })) return false;
    return true;
  }
}
