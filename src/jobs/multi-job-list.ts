/** The list of multi-jobs. Spec 04 §9.3. */

import type { StoredColumns, StoredTable } from '../query/stored.js';
import type { ListSupport } from '../query/types.js';
import type { MultiJobRepository } from '../store/multi-jobs.js';
import type { MultiJobSummary } from './multi-job.js';

export const multiJobListSupport: ListSupport = {
  sorts: ['jid', 'started_at', 'created_by', 'schedule_id'],
  filters: [
    'jid',
    'created_by',
    'schedule_id',
    'started_at[gt]',
    'started_at[lt]',
    'started_at[since]',
    'started_at[until]',
  ],
  page: { defaultLimit: 100, maxLimit: 1000 },
};

const columns: StoredColumns<MultiJobSummary> = {
  jid: { kind: 'text', read: ({ jid }) => jid },
  created_by: { kind: 'text', read: ({ createdBy }) => createdBy },
  schedule_id: { kind: 'text', read: ({ scheduleId }) => scheduleId },
  started_at: { kind: 'instant', read: ({ startedAt }) => startedAt },
};

/** For `listStored`. */
export const multiJobTable = (multiJobs: MultiJobRepository): StoredTable<MultiJobSummary> => ({
  columns,
  scan: (part) => multiJobs.scan(part),
  count: () => multiJobs.count(),
});
