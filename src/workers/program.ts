/** What runs in a shard, and what it is given. The program itself is a module exporting `program`. */

import type { ActorSystem } from '../actors/runtime/types.js';
import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds } from '../time.js';

/** Ports by listener name. Whoever binds port 0 first reports the number, and the other shards use it. */
export type BoundPorts = Readonly<Record<string, number>>;

export interface ShardRuntime {
  /** Thread number, different for every start of a shard. */
  readonly thread: number;
  /** Which of the shards this is, from 1; a restarted one keeps its place. */
  readonly place: number;
  /** How many shards there are. */
  readonly shards: number;
  /** As handed to the supervisor; plain data. */
  readonly config: unknown;
  /** As handed to the supervisor; the same memory in all threads. */
  readonly shared: unknown;
  readonly clock: Clock;
  readonly log: Logger;
  /** Connected with main and all other shards; their directories are known. */
  readonly system: ActorSystem;
}

export interface ShardProgram {
  /**
   * Resolves when the shard is ready to listen. Rejects when it cannot; the supervisor then ends or restarts the shard.
   */
  start(runtime: ShardRuntime): Promise<void>;
  /**
   * Called once all shards have started, so that they begin to listen at the same time: whoever connects in the
   * first moments, as a whole fleet does after a restart, is spread over all of them.
   * @param ports what the first shard has bound; empty in the first shard itself
   * Resolves with what it has bound, when the shard serves. Rejects like `start`.
   */
  listen(ports: BoundPorts): Promise<BoundPorts>;
  /**
   * Orderly end: stop listening, close or hand over, flush. Gets `graceMs` for it. Called only when `start` has
   * succeeded. The actors are stopped after it, then `close` is called.
   */
  drain(graceMs: Milliseconds): Promise<void>;
  /**
   * Closes every listener and connection at once: a thread that ends with open uWebSockets.js handles takes the
   * whole process with it. Called before the thread ends in every case, after a crash too; maybe twice, maybe
   * before `start` has finished.
   */
  close(): void | Promise<void>;
  /** Plain data for `Supervisor.stats`. */
  stats(): unknown;
  /** New configuration, plain data. Called only when `start` has succeeded; rejecting, it changes nothing. */
  reload?(config: unknown): void | Promise<void>;
}

export interface ShardStats {
  readonly thread: number;
  readonly place: number;
  readonly uptimeMs: Milliseconds;
  readonly actors: ReturnType<ActorSystem['stats']>;
  /** What the program's `stats` returned. */
  readonly program: unknown;
}
