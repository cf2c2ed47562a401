import type { AuditLog } from '../../audit/audit-log.js';
import { auditContent } from '../../audit/content.js';
import { notRecorded } from '../../audit/not-recorded.js';
import type { Config } from '../../config/types.js';
import type { Logger } from '../../logging/logger.js';
import type { Milliseconds } from '../../time.js';
import { askActor } from '../ask.js';
import type { ActorSystem } from '../runtime/types.js';
import { type AuditMessage, auditRef } from './messages.js';

/** A flush takes milliseconds; a disk that needs this long keeps callers waiting for nothing. */
const TIMEOUT: Milliseconds = 10_000;

export interface RemoteAuditOptions {
  readonly system: ActorSystem;
  /** Read again for every entry. */
  readonly api: Pick<Config['api'], 'enableAuditLog' | 'useIpObfuscation'>;
  readonly log: Pick<Logger, 'error'>;
}

/** The audit log as every thread uses it, main too. */
export function remoteAudit({ system, api, log }: RemoteAuditOptions): AuditLog {
  return {
    async record(drafts) {
      if (!api.enableAuditLog || drafts.length === 0) return;
      try {
        const message: AuditMessage = {
          type: 'record',
          contents: drafts.map((draft) => auditContent(draft, api)),
        };
        await askActor(system, auditRef, message, TIMEOUT, 'the audit log has been closed');
      } catch (error) {
        log.error(notRecorded(drafts, error));
      }
    },
  };
}
