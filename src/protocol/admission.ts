/**
 * How many agents may be in their handshake at a time. A handshake costs 1–2 ms of CPU spread over several
 * round trips: too few at a time leave the CPU idle while agents are far away, too many starve the agents and
 * users already connected. So the limit follows the load of this thread. Spec 01 §2.7.
 */

import type { Clock, Milliseconds, Timer } from '../time.js';

/** A free slot count to begin with; a reconnecting fleet doubles it within a second when the CPU allows. */
const INITIAL_LIMIT = 16;
const MIN_LIMIT = 4;

/** Upper bound of one shard when none is configured: 64 handshakes in flight at 5 round trips of 100 ms each
 * are 128 agents per second and thread; nearer fleets are limited by the CPU, not by this. */
export const AUTOMATIC_MAX_HANDSHAKES = 64;

/** Upgrades that may wait; agents give up after 5 minutes, in which some 100 000 are served. */
export const MAX_WAITING_HANDSHAKES = 20_000;

/** How often the limit is looked at while handshakes wait. */
const ADJUST_INTERVAL: Milliseconds = 100;
/** Busy share of the thread above which the limit shrinks by a quarter, and below which it grows by 4. */
const BUSY = 0.95;
const CALM = 0.85;
const GROWTH = 4;
const SHRINK = 0.75;

export interface AdmissionOptions {
  /** Upper bound, at least 1. */
  readonly max: number;
  readonly clock: Clock;
  /** Share of the time since the last call that this thread was busy, 0 to 1. */
  readonly utilization: () => number;
  readonly maxWaiting?: number;
}

/** A place in a handshake slot or in the queue for one. */
export interface Ticket {
  /** Gives the slot back, or leaves the queue. Further calls do nothing. */
  release(): void;
}

export class Admission {
  readonly #max: number;
  readonly #min: number;
  readonly #maxWaiting: number;
  readonly #clock: Clock;
  readonly #utilization: () => number;
  /** By address, the next one to be served first. */
  readonly #waiting = new Map<string, Set<() => void>>();
  #waitingCount = 0;
  #limit: number;
  #taken = 0;
  #timer: Timer | null = null;

  constructor(options: AdmissionOptions) {
    this.#max = Math.max(1, options.max);
    this.#min = Math.min(MIN_LIMIT, this.#max);
    this.#limit = Math.min(INITIAL_LIMIT, this.#max);
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING_HANDSHAKES;
    this.#clock = options.clock;
    this.#utilization = options.utilization;
  }

  get limit(): number {
    return this.#limit;
  }

  get taken(): number {
    return this.#taken;
  }

  get waiting(): number {
    return this.#waitingCount;
  }

  /**
   * Calls `enter` when a slot is free, perhaps at once. Addresses take turns, so that nobody can keep the others
   * out by asking often; requests from one are served in their order. `null`: too many wait already, and `enter`
   * will not be called.
   */
  request(enter: (ticket: Ticket) => void, address = ''): Ticket | null {
    if (this.#waitingCount >= this.#maxWaiting) return null;
    let state: 'waiting' | 'inside' | 'gone' = 'waiting';
    const ticket: Ticket = {
      release: () => {
        if (state === 'inside') this.#taken -= 1;
        else this.#leave(address, start);
        if (state !== 'gone') {
          state = 'gone';
          this.#admit();
        }
      },
    };
    const start = (): void => {
      state = 'inside';
      this.#taken += 1;
      enter(ticket);
    };
    const row = this.#waiting.get(address);
    if (row === undefined) this.#waiting.set(address, new Set([start]));
    else row.add(start);
    this.#waitingCount += 1;
    this.#admit();
    return ticket;
  }

  /** Nobody enters any more. */
  stop(): void {
    this.#waiting.clear();
    this.#waitingCount = 0;
    this.#timer?.cancel();
    this.#timer = null;
  }

  #admit(): void {
    while (this.#waitingCount > 0 && this.#taken < this.#limit) this.#next()?.();
    if (this.#waitingCount > 0 && this.#timer === null) {
      this.#utilization();
      this.#watch();
    }
  }

  #watch(): void {
    this.#timer = this.#clock.after(ADJUST_INTERVAL, () => {
      this.#timer = null;
      const busy = this.#utilization();
      if (busy > BUSY) this.#limit = Math.max(this.#min, Math.floor(this.#limit * SHRINK));
      else if (busy < CALM) this.#limit = Math.min(this.#max, this.#limit + GROWTH);
      this.#admit();
      if (this.#waitingCount > 0 && this.#timer === null) this.#watch();
    });
  }

  /** Takes the first of the address whose turn it is; the address then waits for its next turn. */
  #next(): (() => void) | undefined {
    for (const [address, row] of this.#waiting) {
      this.#waiting.delete(address);
      this.#waiting.set(address, row);
      for (const start of row) {
        this.#leave(address, start);
        return start;
      }
    }
    return undefined;
  }

  #leave(address: string, start: () => void): void {
    const row = this.#waiting.get(address);
    if (row === undefined || !row.delete(start)) return;
    this.#waitingCount -= 1;
    if (row.size === 0) this.#waiting.delete(address);
  }
}
