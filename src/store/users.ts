/** Accounts of the API, where the configuration names no other place for them. Spec 02 §18. */

import type { User } from '../auth/users/provider.js';

export type UserChanged = 'changed' | 'unknown' | 'taken' | 'unwanted';

/**
 * Reads see what every thread and process has committed, and give the same object for as long as a row is the same.
 * Writes throw `AppError` 400 for a name that cannot be a key.
 */
export interface UserRepository {
  get(username: string): User | undefined;
  /** Sorted by name. */
  all(): Iterable<User>;
  isEmpty(): boolean;
  /** All of them, unless there is any user: then `false`, and nothing is written. */
  addFirst(users: readonly User[]): Promise<boolean>;
  /** `false`, and nothing is written, when the name is taken. */
  add(user: User): Promise<boolean>;
  /**
   * Absent fields stay. Nothing is written unless `changed`; `taken` is the new name, `unwanted` is what `onlyIf` said
   * of the user as he was in the transaction.
   */
  change(username: string, change: Partial<User>, onlyIf?: (present: User) => boolean): Promise<UserChanged>;
  /** `false` when there is no such user. */
  remove(username: string): Promise<boolean>;
}
