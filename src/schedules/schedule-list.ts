/** The list of schedules. Spec 04 §15.3. */

import type { StoredColumns, StoredTable } from '../query/stored.js';
import type { ListSupport } from '../query/types.js';
import type { ScheduleRepository } from '../store/schedules.js';
import type { Schedule } from './schedule.js';

const sorts = ['id', 'created_at', 'created_by', 'name', 'type'];

export const scheduleListSupport: ListSupport = {
  sorts,
  filters: [...sorts, 'client_ids', 'group_ids'],
  page: { defaultLimit: 20, maxLimit: 100 },
};

const columns: StoredColumns<Schedule> = {
  id: { kind: 'text', read: ({ id }) => id },
  created_at: { kind: 'instant', read: ({ createdAt }) => createdAt },
  created_by: { kind: 'text', read: ({ createdBy }) => createdBy },
  name: { kind: 'text', read: ({ name }) => name },
  type: { kind: 'text', read: ({ type }) => type },
  client_ids: { kind: 'texts', read: ({ clientIds }) => clientIds },
  group_ids: { kind: 'texts', read: ({ groupIds }) => groupIds },
};

/** For `listStored`. */
export const scheduleTable = (schedules: ScheduleRepository): StoredTable<Schedule> => ({
  columns,
  scan: (part) => schedules.scan(part),
  count: () => schedules.count(),
});
