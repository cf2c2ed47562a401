import { oneLine } from '../logging/one-line.js';
import type { AuditDraft } from './audit-log.js';

/** A line that tells at least that much of entries that could not be kept. */
export function notRecorded(drafts: readonly AuditDraft[], error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return oneLine(`auditlog: ${reason}; maybe not recorded: ${drafts.map(named).join(', ')}`);
}

const named = ({ application, action, affectedId = '', username = '' }: AuditDraft): string =>
  `${application} ${action} ${JSON.stringify(affectedId.slice(0, 100))} by ${JSON.stringify(username.slice(0, 100))}`;
