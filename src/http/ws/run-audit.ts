/** `execute.start` entries of runs over WebSockets: one for each target, whatever the request is like. Spec 04 §21. */

import type { AuditDraft, AuditLog } from '../../audit/audit-log.js';
import type { Target } from '../../jobs/targets.js';

/** Characters of one text of the request, over all entries; a request may have hundreds of KiB and thousands of targets. */
const OF_ALL_ENTRIES = 8 * 1024 * 1024;
/** Of one entry at least, and at most: the audit log keeps no more. */
const SHORTEST = 512;
const LONGEST = 16 * 1024;
/** Of a list; each entry names its own client anyway. */
const MOST_ITEMS = 50;
/** Entries written in one turn of the event loop, up to 50 µs each. */
const AT_ONCE = 100;

/** Resolves when they are kept, or it is logged that they could not be. Never rejects. */
export async function recordRun(
  audit: AuditLog,
  entry: Pick<AuditDraft, 'username' | 'remoteIp' | 'application' | 'affectedId'>,
  targets: readonly Target[],
  request: object,
): Promise<void> {
  const most = Math.min(LONGEST, Math.max(SHORTEST, Math.floor(OF_ALL_ENTRIES / targets.length)));
  const shown = shortened(request, most);
  for (let at = 0; at < targets.length; at += AT_ONCE) {
    await audit.record(
      targets.slice(at, at + AT_ONCE).map(({ id, hostname }) => ({
        ...entry,
        action: 'execute.start',
        clientId: id,
        clientHostname: hostname,
        request: shown,
      })),
    );
  }
}

function shortened(value: unknown, most: number): unknown {
  if (typeof value === 'string') {
    return value.length <= most ? value : `${value.slice(0, most)}… [${value.length - most} more characters]`;
  }
  if (Array.isArray(value)) {
    const kept = value.slice(0, MOST_ITEMS).map((item) => shortened(item, SHORTEST));
    return value.length <= MOST_ITEMS ? kept : [...kept, `… [${value.length - MOST_ITEMS} more]`];
  }
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, shortened(item, most)]));
}
