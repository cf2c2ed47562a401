/**
 * Collects measurements into batches and hands these to LMDB, some rows in each turn of the event loop, so that
 * requests to the same thread wait for a fraction of a millisecond and not for thousands of rows.
 */

import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import { committed } from './commit.js';
import { MeasurementBatch } from './measurement-batch.js';
import type { NewMeasurement } from './measurements.js';
import { SlabPool, Slabs } from './slabs.js';
import type { OpenedTables } from './tables.js';

/** A crash may cost one second; the other half of it is for the commit itself. */
const BATCH_DELAY: Milliseconds = 500;
/** A batch is handed over at once when it has this many rows; smaller ones write the same pages more often … */
const BATCH_ROWS = 2500;
/** … or bytes. Rows with a process list have some KiB. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Bytes to be handed over or committed. Beyond it the thread waits for the disk: the agents feel it, nothing is lost. */
const MAX_UNCOMMITTED_BYTES = 32 * 1024 * 1024;
/** Bytes kept for another try while the disk refuses writes. Beyond it the oldest batches are given up, and it is logged. */
const MAX_RETRY_BYTES = 32 * 1024 * 1024;
/** Tells rows of one client and millisecond apart; a thread writes far fewer rows in a millisecond. */
const SEQUENCES = 65_536;

/** A batch that LMDB has in part. */
interface Handover {
  readonly batch: MeasurementBatch;
  readonly rest: Iterator<PromiseLike<unknown>>;
  /** Of what it has; none of them rejects unheard. */
  readonly commits: Promise<void>[];
  /** Of texts that share rows. */
  readonly memory: Slabs;
}

export class MeasurementWriter {
  readonly #pool = new SlabPool();
  #open = new MeasurementBatch(this.#pool);
  /** To be handed over, the oldest first; so are those that failed. */
  #full: MeasurementBatch[] = [];
  #failed: MeasurementBatch[] = [];
  #handover: Handover | null = null;
  #stepDue = false;
  #uncommittedBytes = 0;
  #sequence = 0;
  #timer: Timer | undefined;
  #lastWrite: Promise<void> = Promise.resolve();

  constructor(
    private readonly tables: Pick<OpenedTables, 'measurements' | 'measurementTexts'>,
    private readonly clock: Clock,
    private readonly log: Logger,
  ) {}

  append(measurement: NewMeasurement): void {
    this.#sequence = (this.#sequence + 1) % SEQUENCES;
    this.#open.add(measurement, this.#sequence);
    if (this.#open.rows >= BATCH_ROWS || this.#open.bytes >= BATCH_BYTES) this.#write();
    else this.#arm();
  }

  /** Resolves when everything appended so far is committed. Rejects with `StoreWriteError`. */
  async written(): Promise<void> {
    this.#write();
    this.#handOverAll();
    await this.#lastWrite;
  }

  /** Drops the rows of a client that LMDB does not have yet. */
  removeClient(id: string): void {
    for (const batch of [...this.#failed, ...this.#full, this.#open]) batch.removeClient(id);
  }

  #arm(): void {
    this.#timer ??= this.clock.after(BATCH_DELAY, () => this.#write());
  }

  #write(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    const added = [...this.#failed, this.#open].filter(({ rows }) => rows > 0);
    this.#failed = [];
    this.#open = new MeasurementBatch(this.#pool);
    for (const batch of added) {
      this.#full.push(batch);
      this.#uncommittedBytes += batch.bytes;
    }
    if (this.#uncommittedBytes > MAX_UNCOMMITTED_BYTES) this.#waitForDisk();
    else this.#step();
  }

  #step(): void {
    this.#handOver();
    if (this.#stepDue || (this.#handover === null && this.#full.length === 0)) return;
    this.#stepDue = true;
    setImmediate(() => {
      this.#stepDue = false;
      this.#step();
    });
  }

  #handOverAll(): void {
    while (this.#handover !== null || this.#full.length > 0) this.#handOver();
  }

  /** The next rows of the oldest batch. */
  #handOver(): void {
    const handover = this.#handover ?? this.#begin();
    if (handover === null) return;
    const step = handover.rest.next();
    if (step.done) {
      this.#handover = null;
      this.#finish(handover);
      return;
    }
    const commit = committed(step.value);
    commit.catch(() => undefined);
    handover.commits.push(commit);
  }

  #begin(): Handover | null {
    const batch = this.#full.shift();
    if (batch === undefined) return null;
    const memory = new Slabs(this.#pool);
    const rest = batch.puts(this.tables, memory, (id) => this.#refused(id));
    this.#handover = { batch, rest, commits: [], memory };
    return this.#handover;
  }

  #finish({ batch, commits, memory }: Handover): void {
    const { bytes } = batch;
    this.#lastWrite = Promise.allSettled(commits).then((outcomes) => {
      memory.release();
      this.#uncommittedBytes -= bytes;
      // What is tried again is written over what has been committed of it.
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    });
    this.#lastWrite.then(
      () => batch.release(),
      (error) => this.#keep(batch, error),
    );
  }

  /** Everything there is, before the thread does anything else. */
  #waitForDisk(): void {
    while (this.#handover !== null) this.#handOver();
    for (const batch of this.#full.splice(0)) {
      this.#uncommittedBytes -= batch.bytes;
      const memory = new Slabs(this.#pool);
      try {
        this.tables.measurements.transactionSync(() => {
          for (const _ of batch.puts(this.tables, memory, (id) => this.#refused(id)));
        });
        batch.release();
      } catch (error) {
        this.#keep(batch, error);
      }
      memory.release();
    }
  }

  #refused(id: string): void {
    this.log.error(`measurements of ${JSON.stringify(id)} dropped: the id cannot be stored`);
  }

  /** For another try. */
  #keep(batch: MeasurementBatch, error: unknown): void {
    this.#failed.push(batch);
    let waiting = this.#failed.reduce((sum, { bytes }) => sum + bytes, 0);
    let lost = 0;
    while (waiting > MAX_RETRY_BYTES) {
      const oldest = this.#failed.shift();
      if (oldest === undefined) break;
      waiting -= oldest.bytes;
      lost += oldest.rows;
    }
    const rows = this.#failed.reduce((sum, kept) => sum + kept.rows, 0);
    const reason = error instanceof Error ? error.message : String(error);
    this.log.error(`measurements: ${reason}; ${rows} rows wait for another try, ${lost} are lost`);
    this.#arm();
  }
}
