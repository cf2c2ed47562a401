/** Groups of users, and what they allow. Spec 02 §14. */

/** What the members of a group may do. Spec 02 §14.2. */
export interface UserGroupRecord {
  readonly name: string;
  /** Names of what is granted. */
  readonly permissions: readonly string[];
  readonly tunnelsRestricted: Readonly<Record<string, unknown>> | null;
  readonly commandsRestricted: Readonly<Record<string, unknown>> | null;
}

/** Reads and writes as in `UserRepository`. */
export interface UserGroupRepository {
  get(name: string): UserGroupRecord | undefined;
  /** Sorted by name. */
  all(): Iterable<UserGroupRecord>;
  /** Adds or replaces. */
  put(group: UserGroupRecord): Promise<void>;
  /** Removes the row and takes all users out of the group, in one transaction. */
  remove(name: string): Promise<void>;
}
