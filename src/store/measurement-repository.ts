/** Table `measurements`: written in batches, read and removed by time. */

import { clientId } from '../ids.js';
import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import { committed } from './commit.js';
import { isKeyText } from './key.js';
import { decodeMeasurement, encodeMeasurement } from './measurement-codec.js';
import type { OpenedTables } from './tables.js';
import type { Measurement, MeasurementRepository } from './types.js';

/** A crash may cost one second; the other half of it is for the commit itself. */
const BATCH_DELAY: Milliseconds = 500;
/** A batch is handed to LMDB at once when it has this many rows … */
const BATCH_ROWS = 1000;
/** … or bytes. Rows with a process list have some KiB. */
const BATCH_BYTES = 1024 * 1024;
/** Bytes handed over and not yet committed. Beyond it the thread waits for the disk: the agents feel it, nothing is lost. */
const MAX_UNCOMMITTED_BYTES = 16 * 1024 * 1024;
/** Bytes kept for another try while the disk refuses writes. Beyond it the oldest rows are given up, and it is logged. */
const MAX_RETRY_BYTES = 32 * 1024 * 1024;
/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const REMOVE_BATCH = 1000;
/** Tells rows of one client and millisecond apart; a thread writes far fewer rows in a millisecond. */
const SEQUENCES = 65_536;

type Key = [client: string, timestamp: number, sequence: number];

interface Row {
  readonly key: Key;
  readonly value: Buffer;
}

export interface MeasurementStore extends MeasurementRepository {
  /** Resolves when everything appended so far is committed. Rejects with `StoreWriteError`. */
  written(): Promise<void>;
}

export function createMeasurementRepository(
  tables: OpenedTables,
  clock: Clock,
  log: Logger,
): MeasurementStore {
  const table = tables.measurements;
  let queue: Row[] = [];
  let queuedBytes = 0;
  let uncommittedBytes = 0;
  let sequence = 0;
  let timer: Timer | undefined;
  let lastWrite: Promise<void> = Promise.resolve();

  const write = (): void => {
    timer?.cancel();
    timer = undefined;
    if (queue.length === 0) return;
    const rows = queue;
    const bytes = queuedBytes;
    queue = [];
    queuedBytes = 0;
    if (uncommittedBytes + bytes > MAX_UNCOMMITTED_BYTES) {
      try {
        table.transactionSync(() => putAll(rows));
      } catch (error) {
        takeBack(rows, bytes, error);
      }
      return;
    }
    uncommittedBytes += bytes;
    lastWrite = committed(putAll(rows)).finally(() => {
      uncommittedBytes -= bytes;
    });
    lastWrite.catch((error) => takeBack(rows, bytes, error));
  };

  /** All puts of one turn end up in one transaction, so the last one stands for them all. */
  const putAll = (rows: readonly Row[]): PromiseLike<unknown> => {
    let last: PromiseLike<unknown> = Promise.resolve();
    for (const { key, value } of rows) last = table.put(key, value);
    return last;
  };

  const arm = (): void => {
    timer ??= clock.after(BATCH_DELAY, write);
  };

  const takeBack = (rows: readonly Row[], bytes: number, error: unknown): void => {
    queue = [...rows, ...queue];
    queuedBytes += bytes;
    let lost = 0;
    while (queuedBytes > MAX_RETRY_BYTES) {
      const oldest = queue[lost++];
      if (oldest === undefined) break;
      queuedBytes -= oldest.value.length;
    }
    queue.splice(0, lost);
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`measurements: ${reason}; ${queue.length} rows wait for another try, ${lost} are lost`);
    arm();
  };

  const removeKeys = async (keys: readonly Key[]): Promise<void> => {
    let last: PromiseLike<unknown> = Promise.resolve();
    for (const key of keys) last = table.remove(key);
    await committed(last);
  };

  /** Removes the rows of one client below `end`, batch by batch; returns how many. */
  const removeRange = async (id: string, end: Milliseconds): Promise<number> => {
    for (let removed = 0; ; ) {
      table.resetReadTxn();
      const keys = [...table.getKeys({ start: [id, 0, 0], end: [id, end, 0], limit: REMOVE_BATCH })];
      if (keys.length === 0) return removed;
      await removeKeys(keys);
      removed += keys.length;
    }
  };

  /** The client that follows `previous` in key order, found by one seek, with its oldest row. */
  const clientAfter = (previous: string | undefined): Key | undefined => {
    table.resetReadTxn();
    const start: Key[] = previous === undefined ? [] : [[previous, Number.MAX_VALUE, 0]];
    for (const key of table.getKeys({ ...(start[0] && { start: start[0] }), limit: 1 })) return key;
    return undefined;
  };

  const written = async (): Promise<void> => {
    write();
    await lastWrite;
  };

  return {
    append(measurement) {
      if (!isKeyText(measurement.clientId)) {
        log.error(`measurement of ${JSON.stringify(measurement.clientId)} refused: the id cannot be stored`);
        return;
      }
      sequence = (sequence + 1) % SEQUENCES;
      const value = encodeMeasurement(measurement);
      queue.push({ key: [measurement.clientId, measurement.timestamp, sequence], value });
      queuedBytes += value.length;
      if (queue.length >= BATCH_ROWS || queuedBytes >= BATCH_BYTES) write();
      else arm();
    },

    *range(id, from, to): Iterable<Measurement> {
      if (!isKeyText(id)) return;
      table.resetReadTxn();
      const range = { start: [id, from, 0] as Key, end: [id, to, SEQUENCES] as Key, snapshot: false };
      for (const { key, value } of table.getRange(range)) {
        const measurement = decodeMeasurement(clientId(key[0]), key[1], value);
        if (measurement !== undefined) yield measurement;
        else log.error(`measurement of ${JSON.stringify(id)} at ${key[1]}: unreadable, skipped`);
      }
    },

    async removeBefore(cutoff) {
      let removed = 0;
      let client = clientAfter(undefined);
      while (client !== undefined) {
        const [id, oldest] = client;
        if (oldest < cutoff) removed += await removeRange(id, cutoff);
        client = clientAfter(id);
      }
      return removed;
    },

    async removeClient(id) {
      if (!isKeyText(id)) return;
      queue = queue.filter((row) => row.key[0] !== id);
      queuedBytes = queue.reduce((sum, row) => sum + row.value.length, 0);
      // What LMDB already has must be visible before it can be found and removed.
      await written();
      await removeRange(id, Number.MAX_VALUE);
    },

    written,
  };
}
