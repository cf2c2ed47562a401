import type { ClientGroup } from './group.js';

/** Whether two states of a group say the same, whatever the order of keys. */
export function sameGroup(one: ClientGroup, other: ClientGroup): boolean {
  return JSON.stringify(plain(one)) === JSON.stringify(plain(other));
}

const plain = ({ id, description, params, allowedUserGroups }: ClientGroup): unknown => [
  id,
  description,
  Object.entries(params).sort(([left], [right]) => (left < right ? -1 : 1)),
  allowedUserGroups,
];
