import type { Config } from '../config/types.js';
import type { Logger } from '../logging/logger.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time.js';
import type { AuditLog } from './audit-log.js';
import { auditContent } from './content.js';
import { notRecorded } from './not-recorded.js';

export interface DirectLogOptions {
  readonly store: Pick<Store, 'audit' | 'flushed'>;
  readonly api: Pick<Config['api'], 'enableAuditLog' | 'useIpObfuscation'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly log: Pick<Logger, 'error'>;
}

/**
 * The audit log as a command has it, beside a running server or without one: it adds its entries itself. The chain stays
 * whole, since an append reads the end of it inside of its transaction, and there is one transaction at a time over
 * all processes. Moving entries into files is left to the server.
 */
export function directAuditLog({ store, api, clock, log }: DirectLogOptions): AuditLog {
  return {
    async record(drafts) {
      if (!api.enableAuditLog || drafts.length === 0) return;
      try {
        const timestamp = clock.now();
        await store.audit.append(drafts.map((draft) => ({ ...auditContent(draft, api), timestamp })));
        await store.flushed();
      } catch (error) {
        log.error(notRecorded(drafts, error));
      }
    },
  };
}
