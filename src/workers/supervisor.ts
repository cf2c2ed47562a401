/** Starts the shards, connects them with each other, restarts those that end unexpectedly, ends them in order. */

import { MessageChannel } from 'node:worker_threads';
import type { PortBus } from '../actors/runtime/port-bus.js';
import type { ActorSystem } from '../actors/runtime/types.js';
import type { Logger, LogLevel } from '../logging/logger.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import { type Link, SERVING_TOPIC } from './control.js';
import type { BoundPorts, ShardStats } from './program.js';
import { HEALTHY_AFTER, restartDelay } from './restart-delay.js';
import { ShardThread } from './shard-thread.js';

/** A shard that does not report in this time is left out of the statistics. */
const STATS_TIMEOUT: Milliseconds = 1_000;
const RELOAD_TIMEOUT: Milliseconds = 10_000;
/** Added to the grace time: stopping the actors and closing comes after the program's own drain. */
const DRAIN_MARGIN: Milliseconds = 6_000;
/** What a shard gets to close and leave when it did not manage to drain. */
const LEAVE_TIMEOUT: Milliseconds = 3_000;

export interface SupervisorOptions {
  /** Number of shards, at least 1. */
  readonly shards: number;
  /** Module exporting `program: ShardProgram`. */
  readonly program: URL;
  /** Handed to every shard; plain data. */
  readonly config: unknown;
  /** Handed to every shard too: memory that all threads use, such as a `SharedArrayBuffer`. */
  readonly shared?: unknown;
  /** Main's actor system and its bus. */
  readonly system: ActorSystem;
  readonly bus: PortBus;
  readonly clock: Clock;
  readonly log: Logger;
  readonly logLevel: LogLevel;
  /** Takes log lines of the shards, joined by line breaks. */
  readonly writeLines: (lines: string) => void;
  /** Called after each restart that succeeded. */
  readonly onRestarted?: (place: number) => void;
}

