/** What all shards of a server say. A request is a new connection, and the kernel chooses the shard it lands on. */

import { eventually } from './eventually.js';

/** At once: that all of them miss one of two shards happens once in 2 ** 15. */
const ENOUGH = 16;

/**
 * Waits until every shard says so, for what no answer promises: agents that come and go. The news of them reaches
 * the others a moment after the shard of the agent, and what one shard shows another may not show yet.
 */
export const onEveryShard = (
  what: string,
  look: () => Promise<boolean>,
  timeoutMs?: number,
): Promise<boolean> =>
  eventually(
    what,
    async () => {
      const seen = await Promise.all(Array.from({ length: ENOUGH }, look));
      return seen.every(Boolean);
    },
    timeoutMs,
  );
