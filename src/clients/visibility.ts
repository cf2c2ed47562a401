/** Who may access a client. Spec 03 §5.2; client groups come with their own issue. */

import type { Principal } from '../auth/principal.js';
import type { ClientRecord } from './record.js';

/** Administrators access every client, others those whose list names one of their groups (case-sensitive). */
export function isVisible(record: Pick<ClientRecord, 'allowedUserGroups'>, viewer: Principal): boolean {
  if (viewer.admin) return true;
  const allowed = record.allowedUserGroups;
  return allowed !== null && viewer.groups.some((group) => allowed.includes(group));
}

/** Equal for viewers who access the same clients. */
export const visibilityKey = (viewer: Principal): string =>
  viewer.admin ? '*' : JSON.stringify([...new Set(viewer.groups)].sort());
