/**
 * Looks now and then whether those are still there in whose names schedules run. A user who is taken out of a users file
 * or a table by hand is noticed by this even if nothing of his is due before somebody else gets his name.
 */

import type { ScheduleId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { Schedule } from '../../schedules/schedule.js';

/** Of the user who has the name, `null` when nobody has it, which is noted. Rejects when users cannot be read. */
export type TenureOf = (username: string) => Promise<number | null>;

export class NameWatch {
  readonly #names = new Map<ScheduleId, readonly string[]>();
  #stopped = false;

  constructor(
    private readonly tenureOf: TenureOf,
    private readonly log: Pick<Logger, 'error'>,
  ) {}

  put({ id, createdBy, updatedBy }: Schedule): void {
    this.#names.set(id, [createdBy, updatedBy]);
  }

  remove(id: ScheduleId): void {
    this.#names.delete(id);
  }

  /** Nothing is looked up any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Each name once, one after the other: a database has more to do. Never rejects. */
  async check(): Promise<void> {
    for (const username of new Set([...this.#names.values()].flat())) {
      if (this.#stopped) return;
      try {
        await this.tenureOf(username);
      } catch (error) {
        this.log.error(`users of schedules cannot be looked up: ${(error as Error).message}`);
        return;
      }
    }
  }
}
