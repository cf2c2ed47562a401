/** The table from what an identity provider calls a role or group to groups of users here. */

import { type RawValue, toList, toText } from './coerce.js';

export interface RoleGroups {
  /** As the provider names it. */
  readonly role: string;
  /** Never empty. */
  readonly groups: readonly string[];
}

/**
 * A TOML table `role = "Group"` or `role = ["Group", "Other"]`; from the environment one text `role=Group,role=Other`.
 * Several entries of one role add up.
 */
export function toRoleGroups(value: RawValue): readonly RoleGroups[] {
  const entries = isTable(value) ? Object.entries(value) : toList(value).map(splitPair);
  const found = new Map<string, string[]>();
  for (const [role, raw] of entries) {
    const groups = (Array.isArray(raw) ? raw : [raw]).map((group) => toText(group).trim());
    if (role.trim() === '' || groups.length === 0 || groups.includes(''))
      throw new Error(`expected a role and its group, got ${JSON.stringify(role)}`);
    found.set(role.trim(), [...(found.get(role.trim()) ?? []), ...groups]);
  }
  return [...found].map(([role, groups]) => ({ role, groups: [...new Set(groups)] }));
}

/** At the last `=`: roles may be URLs or distinguished names, names of groups seldom hold one. */
function splitPair(text: string): [role: string, group: string] {
  const at = text.lastIndexOf('=');
  if (at < 0) throw new Error(`expected role=group, got ${JSON.stringify(text)}`);
  return [text.slice(0, at), text.slice(at + 1)];
}

const isTable = (value: RawValue): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
