/** Tables `schedules`, in the order of their creation, and `schedule_numbers`; both change in one transaction. */

import type { Logger } from '../logging/logger.js';
import type { Schedule } from '../schedules/schedule.js';
import { isKeyText } from './key.js';
import { decodeSchedule, encodeSchedule } from './schedule-codec.js';
import type { ScheduleRepository } from './schedules.js';
import type { OpenedTables } from './tables.js';
import type { TransactionBatch } from './transaction-batch.js';

export function createScheduleRepository(
  { schedules: rows, scheduleNumbers: numbers }: Pick<OpenedTables, 'schedules' | 'scheduleNumbers'>,
  batch: TransactionBatch,
  log: Pick<Logger, 'error'>,
): ScheduleRepository {
  const decode = (number: number, text: string): Schedule | undefined => {
    const schedule = decodeSchedule(text);
    if (schedule === undefined) log.error(`schedule number ${number}: the row is unreadable, skipped`);
    return schedule;
  };

  const read = (id: string): { readonly number: number; readonly schedule: Schedule } | undefined => {
    const number = numbers.get(id);
    const text = number === undefined ? undefined : rows.get(number);
    if (number === undefined || text === undefined) return undefined;
    const schedule = decode(number, text);
    return schedule && { number, schedule };
  };

  return {
    get(id) {
      if (!isKeyText(id)) return undefined;
      rows.resetReadTxn();
      return read(id)?.schedule;
    },

    exists(id) {
      if (!isKeyText(id)) return false;
      numbers.resetReadTxn();
      return numbers.get(id) !== undefined;
    },

    add: (schedule) =>
      batch.run(() => {
        const [last = 0] = [...rows.getKeys({ reverse: true, limit: 1 })];
        rows.put(last + 1, encodeSchedule(schedule));
        numbers.put(schedule.id, last + 1);
      }),

    async change(id, change) {
      if (!isKeyText(id)) return undefined;
      return batch.run(() => {
        const before = read(id);
        if (before === undefined) return undefined;
        const after = change(before.schedule);
        rows.put(before.number, encodeSchedule(after));
        return after;
      });
    },

    async remove(id) {
      if (!isKeyText(id)) return false;
      return batch.run(() => {
        const number = numbers.get(id);
        if (number === undefined) return false;
        // Also a row that cannot be read.
        rows.remove(number);
        numbers.remove(id);
        return true;
      });
    },

    *scan({ reverse = false, offset, limit }) {
      rows.resetReadTxn();
      const part = { ...(offset !== undefined && { offset }), ...(limit !== undefined && { limit }) };
      for (const { key, value } of rows.getRange({ reverse, snapshot: false, ...part })) {
        const schedule = decode(key, value);
        if (schedule !== undefined) yield schedule;
      }
    },

    count() {
      rows.resetReadTxn();
      return rows.getKeysCount({});
    },
  };
}
