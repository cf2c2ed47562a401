/**
 * Users of the API and their groups: the writing side. Only `Accounts` uses it, one change after the other in the
 * whole process; it has checked the change. Every method resolves when the change would survive a power loss.
 */

import type { Group } from '../groups/group.js';
import type { User } from './provider.js';

/** Absent fields stay as they are. */
export type UserChange = Partial<User>;

/**
 * Whether a user may be changed, by the secrets he has in that moment: he may be another one than he was a moment ago,
 * because others change files and tables as well.
 */
export type OnlyIf = (present: Pick<User, 'password' | 'totpSecret'>) => boolean;

export interface UserWrites {
  /** Throws `AppError` 400 `Another user with this username already exists`. */
  add(user: User): Promise<void>;
  /**
   * Also renames. Resolves with `false`, and nothing is written, when `onlyIf` says no. Throws `AppError` 404 `cannot
   * find user by username 'x'`, 400 when the new name is taken.
   */
  change(username: string, change: UserChange, onlyIf?: OnlyIf): Promise<boolean>;
  /** Memberships go with the user. Throws `AppError` 404. */
  remove(username: string): Promise<void>;
  /** Adds or replaces a row. Throws `AppError` 400 where there are none (spec 02 §14.3). */
  putGroup(group: Group): Promise<void>;
  /** Removes row and memberships; nothing when unknown. Throws like `putGroup`. */
  removeGroup(name: string): Promise<void>;
}

export const userExistsTitle = 'Another user with this username already exists';
export const unknownUserTitle = (username: string): string => `cannot find user by username '${username}'`;
