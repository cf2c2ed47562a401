/**
 * Looks now and then whether those are still there who have something that works without them. A user who is taken out
 * of a users file or a table by hand is noticed by this even if nothing of his is used before somebody else gets his name.
 */

import type { Milliseconds } from '../../time.js';

/** Of the user who has the name, `null` when nobody has it, which is noted. Rejects when users cannot be read. */
export type TenureOf = (username: string) => Promise<number | null>;

/** Somebody who takes a user out by hand and gives the name to another one seldom does so within a minute. */
export const WATCH_EVERY: Milliseconds = 60_000;

export interface NameWatchOptions {
  /** Asked before every look; each name is looked up once. */
  readonly names: () => Iterable<string>;
  readonly tenureOf: TenureOf;
  /** Gets the reason why users cannot be looked up. */
  readonly complain: (reason: string) => void;
}

export class NameWatch {
  readonly #options: NameWatchOptions;
  #stopped = false;

  constructor(options: NameWatchOptions) {
    this.#options = options;
  }

  /** Nothing is looked up any more. */
  stop(): void {
    this.#stopped = true;
  }

  /** One name after the other: a database has more to do. Never rejects. */
  async check(): Promise<void> {
    const { names, tenureOf, complain } = this.#options;
    try {
      for (const username of new Set(names())) {
        if (this.#stopped) return;
        await tenureOf(username);
      }
    } catch (error) {
      complain((error as Error).message);
    }
  }
}
