/**
 * Every change of users and groups, with all rules of spec 02 §9, §12 and §14: what is refused, and what else a
 * change entails for sessions and tokens. One implementation works on the sources directly (the `accounts` actor on
 * main, the command line); the other asks that actor and is what shards use.
 */

import type { Group, Restriction } from '../groups/group.js';
import type { Permission } from '../principal.js';
import type { RoleGroupChange } from './role-groups.js';

/** Absent = not given. `null` counts as absent, too. */
export interface UserInput {
  readonly username?: string;
  readonly password?: string;
  readonly passwordExpired?: boolean | null;
  readonly groups?: readonly string[] | null;
  readonly twoFaSendTo?: string;
  readonly totpSecret?: string;
}

/** A full replacement: what is absent is not granted and not restricted. */
export interface GroupInput {
  readonly permissions?: Readonly<Partial<Record<Permission, boolean>>> | null;
  readonly tunnelsRestricted?: Restriction | null;
  readonly commandsRestricted?: Restriction | null;
}

/**
 * Each method resolves when the change would survive a power loss and every thread goes by it. They throw
 * `AppError`, or `AppErrorList` with one item per broken rule (spec 02 §12.3).
 */
export interface Accounts {
  addUser(input: UserInput): Promise<void>;
  changeUser(username: string, input: UserInput): Promise<void>;
  /** Sessions and tokens go with the user. The last administrator stays (400). */
  removeUser(username: string): Promise<void>;
  /**
   * A user that a trusted proxy or an identity provider vouches for: unusable random password, groups
   * `[default_user_group]`. Nothing when he exists.
   */
  addVouchedUser(username: string): Promise<void>;
  /**
   * A password that was checked and hashed already; clears `password_expired`. With `from`, 409 when that is not the
   * stored one any more.
   */
  setPasswordHash(username: string, hash: string, from?: string): Promise<void>;
  /** Replaces `from` by a better hash of the same password; nothing when it is not `from` any more. */
  replacePasswordHash(username: string, from: string, to: string): Promise<void>;
  /** `null` removes. With `onlyIfNone`, 409 `cannot create new totP secret when another one already exists`. */
  setTotpSecret(username: string, otpauthUrl: string | null, onlyIfNone?: boolean): Promise<void>;
  /**
   * What follows for the groups of a user from his roles at an identity provider, on the groups he is in by then. The
   * last administrator stays one: resolves with whether that was so. Nothing when there is no such user.
   */
  applyRoles(username: string, change: RoleGroupChange): Promise<boolean>;
  /** Returns the stored group. */
  putGroup(name: string, input: GroupInput): Promise<Group>;
  removeGroup(name: string): Promise<void>;
}
