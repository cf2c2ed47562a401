/** Changes of the users in `api.auth_file`. Spec 02 §18.2. */

import { AppError } from '../../errors.js';
import { type ChangeOptions, changeUsersFile } from './change-users-file.js';
import type { UserEntry } from './parse-users-file.js';
import { changedEntry, newEntry } from './user-entry.js';
import { type UserWrites, unknownUserTitle, userExistsTitle } from './writes.js';

const noGroupsTitle = "The json file authentication backend doesn't support this feature.";

/**
 * Besides what `UserWrites` says, every method throws `AppError` 500 when the file cannot be read or written; the
 * reason, with the path, is in the log.
 */
export function fileUserWrites(path: string, options: ChangeOptions): UserWrites {
  const edit = (work: (entries: readonly UserEntry[]) => readonly unknown[] | null): Promise<boolean> =>
    changeUsersFile(path, work, options);
  const refuseGroups = async (): Promise<never> => {
    throw new AppError('bad_request', { title: noGroupsTitle });
  };
  return {
    async add(user) {
      await edit((entries) => {
        refuseTaken(entries, user.username);
        return [...entries.map(({ raw }) => raw), newEntry(user)];
      });
    },
    change: (username, change, onlyIf = () => true) =>
      edit((entries) => {
        const entry = entryOf(entries, username);
        if (!onlyIf(entry.user)) return null;
        if (change.username !== undefined && change.username !== username) {
          refuseTaken(entries, change.username);
        }
        return entries.map((one) => (one === entry ? changedEntry(one.raw, change) : one.raw));
      }),
    async remove(username) {
      await edit((entries) => {
        const entry = entryOf(entries, username);
        return entries.filter((one) => one !== entry).map(({ raw }) => raw);
      });
    },
    putGroup: refuseGroups,
    removeGroup: refuseGroups,
  };
}

function entryOf(entries: readonly UserEntry[], username: string): UserEntry {
  const found = entries.find(({ user }) => user.username === username);
  if (found === undefined) throw new AppError('not_found', { title: unknownUserTitle(username) });
  return found;
}

function refuseTaken(entries: readonly UserEntry[], username: string): void {
  // The file's reader takes blanks off names.
  if (entries.some(({ user }) => user.username === username.trim())) {
    throw new AppError('bad_request', { title: userExistsTitle });
  }
}
