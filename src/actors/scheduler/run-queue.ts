/**
 * Schedules that are due and wait for a shard to start them. Some at a time, taking turns with the shards, however many
 * are due in the same minute. Each is there once.
 */

import type { JobId, ScheduleId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { Milliseconds } from '../../time.js';
import { ActorError, type ActorRef, type ActorSystem } from '../runtime/types.js';
import type { RunMessage, RunOutcome } from '../schedule-runner/messages.js';

/**
 * Starts on their way, over all shards. A start is a commit and a flush, some milliseconds that are shared by those that
 * come together: this many get a thousand started within a second.
 */
const MOST_STARTING = 32;
/** Looking up a user may take a database, finding clients by their tags a fleet. */
const RUN_TIMEOUT: Milliseconds = 60_000;

export class RunQueue {
  readonly #waiting = new Set<ScheduleId>();
  readonly #starting = new Map<ScheduleId, Promise<void>>();
  readonly #previous = new Map<ScheduleId, JobId>();
  /** The last line about each. */
  readonly #said = new Map<ScheduleId, string>();
  #runners: ActorRef[] = [];

  constructor(
    private readonly system: Pick<ActorSystem, 'ask' | 'locate'>,
    private readonly log: Pick<Logger, 'info'>,
  ) {}

  /** A shard is ready. */
  addRunner(runner: ActorRef): void {
    this.#runners.push(runner);
    this.#pump();
  }

  add(id: ScheduleId): void {
    if (this.#waiting.has(id) || this.#starting.has(id)) {
      this.#say(id, 'is not run: its run before has not been started yet');
      return;
    }
    this.#waiting.add(id);
    this.#pump();
  }

  /** Nothing of it is started any more once this has resolved. */
  async remove(id: ScheduleId): Promise<void> {
    this.#waiting.delete(id);
    await this.#starting.get(id);
    this.#previous.delete(id);
    this.#said.delete(id);
  }

  /** No further starts; resolves when those on their way have an outcome. */
  async stop(): Promise<void> {
    this.#runners = [];
    this.#waiting.clear();
    await Promise.all(this.#starting.values());
  }

  #pump(): void {
    for (const id of this.#waiting) {
      if (this.#starting.size >= MOST_STARTING) return;
      const runner = this.#nextRunner();
      // The next one that is ready goes on.
      if (runner === undefined) return;
      this.#waiting.delete(id);
      const start = this.#start(runner, id).finally(() => {
        this.#starting.delete(id);
        this.#pump();
      });
      this.#starting.set(id, start);
    }
  }

  #nextRunner(): ActorRef | undefined {
    this.#runners = this.#runners.filter((runner) => this.system.locate(runner) !== undefined);
    const next = this.#runners.shift();
    if (next !== undefined) this.#runners.push(next);
    return next;
  }

  async #start(runner: ActorRef, id: ScheduleId): Promise<void> {
    const message: RunMessage = { type: 'run', id, previous: this.#previous.get(id) ?? null };
    try {
      const outcome = await this.system.ask<RunOutcome>(runner, message, { timeoutMs: RUN_TIMEOUT });
      if (outcome.kind === 'started') {
        this.#previous.set(id, outcome.multiJobId);
        this.#say(id, outcome.note === '' ? '' : `is run without some: ${outcome.note}`);
      } else if (outcome.kind === 'refused') this.#say(id, `is not run: ${outcome.reason}`);
    } catch (error) {
      if (error instanceof ActorError && error.code === 'no_such_actor') {
        // Its shard has just gone; nothing has been started.
        this.#waiting.add(id);
        return;
      }
      this.#say(id, `may not have been run: ${(error as Error).message}`);
    }
  }

  /** The same again and again is said once: some are due every second. */
  #say(id: ScheduleId, text: string): void {
    if (this.#said.get(id) === text) return;
    this.#said.set(id, text);
    if (text !== '') this.log.info(`schedule ${id} ${text}`);
  }
}
