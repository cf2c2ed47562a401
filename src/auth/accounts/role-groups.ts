/** Groups of a user that follow what an identity provider says about him. Spec 02 §20.8, `role_group_map`. */

export interface RoleGroupChange {
  /** Groups he is to be in. */
  readonly held: readonly string[];
  /** All groups that follow the provider: he is in no other of them. Groups beyond are left alone. */
  readonly managed: readonly string[];
}

/** The groups afterwards; `null` when they are what they were. */
export function groupsAfter(
  present: readonly string[],
  { held, managed }: RoleGroupChange,
): readonly string[] | null {
  const kept = present.filter((group) => held.includes(group) || !managed.includes(group));
  const gained = held.filter((group) => !present.includes(group));
  return gained.length === 0 && kept.length === present.length ? null : [...kept, ...gained];
}
