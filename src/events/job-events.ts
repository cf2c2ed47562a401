/** Telling of jobs that begin and end. One per thread. */

import type { ClientId } from '../ids.js';
import type { JobWatcher } from '../store/jobs.js';
import type { EventClient } from './event.js';
import type { Events, Recorded } from './events.js';

export interface JobEvents {
  /**
   * Makes a change of stored jobs and tells of it when it is committed. The queues of webhooks change in the same
   * transaction, so that there is never the one without the other.
   */
  telling<Result>(change: (watcher: JobWatcher) => Promise<Result>): Promise<Result>;
}

/** @param clientOf nobody is told of jobs whose client is gone */
export function createJobEvents(
  events: Events,
  clientOf: (id: ClientId) => EventClient | undefined,
): JobEvents {
  let due: Recorded[] = [];
  const tellDue = (): void => {
    const all = due;
    due = [];
    events.tell(all);
  };
  // One transaction has many jobs, whose changes all go on in a row after its commit. Before anything else does.
  const tell = (recorded: readonly Recorded[]): void => {
    if (due.length === 0) queueMicrotask(tellDue);
    due.push(...recorded);
  };

  return {
    async telling(change) {
      const recorded: Recorded[] = [];
      const result = await change((what, job) => {
        const client = clientOf(job.clientId);
        if (client !== undefined) recorded.push(events.record(client, [{ type: `job.${what}`, job }]));
      });
      if (recorded.length === 0) return result;
      await Promise.all(recorded.map(({ committed }) => committed));
      tell(recorded);
      return result;
    },
  };
}
