/** Who may access a client. Spec 02 §16, 03 §5.2. */

import type { Principal } from '../auth/principal.js';
import type { GroupedClient, GroupIndex } from './groups/group-index.js';

/**
 * Administrators access every client, others those whose own list, or a client group's, names one of their groups
 * (case-sensitive). The function holds until a client group changes.
 */
export function accessOf(
  viewer: Pick<Principal, 'admin' | 'groups'>,
  groups: Pick<GroupIndex, 'accessOf'>,
): (client: GroupedClient) => boolean {
  if (viewer.admin) return () => true;
  const throughGroups = groups.accessOf(viewer.groups);
  return ({ record: { allowedUserGroups: allowed }, membership }) =>
    (allowed !== null && viewer.groups.some((group) => allowed.includes(group))) || throughGroups(membership);
}

/** Equal for viewers who access the same clients. */
export const visibilityKey = (viewer: Principal): string =>
  viewer.admin ? '*' : JSON.stringify([...new Set(viewer.groups)].sort());
