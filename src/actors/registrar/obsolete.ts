/** When a disconnected client is no longer known. Spec 01 §12.4, 03 §5.5. */

import type { ServerConfig } from '../../config/types.js';
import type { Milliseconds } from '../../time.js';

export type RetentionPolicy = Pick<ServerConfig, 'purgeDisconnectedClients' | 'keepDisconnectedClients'>;

/** @param disconnectedAt `null` = connected, never obsolete */
export function isObsolete(
  disconnectedAt: Milliseconds | null,
  policy: RetentionPolicy,
  now: Milliseconds,
): boolean {
  if (!policy.purgeDisconnectedClients || disconnectedAt === null) return false;
  return disconnectedAt + policy.keepDisconnectedClients < now;
}
