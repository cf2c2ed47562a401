/** What was given out to anonymous callers and is waited for: bounded in all, and per address. */

import type { Milliseconds } from '../../time.js';
import { banKey } from '../ip-address.js';

interface Entry<Value> {
  readonly value: Value;
  readonly until: Milliseconds;
  readonly address: string;
}

export interface PendingBounds {
  readonly capacity: number;
  /** Of one IPv4 address or IPv6 /64. */
  readonly perAddress: number;
}

/** Beyond a bound the oldest entry goes, first that of the same address, so that one caller cannot push out the others. */
export class PendingMap<Value> {
  readonly #entries = new Map<string, Entry<Value>>();
  readonly #keysOf = new Map<string, Set<string>>();
  readonly #bounds: PendingBounds;

  constructor(bounds: PendingBounds) {
    this.#bounds = bounds;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries of the address of `ip` that have not ended. */
  countOf(ip: string, now: Milliseconds): number {
    const keys = this.#keysOf.get(banKey(ip)) ?? [];
    return [...keys].filter((key) => this.get(key, now) !== undefined).length;
  }

  set(key: string, value: Value, ip: string, until: Milliseconds, now: Milliseconds): void {
    const address = banKey(ip);
    this.delete(key);
    const keys = this.#keysOf.get(address) ?? new Set();
    if (keys.size >= this.#bounds.perAddress) this.#deleteFirst(keys);
    this.#entries.set(key, { value, until, address });
    this.#keysOf.set(address, keys.add(key));
    for (const [oldest, entry] of this.#entries) {
      if (entry.until > now && this.#entries.size <= this.#bounds.capacity) break;
      this.delete(oldest);
    }
  }

  get(key: string, now: Milliseconds): Value | undefined {
    const entry = this.#entries.get(key);
    return entry !== undefined && entry.until > now ? entry.value : undefined;
  }

  /** Gets it once. */
  take(key: string, now: Milliseconds): Value | undefined {
    const value = this.get(key, now);
    this.delete(key);
    return value;
  }

  delete(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    const keys = this.#keysOf.get(entry.address);
    keys?.delete(key);
    if (keys?.size === 0) this.#keysOf.delete(entry.address);
  }

  #deleteFirst(keys: Set<string>): void {
    for (const first of keys) {
      this.delete(first);
      return;
    }
  }
}
