/** Gives actors with waiting messages their turns, without starving the event loop. */

import { Queue } from './queue.js';

/** Handlers take up to some 50 µs, so a full turn stays near 25 ms in the worst case and near 1 ms usually. */
const MESSAGES_PER_TURN = 512;
/** In a row for one actor; small enough that a flooded actor delays its neighbours by a fraction of a turn. */
const MESSAGES_IN_A_ROW = 64;

export interface Runnable {
  /** Handles up to `limit` messages; returns how many. Queues itself again when more are waiting. */
  run(limit: number): number;
}

/**
 * Work starts in a microtask, right after the callback that enqueued it. The count of handled messages is kept per
 * turn of the event loop; when it is used up, the rest waits for the next turn.
 */
export class Dispatcher {
  readonly #ready = new Queue<Runnable>();
  #handled = 0;
  #running = false;
  #microtaskDue = false;
  #turnOpen = false;

  /** Puts an actor at the end of the line. The caller sees to it that it stands there only once. */
  enqueue(actor: Runnable): void {
    this.#ready.push(actor);
    if (this.#running || this.#microtaskDue || this.#handled >= MESSAGES_PER_TURN) return;
    this.#microtaskDue = true;
    queueMicrotask(() => {
      this.#microtaskDue = false;
      this.#run();
    });
  }

  #run(): void {
    if (!this.#turnOpen) {
      this.#turnOpen = true;
      setImmediate(() => {
        this.#turnOpen = false;
        this.#handled = 0;
        if (this.#ready.size > 0) this.#run();
      });
    }
    this.#running = true;
    try {
      while (this.#handled < MESSAGES_PER_TURN) {
        const actor = this.#ready.shift();
        if (actor === undefined) break;
        this.#handled += actor.run(Math.min(MESSAGES_IN_A_ROW, MESSAGES_PER_TURN - this.#handled));
      }
    } finally {
      this.#running = false;
    }
  }
}
