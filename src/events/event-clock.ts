/** Numbers events: unique in the process, rising over all threads, and close to the time. */

import type { Clock } from '../time.js';

/**
 * Numbers a millisecond has. More events than a thousand in each millisecond run ahead of the clock, which harms
 * nobody. 2^41 ms × 2^10 stays an exact number until 2248.
 */
const PER_MILLISECOND = 1024n;
/** Hexadecimal digits of an id: texts sort like their numbers. */
const DIGITS = 14;

/** The memory all threads count in. Main makes it; nothing but an `EventClock` looks into it. */
export const eventClockMemory = (): SharedArrayBuffer => new SharedArrayBuffer(8);

export class EventClock {
  readonly #last: BigInt64Array;
  readonly #clock: Clock;

  constructor(memory: SharedArrayBuffer, clock: Clock) {
    this.#last = new BigInt64Array(memory);
    this.#clock = clock;
  }

  /** A new id, higher than all before, whichever thread asked for them. */
  next(): string {
    for (;;) {
      const last = Atomics.load(this.#last, 0);
      const now = BigInt(this.#clock.now()) * PER_MILLISECOND;
      const next = now > last ? now : last + 1n;
      if (Atomics.compareExchange(this.#last, 0, last, next) === last) {
        return next.toString(16).padStart(DIGITS, '0');
      }
    }
  }

  /** Ids of an earlier run of the server, whose clock may have been ahead. */
  startAfter(id: string): void {
    const number = BigInt(`0x${id}`);
    if (number > Atomics.load(this.#last, 0)) Atomics.store(this.#last, 0, number);
  }
}

export const isEventId = (text: string): boolean => /^[0-9a-f]{14}$/.test(text);
