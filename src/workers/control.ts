/** What main and a shard say to each other outside the actor system. Calls go through comlink. */

import type { MessagePort } from 'node:worker_threads';
import type { Endpoint } from 'comlink';
import type { LogLevel } from '../logging/logger.js';
import type { Milliseconds } from '../time.js';
import type { BoundPorts, ShardStats } from './program.js';

export interface Link {
  readonly thread: number;
  readonly port: MessagePort;
}

/** `workerData` of a shard. */
export interface ShardData {
  readonly thread: number;
  readonly place: number;
  readonly shards: number;
  readonly logLevel: LogLevel;
  /** URL of the module that exports `program`. */
  readonly program: string;
  /** As handed to the supervisor. */
  readonly shared: unknown;
  readonly control: MessagePort;
  /** One port to each thread that was there before. */
  readonly links: readonly Link[];
}

/** Calls of main to a shard. */
export interface ShardControl {
  /** Loads and starts the program. */
  start(config: unknown): Promise<void>;
  /** Has the started program listen; resolves with the ports it has bound. */
  listen(ports: BoundPorts): Promise<BoundPorts>;
  /** A port to a shard that is just being started. */
  connect(thread: number, port: MessagePort): void;
  /** Ends the shard in order; the thread exits soon after. */
  drain(graceMs: Milliseconds): Promise<void>;
  /** Ends the shard at once: only the program's `close`, then the thread exits. */
  leave(): void;
  stats(): ShardStats;
  /** A configuration to go by from now on. Rejects when the program cannot; it goes on with the old one then. */
  reload(config: unknown, logLevel: LogLevel): Promise<void>;
}

/** Published by a shard when its program serves, after the directory news of its start. */
export const SERVING_TOPIC = 'shard-serving';

/** Node's MessagePort has what comlink asks of an endpoint; only the type declarations differ. */
export const endpoint = (port: MessagePort): Endpoint => port as unknown as Endpoint;
