/** Messages of the `audit` actor: one, on main, the only one of a server that writes the audit log. */

import type { AuditContent } from '../../audit/entry.js';
import type { ActorRef } from '../runtime/types.js';

export const auditRef: ActorRef = { kind: 'audit', id: 'main' };

export type AuditMessage =
  /** Reply, without a value, when the entries would survive a power loss. They get one time stamp. */
  | { readonly type: 'record'; readonly contents: readonly AuditContent[] }
  /** The settings may have changed. */
  | { readonly type: 'settings' };
