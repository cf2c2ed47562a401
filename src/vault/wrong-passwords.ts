/** How long the vault must be left alone after wrong passwords. One count for the whole server; memory only. */

import type { Milliseconds } from '../time.js';

/** Slips that cost nothing but the derivation of a key. */
const FREE = 5;
const FIRST_WAIT: Milliseconds = 1_000;
/** A guess a minute is 500 000 a year, of at least 2^32; more would let a guesser keep the owner out for long. */
const LONGEST_WAIT: Milliseconds = 60_000;
/** Failures are forgotten after this time without one. */
const MEMORY: Milliseconds = 60 * 60 * 1000;

export class WrongPasswords {
  #inARow = 0;
  #last: Milliseconds = 0;

  get inARow(): number {
    return this.#inARow;
  }

  /** Time until the next password is looked at; 0 = now. */
  waitLeft(now: Milliseconds): Milliseconds {
    const wait = this.#wait();
    // A clock that is set back must not make it longer.
    return Math.max(0, Math.min(wait, this.#last + wait - now));
  }

  failed(now: Milliseconds): void {
    if (now - this.#last > MEMORY) this.#inARow = 0;
    this.#inARow += 1;
    this.#last = now;
  }

  succeeded(): void {
    this.#inARow = 0;
  }

  #wait(): Milliseconds {
    const beyond = this.#inARow - FREE;
    return beyond < 0 ? 0 : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** beyond);
  }
}
