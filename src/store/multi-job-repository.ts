/** Tables `multi_jobs` and `multi_jobs_by_start`; both change in one transaction. Spec 04 §9. */

import { jsonText } from '../go/json-text.js';
import { jobId, scheduleId } from '../ids.js';
import type { MultiJob } from '../jobs/multi-job.js';
import type { Logger } from '../logging/logger.js';
import { decodeMultiJob, encodeMultiJob, LONGEST_INLINE, startOf } from './job-codec.js';
import { rangeOf, secondOf } from './job-retention.js';
import { isKeyText } from './key.js';
import type { MultiJobRepository } from './multi-jobs.js';
import type { OpenedTables } from './tables.js';
import type { TransactionBatch } from './transaction-batch.js';

export function createMultiJobRepository(
  { multiJobs, multiJobsByStart, multiJobsBySchedule, jobTexts }: OpenedTables,
  batch: TransactionBatch,
  log: Pick<Logger, 'error'>,
): MultiJobRepository {
  const read = (jid: string) => {
    const text = multiJobs.get(jid);
    const row = text === undefined ? undefined : decodeMultiJob(jid, text);
    if (text !== undefined && row === undefined) {
      log.error(`multi-job ${JSON.stringify(jid)}: the row is unreadable, skipped`);
    }
    return row;
  };

  return {
    get(jid) {
      if (!isKeyText(jid)) return undefined;
      multiJobs.resetReadTxn();
      const row = read(jid);
      if (row === undefined) return undefined;
      const command = row.command ?? (JSON.parse(jobTexts.get([jid, 'command']) ?? '""') as string);
      return { ...row, command } satisfies MultiJob;
    },

    put: (multiJob) =>
      batch.run(() => {
        const { jid, command, startedAt, scheduleId } = multiJob;
        const before = read(jid);
        if (before !== undefined) multiJobsByStart.remove([secondOf(before.startedAt), jid]);
        const text = jsonText(command);
        const apart = Buffer.byteLength(text) > LONGEST_INLINE;
        if (apart) jobTexts.put([jid, 'command'], text);
        multiJobs.put(jid, encodeMultiJob({ ...multiJob, command: apart ? null : command }));
        multiJobsByStart.put([secondOf(startedAt), jid], '');
        if (scheduleId !== null) multiJobsBySchedule.put([scheduleId, startOf({ startedAt }), jid], '');
      }),

    *scan({ offset, limit }) {
      multiJobsByStart.resetReadTxn();
      const part = { ...(offset !== undefined && { offset }), ...(limit !== undefined && { limit }) };
      for (const [, jid] of multiJobsByStart.getKeys({ snapshot: false, ...part })) {
        const row = read(jid);
        if (row !== undefined) yield row;
      }
    },

    count() {
      multiJobsByStart.resetReadTxn();
      return multiJobsByStart.getKeysCount({});
    },

    *ofSchedule(id) {
      if (!isKeyText(id)) return;
      multiJobsBySchedule.resetReadTxn();
      for (const [, , jid] of multiJobsBySchedule.getKeys({ ...rangeOf(id), snapshot: false })) {
        yield jobId(jid);
      }
    },

    *scheduleIds() {
      multiJobsBySchedule.resetReadTxn();
      for (let after: object = {}; ; ) {
        const [next] = [...multiJobsBySchedule.getKeys({ ...after, limit: 1 })];
        if (next === undefined) return;
        yield scheduleId(next[0]);
        // Each is one seek, however many multi-jobs it has.
        after = { start: rangeOf(next[0]).end };
      }
    },
  };
}
