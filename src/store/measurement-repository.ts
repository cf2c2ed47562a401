/** Tables `measurements` and `measurement_texts`: written in batches, read and removed by time. */

import type { Database } from 'lmdb';
import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds } from '../time.js';
import { committed } from './commit.js';
import { isKeyText } from './key.js';
import { first, measurementReads } from './measurement-reads.js';
import { MeasurementWriter } from './measurement-writer.js';
import type { MeasurementRepository } from './measurements.js';
import type { MeasurementKey, OpenedTables } from './tables.js';

/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const REMOVE_BATCH = 1000;
export interface MeasurementStore extends MeasurementRepository {
  /** Resolves when everything appended so far is committed. Rejects with `StoreWriteError`. */
  written(): Promise<void>;
}

export function createMeasurementRepository(
  tables: OpenedTables,
  clock: Clock,
  log: Logger,
): MeasurementStore {
  const { measurements: table, measurementTexts: textTable } = tables;
  const writer = new MeasurementWriter(tables, clock, log);

  /** Removes the rows of one client below `end`, batch by batch; returns how many. */
  const removeRange = async (
    from: Database<Buffer, MeasurementKey>,
    id: string,
    end: Milliseconds,
  ): Promise<number> => {
    for (let removed = 0; ; ) {
      from.resetReadTxn();
      const range = { start: first(id, 0), end: first(id, end), limit: REMOVE_BATCH };
      let last: PromiseLike<unknown> | null = null;
      for (const key of [...from.getKeys(range)]) {
        last = from.remove(key);
        removed += 1;
      }
      if (last === null) return removed;
      await committed(last);
    }
  };

  /**
   * Texts first, so that none are left over should the server end in between. Those that share a row with newer ones
   * go with these; nobody can ask for them any more.
   */
  const removeRows = async (id: string, end: Milliseconds): Promise<number> => {
    await removeRange(textTable, id, end);
    return removeRange(table, id, end);
  };

  /** The client that follows `previous` in key order, found by one seek, with its oldest row. */
  const clientAfter = (previous: string | undefined): MeasurementKey | undefined => {
    table.resetReadTxn();
    const start: MeasurementKey[] = previous === undefined ? [] : [[previous, Number.MAX_VALUE, 0]];
    for (const key of table.getKeys({ ...(start[0] && { start: start[0] }), limit: 1 })) return key;
    return undefined;
  };

  return {
    append: (measurement) => writer.append(measurement),

    ...measurementReads(tables, log),

    async removeBefore(cutoff) {
      let removed = 0;
      let client = clientAfter(undefined);
      while (client !== undefined) {
        const [id, oldest] = client;
        if (oldest < cutoff) removed += await removeRows(id, cutoff);
        client = clientAfter(id);
      }
      return removed;
    },

    async removeClient(id) {
      if (!isKeyText(id)) return;
      writer.removeClient(id);
      // What LMDB already has must be visible before it can be found and removed.
      await writer.written();
      await removeRows(id, Number.MAX_VALUE);
    },

    written: () => writer.written(),
  };
}