interface Place {
  readonly number: number;
  shard: ShardThread | null;
  /** Failures in a row. */
  failures: number;
  restart: Timer | null;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #places: Place[];
  #config: unknown;
  #logLevel: LogLevel;
  #ports: BoundPorts = {};
  #lastThread = 0;
  #phase: 'idle' | 'starting' | 'serving' | 'draining' = 'idle';
  #drained: Promise<boolean> | null = null;
  #keepAlive: NodeJS.Timeout | null = null;
  /** Threads being started, with what to call when their directory news have arrived. */
  readonly #arriving = new Map<number, () => void>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#config = options.config;
    this.#logLevel = options.logLevel;
    this.#places = Array.from({ length: Math.max(1, options.shards) }, (_, index) => ({
      number: index + 1,
      shard: null,
      failures: 0,
      restart: null,
    }));
    options.system.subscribe(SERVING_TOPIC, (_, thread) => this.#arriving.get(thread)?.());
  }

  /** Ports the first shard has bound. */
  get ports(): BoundPorts {
    return this.#ports;
  }

  /**
   * Starts all shards. When all are ready they listen, the first one before the others, which get its ports. Rejects
   * with the error of the shard that cannot start; all threads have ended then.
   */
  async start(): Promise<BoundPorts> {
    if (this.#phase !== 'idle') throw new Error('the supervisor has been started already');
    this.#phase = 'starting';
    // While a shard waits for its restart, nothing else may be keeping the process alive.
    this.#keepAlive = setInterval(() => undefined, 2 ** 30);
    try {
      for (const place of this.#places) this.#launch(place);
      await Promise.all(this.#places.map((place) => this.#begin(place)));
      if (this.#phase !== 'starting') throw new Error('stopped while starting');
      const [first, ...others] = this.#places;
      if (first !== undefined) this.#ports = await this.#listen(first);
      await Promise.all(others.map((place) => this.#listen(place)));
      if (this.#phase !== 'starting') throw new Error('stopped while starting');
      this.#phase = 'serving';
      // A shard that ended between its own start and the last one's.
      for (const place of this.#places) if (place.shard === null) this.#restartLater(place);
    } catch (error) {
      await this.drain(0);
      throw error;
    }
    return this.#ports;
  }

  /**
   * Ends every shard in order within `graceMs`, by force of `close` a little later. True when all threads have
   * ended. Later calls get the result of the first. Rejects never.
   */
  drain(graceMs: Milliseconds): Promise<boolean> {
    this.#drained ??= this.#drain(graceMs);
    return this.#drained;
  }

  /** Of every shard that answers within a second. */
  async stats(): Promise<ShardStats[]> {
    const answers = await Promise.allSettled(
      this.#shards().map((shard) => shard.call((control) => control.stats(), STATS_TIMEOUT)),
    );
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
  }

  /** Hands a new configuration to every shard, also to those restarted later. A shard that fails is logged. */
  async reload(config: unknown, logLevel: LogLevel): Promise<void> {
    this.#config = config;
    this.#logLevel = logLevel;
    await Promise.all(
      this.#shards().map((shard) =>
        shard
          .call((control) => control.reload(config, logLevel), RELOAD_TIMEOUT)
          .catch((error: Error) =>
            this.#options.log.error(`shard ${shard.place}: reload failed: ${error.message}`),
          ),
      ),
    );
  }

  /** Shards whose thread lives. */
  #shards(): ShardThread[] {
    return this.#places.flatMap(({ shard }) => (shard?.alive ? [shard] : []));
  }

  /** Makes the thread and connects it with main and every shard there is. */
  #launch(place: Place): void {
    const { program, shared, bus, clock, log, writeLines } = this.#options;
    const thread = ++this.#lastThread;
    const links: Link[] = this.#shards().map((other) => {
      const { port1, port2 } = new MessageChannel();
      other.link({ thread, port: port1 });
      return { thread: other.thread, port: port2 };
    });
    const { port1, port2 } = new MessageChannel();
    links.push({ thread: 0, port: port2 });
    const shard = new ShardThread({
      thread,
      place: place.number,
      shards: this.#places.length,
      program,
      shared,
      logLevel: this.#logLevel,
      links,
      clock,
      log,
      writeLines,
    });
    place.shard = shard;
    void bus.connect(thread, port1);
    void shard.exited.then((code) => this.#ended(place, shard, code));
  }

  async #begin(place: Place): Promise<void> {
    await this.#shardOf(place).call((control) => control.start(this.#config));
  }

  async #listen(place: Place): Promise<BoundPorts> {
    const shard = this.#shardOf(place);
    const { thread } = shard;
    // The answer comes by another port than the directory news, so it may overtake them.
    const arrived = new Promise<void>((resolve) => this.#arriving.set(thread, resolve));
    const listening = shard.call(async (control) => {
      const ports = await control.listen(this.#ports);
      await arrived;
      return ports;
    });
    const ports = await listening.finally(() => this.#arriving.delete(thread));
    shard.servingSince = this.#options.clock.now();
    return ports;
  }

  #shardOf({ number, shard }: Place): ShardThread {
    if (shard === null) throw new Error(`shard ${number} ended before it started`);
    return shard;
  }

  #ended(place: Place, shard: ShardThread, code: number): void {
    place.shard = null;
    if (this.#phase === 'draining') return;
    this.#options.log.error(`shard ${place.number} ended unexpectedly with code ${code}`);
    const { servingSince } = shard;
    const healthy = servingSince !== null && this.#options.clock.now() - servingSince >= HEALTHY_AFTER;
    place.failures = healthy ? 1 : place.failures + 1;
    if (this.#phase === 'serving') this.#restartLater(place);
  }

  #restartLater(place: Place): void {
    const delay = restartDelay(place.failures);
    this.#options.log.info(
      `shard ${place.number} is restarted ${delay === 0 ? 'at once' : `in ${delay / 1000} s`}`,
    );
    place.restart?.cancel();
    place.restart = this.#options.clock.after(delay, () => {
      place.restart = null;
      void this.#restart(place);
    });
  }

  async #restart(place: Place): Promise<void> {
    const { log, onRestarted } = this.#options;
    try {
      this.#launch(place);
      await this.#begin(place);
      await this.#listen(place);
      log.info(`shard ${place.number} serves again`);
      onRestarted?.(place.number);
    } catch (error) {
      log.error(
        `shard ${place.number} cannot start: ${error instanceof Error ? error.message : String(error)}`,
      );
      // Its exit leads to the next attempt.
      this.#sendAway(place.shard);
    }
  }

  #sendAway(shard: ShardThread | null): void {
    shard?.call((control) => control.leave(), LEAVE_TIMEOUT).catch(() => undefined);
  }

  async #drain(graceMs: Milliseconds): Promise<boolean> {
    this.#phase = 'draining';
    for (const place of this.#places) place.restart?.cancel();
    const ended = await Promise.all(this.#shards().map((shard) => this.#drainShard(shard, graceMs)));
    if (this.#keepAlive !== null) clearInterval(this.#keepAlive);
    return ended.every(Boolean);
  }

  async #drainShard(shard: ShardThread, graceMs: Milliseconds): Promise<boolean> {
    // The call rejects when the thread is gone before the answer is read, which is what is wanted.
    shard.call((control) => control.drain(graceMs), graceMs + DRAIN_MARGIN).catch(() => undefined);
    if (await this.#endsWithin(shard, graceMs + DRAIN_MARGIN)) return true;
    this.#options.log.error(`shard ${shard.place} did not drain in time and is closed`);
    this.#sendAway(shard);
    const ended = await this.#endsWithin(shard, LEAVE_TIMEOUT);
    if (!ended) this.#options.log.error(`shard ${shard.place} does not react and cannot be ended`);
    return ended;
  }

  #endsWithin(shard: ShardThread, limit: Milliseconds): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(limit, () => resolve(false));
      void shard.exited.then(() => {
        timer.cancel();
        resolve(true);
      });
    });
  }
}
