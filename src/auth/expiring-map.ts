/** A map whose entries end by themselves and whose size has a bound. */

import type { Milliseconds } from '../time.js';

interface Entry<Value> {
  readonly value: Value;
  readonly until: Milliseconds;
}

/**
 * Entries set later are expected to end later (every entry of one map lives equally long), so ended ones are
 * found at the front. Beyond `capacity` the entry that was set the longest ago is dropped.
 */
export class ExpiringMap<Key, Value> {
  readonly #entries = new Map<Key, Entry<Value>>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Key, now: Milliseconds): Value | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.until > now ? entry.value : undefined;
  }

  /** How long the entry still lives; 0 without one. */
  left(key: Key, now: Milliseconds): Milliseconds {
    return Math.max(0, (this.#entries.get(key)?.until ?? now) - now);
  }

  set(key: Key, value: Value, until: Milliseconds, now: Milliseconds): void {
    this.#entries.delete(key);
    this.#entries.set(key, { value, until });
    for (const [oldest, entry] of this.#entries) {
      if (entry.until > now && this.#entries.size <= this.#capacity) break;
      this.#entries.delete(oldest);
    }
  }

  delete(key: Key): boolean {
    return this.#entries.delete(key);
  }

  clear(): void {
    this.#entries.clear();
  }

  /** Entries that have not ended, oldest first. */
  *live(now: Milliseconds): Generator<readonly [Key, Value, Milliseconds]> {
    for (const [key, entry] of this.#entries) {
      if (entry.until > now) yield [key, entry.value, entry.until];
    }
  }
}
