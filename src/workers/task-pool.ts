/** Threads for pure CPU work, so that neither main nor a shard is held up by it. */

import { availableParallelism } from 'node:os';
import { Piscina } from 'piscina';
import { AppError } from '../errors.js';
import type { Milliseconds } from '../time.js';
import type * as tasks from './tasks.js';

type Tasks = typeof tasks;
export type TaskName = keyof Tasks;

/** Tasks compete with the shards for cores, so they get half of them at most; 19 MiB each while hashing. */
const MOST_THREADS = 4;
/** At some 30 ms a task, the last one in a full queue waits 256 × 30 ms ÷ 2 threads ≈ 4 s. */
const QUEUE_LIMIT = 256;
const IDLE_THREAD_ENDS_AFTER: Milliseconds = 30_000;
/** What `close` leaves for tasks that are running. */
const CLOSE_TIMEOUT: Milliseconds = 5_000;

export interface TaskPoolOptions {
  readonly maxThreads?: number;
  /** Tasks that may wait for a thread. */
  readonly queueLimit?: number;
  /** Module with the tasks. Default: `tasks.ts` beside this file. */
  readonly module?: URL;
}

export class TaskPool {
  readonly #pool: Piscina;
  readonly #mostOpen: number;
  #open = 0;

  constructor(options: TaskPoolOptions = {}) {
    const maxThreads =
      options.maxThreads ?? Math.min(MOST_THREADS, Math.max(1, Math.floor(availableParallelism() / 2)));
    const queueLimit = options.queueLimit ?? QUEUE_LIMIT;
    this.#mostOpen = maxThreads + queueLimit;
    this.#pool = new Piscina({
      filename: (options.module ?? new URL('./tasks.js', import.meta.url)).href,
      minThreads: 1,
      maxThreads,
      // The bound is kept here, with an error of ours; the pool itself must never be the one to refuse.
      maxQueue: Number.POSITIVE_INFINITY,
      idleTimeout: IDLE_THREAD_ENDS_AFTER,
      closeTimeout: CLOSE_TIMEOUT,
    });
  }

  /** Tasks running or waiting. */
  get open(): number {
    return this.#open;
  }

  /**
   * Runs one function of the task module. Throws `AppError('overloaded')` when the queue is full, and what the
   * task throws.
   */
  async run<Name extends TaskName>(
    name: Name,
    args: Parameters<Tasks[Name]>[0],
  ): Promise<Awaited<ReturnType<Tasks[Name]>>> {
    if (this.#open >= this.#mostOpen) throw new AppError('overloaded');
    this.#open++;
    try {
      return await this.#pool.run(args, { name });
    } finally {
      this.#open--;
    }
  }

  /** Lets open tasks finish and ends the threads. */
  close(): Promise<void> {
    return this.#pool.close();
  }
}
