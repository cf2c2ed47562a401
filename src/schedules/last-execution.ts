/** What came of the newest run of a schedule. Spec 04 §15.1. */

import type { ClientId, ScheduleId } from '../ids.js';
import type { Store } from '../store/store.js';
import type { LastExecution } from './schedule.js';

/** Rows looked at before others have their turn. */
const ROWS_PER_TURN = 200;

/** For `Turns`. `null`: no run has come to a client yet. `mayRead`: whether output of a client may be shown. */
export function* lastExecution(
  { jobs, multiJobs }: Pick<Store, 'jobs' | 'multiJobs'>,
  id: ScheduleId,
  mayRead: (client: ClientId) => boolean,
): Generator<void, LastExecution | null> {
  for (const jid of multiJobs.ofSchedule(id)) {
    const range = jobs.ofMultiJob(jid);
    let count = 0;
    let successful = 0;
    let last = null;
    for (const row of range.scan({})) {
      count += 1;
      if (row.status === 'successful') successful += 1;
      last = row;
      if (count % ROWS_PER_TURN === 0) yield;
    }
    if (last === null) continue;
    const startedAt = multiJobs.get(jid)?.startedAt;
    // Removed since it was found.
    if (startedAt === undefined) continue;
    const only = count === 1 ? last : null;
    return {
      startedAt,
      clientCount: count,
      successCount: successful,
      status: only?.status ?? null,
      summaryJson:
        only === null || only.output === null || !mayRead(only.clientId)
          ? 'null'
          : jobs.output(only, 'summary'),
    };
  }
  return null;
}
