/** How often something may happen in some length of time, by key. */

import { AppError } from '../../errors.js';
import type { Milliseconds } from '../../time.js';
import { ExpiringMap } from '../expiring-map.js';

export interface Allowance {
  readonly most: number;
  readonly within: Milliseconds;
}

/** ~150 bytes each: below 2 MiB an allowance. */
const CAPACITY = 10_000;

interface Spending {
  count: number;
  readonly until: Milliseconds;
}

/** A time of the given length begins with the first thing spent in it. */
export class Budget {
  readonly #books: readonly {
    readonly allowance: Allowance;
    readonly spent: ExpiringMap<string, Spending>;
  }[];

  constructor(...allowances: readonly Allowance[]) {
    this.#books = allowances.map((allowance) => ({ allowance, spent: new ExpiringMap(CAPACITY) }));
  }

  /** Throws `AppError` 429, with the time to wait, when nothing is left. */
  assertLeft(key: string, now: Milliseconds): void {
    let wait = 0;
    for (const { allowance, spent } of this.#books) {
      const spending = spent.get(key, now);
      if (spending !== undefined && spending.count >= allowance.most)
        wait = Math.max(wait, spending.until - now);
    }
    if (wait > 0) throw new AppError('too_many_requests', { retryAfterSeconds: Math.ceil(wait / 1000) });
  }

  spend(key: string, now: Milliseconds): void {
    for (const { allowance, spent } of this.#books) {
      const spending = spent.get(key, now);
      const until = now + allowance.within;
      if (spending === undefined) spent.set(key, { count: 1, until }, until, now);
      else spending.count += 1;
    }
  }

  /** What was spent once was well spent. */
  giveBack(key: string, now: Milliseconds): void {
    for (const { spent } of this.#books) {
      const spending = spent.get(key, now);
      if (spending !== undefined) spending.count = Math.max(0, spending.count - 1);
    }
  }
}
