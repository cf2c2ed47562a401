/** Tables `measurements` and `measurement_texts`: written in batches, read and removed by time. */

import type { Database } from 'lmdb';
import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import { committed } from './commit.js';
import { isKeyText } from './key.js';
import { encodeNumbers } from './measurement-codec.js';
import { first, LONGEST_SHARED, measurementReads } from './measurement-reads.js';
import type { MeasurementRepository } from './measurements.js';
import { RowMemory } from './row-memory.js';
import type { MeasurementKey, OpenedTables } from './tables.js';
import { encodeTexts, joinTexts } from './text-codec.js';

/** A crash may cost one second; the other half of it is for the commit itself. */
const BATCH_DELAY: Milliseconds = 500;
/** A batch is handed to LMDB at once when it has this many rows, which takes the thread some 3 ms; smaller ones write the same pages more often … */
const BATCH_ROWS = 2500;
/** … or bytes. Rows with a process list have some KiB. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Bytes of texts in one row; reading one of them copies them all. */
const MOST_TEXTS_BYTES = 64 * 1024;
/** Bytes handed over and not yet committed. Beyond it the thread waits for the disk: the agents feel it, nothing is lost. */
const MAX_UNCOMMITTED_BYTES = 32 * 1024 * 1024;
/** Bytes kept for another try while the disk refuses writes. Beyond it the oldest rows are given up, and it is logged. */
const MAX_RETRY_BYTES = 32 * 1024 * 1024;
/** Rows removed in one transaction, so that nobody waits long for the write lock. */
const REMOVE_BATCH = 1000;
/** Tells rows of one client and millisecond apart; a thread writes far fewer rows in a millisecond. */
const SEQUENCES = 65_536;

interface Row {
  readonly key: MeasurementKey;
  readonly numbers: Buffer;
  readonly texts: Buffer | null;
}

const bytesOf = ({ numbers, texts }: Row): number => numbers.length + (texts?.length ?? 0);

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
  let queue: Row[] = [];
  let queuedBytes = 0;
  let uncommittedBytes = 0;
  const memory = new RowMemory();
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
        memory.nextBatch()();
      } catch (error) {
        takeBack(rows, bytes, error);
      }
      return;
    }
    uncommittedBytes += bytes;
    lastWrite = committed(putAll(rows)).finally(() => {
      uncommittedBytes -= bytes;
    });
    // Rows that are tried again keep their memory.
    lastWrite.then(memory.nextBatch(), (error) => takeBack(rows, bytes, error));
  };

  /**
   * Client by client, so that each finds its place near the one before. All puts of one turn end up in one
   * transaction, so the last one stands for them all.
   */
  const putAll = (rows: readonly Row[]): PromiseLike<unknown> => {
    let last: PromiseLike<unknown> = Promise.resolve();
    for (const [id, ofClient] of byClient(rows)) {
      if (!isKeyText(id)) {
        log.error(`measurements of ${JSON.stringify(id)} dropped: the id cannot be stored`);
        continue;
      }
      for (const { key, numbers } of ofClient) last = table.put(key, numbers);
      putTexts(ofClient);
    }
    return last;
  };

  const putTexts = (rows: readonly Row[]): void => {
    for (const shared of sharedTexts(rows)) {
      void textTable.put(shared.key, joinTexts(shared.texts, memory.allocate));
    }
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
      queuedBytes -= bytesOf(oldest);
    }
    queue.splice(0, lost);
    const reason = error instanceof Error ? error.message : String(error);
    log.error(`measurements: ${reason}; ${queue.length} rows wait for another try, ${lost} are lost`);
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
      const key: MeasurementKey = [measurement.clientId, measurement.timestamp, sequence];
      const texts = encodeTexts(measurement, key, memory.allocate);
      const row = { key, numbers: encodeNumbers(measurement, texts !== null, memory.allocate), texts };
      queue.push(row);
      queuedBytes += bytesOf(row);
      if (queue.length >= BATCH_ROWS || queuedBytes >= BATCH_BYTES) write();
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
      queue = queue.filter((row) => row.key[0] !== id);
      queuedBytes = queue.reduce((sum, row) => sum + bytesOf(row), 0);
      // What LMDB already has must be visible before it can be found and removed.
      await written();
      await removeRows(id, Number.MAX_VALUE);
    },

    written,
  };
}

function byClient(rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const clients = new Map<string, Row[]>();
  for (const row of rows) {
    const [id] = row.key;
    const others = clients.get(id);
    if (others === undefined) clients.set(id, [row]);
    else others.push(row);
  }
  return clients;
}

const keyOrder = ({ key: [, at, sequence] }: Row, { key: [, otherAt, otherSequence] }: Row): number =>
  at - otherAt || sequence - otherSequence;

/** The texts of each row to be written, with its key, that of the last of them. */
function sharedTexts(rows: readonly Row[]): { key: MeasurementKey; readonly texts: Buffer[] }[] {
  const shared: { key: MeasurementKey; readonly texts: Buffer[] }[] = [];
  let bytes = 0;
  let since: Milliseconds = 0;
  // In order already, unless the clock was set back or sequence numbers began again.
  for (const { key, texts } of [...rows].sort(keyOrder)) {
    if (texts === null) continue;
    const open = shared.at(-1);
    if (open !== undefined && bytes + texts.length <= MOST_TEXTS_BYTES && key[1] - since <= LONGEST_SHARED) {
      open.texts.push(texts);
      open.key = key;
      bytes += texts.length;
    } else {
      shared.push({ key, texts: [texts] });
      bytes = texts.length;
      since = key[1];
    }
  }
  return shared;
}
