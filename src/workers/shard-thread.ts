/** Main's side of one shard thread, from its birth to its exit. */

import { MessageChannel, Worker } from 'node:worker_threads';
import { type Remote, transfer, wrap } from 'comlink';
import type { Log } from '../actors/runtime/types.js';
import type { LogLevel } from '../logging/logger.js';
import type { Clock, Milliseconds } from '../time.js';
import { endpoint, type Link, type ShardControl, type ShardData } from './control.js';

export interface ShardThreadOptions {
  readonly thread: number;
  readonly place: number;
  readonly shards: number;
  readonly program: URL;
  readonly shared: unknown;
  readonly logLevel: LogLevel;
  readonly links: readonly Link[];
  readonly clock: Clock;
  readonly log: Log;
  /** Takes log lines of the shard, joined by line breaks. */
  readonly writeLines: (lines: string) => void;
}

export class ShardThread {
  readonly thread: number;
  readonly place: number;
  /** Exit code of the thread. Never rejects. */
  readonly exited: Promise<number>;
  /** Epoch milliseconds at which the program had started; null before. */
  servingSince: Milliseconds | null = null;
  #alive = true;
  /** Rejects what waits for an answer; comlink itself would wait for ever. */
  readonly #openCalls = new Set<(error: Error) => void>();
  readonly #control: Remote<ShardControl>;
  readonly #clock: Clock;

  constructor(options: ShardThreadOptions) {
    const { thread, place, shards, program, shared, logLevel, links, clock, log, writeLines } = options;
    this.thread = thread;
    this.place = place;
    this.#clock = clock;
    const { port1, port2 } = new MessageChannel();
    const data: ShardData = {
      thread,
      place,
      shards,
      logLevel,
      program: program.href,
      shared,
      control: port2,
      links,
    };
    const worker = new Worker(new URL('./shard.js', import.meta.url), {
      name: `shard-${place}`,
      workerData: data,
      transferList: [port2, ...links.map((link) => link.port)],
    });
    worker.on('message', writeLines);
    worker.on('error', (error) => log.error(`shard ${place} failed: ${error.stack ?? error.message}`));
    this.exited = new Promise((resolve) => {
      worker.once('exit', (code) => {
        this.#alive = false;
        port1.close();
        for (const fail of this.#openCalls) fail(this.#endedError());
        resolve(code);
      });
    });
    this.#control = wrap<ShardControl>(endpoint(port1));
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Gives the shard a port to a thread that is just being started. */
  link({ thread, port }: Link): void {
    // Without an answer when the shard dies meanwhile; the port dies with it then, and the other side notices.
    this.#control.connect(thread, transfer(port, [port])).catch(() => undefined);
  }

  /** Calls the shard. Rejects when the shard ends first or does not answer within `timeoutMs`. */
  call<Value>(
    action: (control: Remote<ShardControl>) => Promise<Value>,
    timeoutMs: Milliseconds | null = null,
  ): Promise<Value> {
    if (!this.#alive) return Promise.reject(this.#endedError());
    return new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        timer?.cancel();
        this.#openCalls.delete(fail);
        reject(error);
      };
      const timer =
        timeoutMs === null
          ? null
          : this.#clock.after(timeoutMs, () =>
              fail(new Error(`shard ${this.place} does not answer within ${timeoutMs} ms`)),
            );
      this.#openCalls.add(fail);
      action(this.#control).then((value) => {
        timer?.cancel();
        this.#openCalls.delete(fail);
        resolve(value);
      }, fail);
    });
  }

  #endedError(): Error {
    return new Error(`shard ${this.place} ended`);
  }
}
