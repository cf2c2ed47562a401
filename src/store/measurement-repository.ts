/** Tables `measurements` and `measurement_texts`: written in batches, read and removed by time. */

import type { Database } from 'lmdb';
import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import { committed } from './commit.js';
import { isKeyText } from './key.js';
import { MeasurementBatch } from './measurement-batch.js';
import { first, measurementReads } from './measurement-reads.js';
import type { MeasurementRepository } from './measurements.js';
import { SlabPool } from './slabs.js';
import type { MeasurementKey, OpenedTables } from './tables.js';

/** A crash may cost one second; the other half of it is for the commit itself. */
const BATCH_DELAY: Milliseconds = 500;
/** A batch is handed to LMDB at once when it has this many rows, which takes the thread some 3 ms; smaller ones write the same pages more often … */
const BATCH_ROWS = 2500;
/** … or bytes. Rows with a process list have some KiB. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Bytes handed over and not yet committed. Beyond it the thread waits for the disk: the agents feel it, nothing is lost. */
const MAX_UNCOMMITTED_BYTES = 32 * 1024 * 1024;
/** Bytes kept for another try while the disk refuses writes. Beyond it the oldest batches are given up, and it is logged. */
const MAX_RETRY_BYTES = 32 * 1024 * 1024;
/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const REMOVE_BATCH = 1000;
/** Tells rows of one client and millisecond apart; a thread writes far fewer rows in a millisecond. */
const SEQUENCES = 65_536;

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
  const pool = new SlabPool();
  let open = new MeasurementBatch(pool);
  /** The oldest first. */
  let failed: MeasurementBatch[] = [];
  let uncommittedBytes = 0;
  let sequence = 0;
  let timer: Timer | undefined;
  let lastWrite: Promise<void> = Promise.resolve();

  const write = (): void => {
    timer?.cancel();
    timer = undefined;
    const batches = [...failed, open].filter(({ rows }) => rows > 0);
    failed = [];
    open = new MeasurementBatch(pool);
    for (const batch of batches) commit(batch);
  };

  const commit = (batch: MeasurementBatch): void => {
    const { bytes } = batch;
    if (uncommittedBytes + bytes > MAX_UNCOMMITTED_BYTES) {
      try {
        table.transactionSync(() => batch.put(tables, refused)).release();
        batch.release();
      } catch (error) {
        keep(batch, error);
      }
      return;
    }
    uncommittedBytes += bytes;
    const { done, release } = batch.put(tables, refused);
    lastWrite = committed(done).finally(() => {
      uncommittedBytes -= bytes;
      release();
    });
    lastWrite.then(
      () => batch.release(),
      (error) => keep(batch, error),
    );
  };

  const refused = (id: string): void =>
    log.error(`measurements of ${JSON.stringify(id)} dropped: the id cannot be stored`);

  const arm = (): void => {
    timer ??= clock.after(BATCH_DELAY, write);
  };

  /** For another try. */
  const keep = (batch: MeasurementBatch, error: unknown): void => {
    failed.push(batch);
    let waiting = failed.reduce((sum, { bytes }) => sum + bytes, 0);
    let lost = 0;
    while (waiting > MAX_RETRY_BYTES) {
      const oldest = failed.shift();
      if (oldest === undefined) break;
      waiting -= oldest.bytes;
      lost += oldest.rows;
    }
    const rows = failed.reduce((sum, kept) => sum + kept.rows, 0);
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`measurements: ${reason}; ${rows} rows wait for another try, ${lost} are lost`);
    arm();
  };

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

  /** With their texts. Those that share a row with newer ones go with these; nobody can ask for them meanwhile. */
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

  const written = async (): Promise<void> => {
    write();
    await lastWrite;
  };

  return {
    append(measurement) {
      sequence = (sequence + 1) % SEQUENCES;
      open.add(measurement, sequence);
      if (open.rows >= BATCH_ROWS || open.bytes >= BATCH_BYTES) write();
      else arm();
    },

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
      for (const batch of [...failed, open]) batch.removeClient(id);
      // What LMDB already has must be visible before it can be found and removed.
      await written();
      await removeRows(id, Number.MAX_VALUE);
    },

    written,
  };
}
