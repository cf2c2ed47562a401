/** Users of the API and their groups, wherever they are kept: the reading side. Spec 02 §12, §14 and §18. */

import type { Group } from '../groups/group.js';

export interface User {
  readonly username: string;
  /** A password hash, or the password itself where a source allows that. Never leaves this process. */
  readonly password: string;
  readonly passwordExpired: boolean;
  /** Without duplicates; `null` when the source has none. */
  readonly groups: readonly string[] | null;
  readonly twoFaSendTo: string;
  /** `otpauth` URL; blank = none. Never leaves this process. */
  readonly totpSecret: string;
}

/** As `GET /status` shows it. The server's own store is a database to callers. */
export type UsersSource = 'Static Credentials' | 'File' | 'DB';

/** Whether this source keeps rows for groups. Spec 02 §14.3. */
export type GroupSupport =
  /** Rows with permissions and restrictions; only then are function permissions enforced. */
  | 'details'
  /** Memberships only: a database without `auth_group_details_table`. */
  | 'memberships'
  /** Lists of names on the users only: the file, the single user. */
  | 'none';

/**
 * One per thread. What it answers may be up to a second old unless said otherwise; an answer that needs nothing
 * read comes at once. Every method rejects or throws when the source cannot be read.
 */
export interface UserProvider {
  readonly source: UsersSource;
  readonly groupSupport: GroupSupport;
  /** `false`: nothing can be changed (the single user). */
  readonly writable: boolean;
  /** The user of that name, as the source spells it; exact unless the collation of a database says otherwise. */
  find(username: string): User | undefined | Promise<User | undefined>;
  /** Like `find`, but never old: for checking a password or a code. */
  findCurrent(username: string): User | undefined | Promise<User | undefined>;
  /** Never old; sorted by name. */
  all(): readonly User[] | Promise<readonly User[]>;
  /** Rows of these groups, as far as there are any; empty unless `groupSupport` is `details`. */
  groups(names: readonly string[]): readonly Group[] | Promise<readonly Group[]>;
  /** Never old: all rows, sorted by name. */
  allGroups(): readonly Group[] | Promise<readonly Group[]>;
  /** Never old: names of rows and of groups that users are in, sorted, without duplicates. */
  groupNames(): readonly string[] | Promise<readonly string[]>;
  /**
   * A stored password whose check costs what a check of this unknown user's would, were he known; `undefined`
   * when there are no users. Always the same for the same name.
   */
  decoy(username: string): string | undefined;
  /** Reads the source anew (SIGUSR1). Rejects when it is bad; the old users stay in force. */
  reload(): Promise<void>;
  /** Another thread has changed something: nothing remembered may be answered any more. */
  forget(): void;
  close(): Promise<void>;
}

/** Refusal of every change of the static user. */
export const staticUserTitle = "The single user authentication doesn't support this operation.";
