/** Waiting until every other thread has handled all that was sent before: frames of one thread stay in order. */

import type { Bus } from './bus.js';
import type { Clock, Timer } from './types.js';

/** A thread that is stuck must not hold up the others; what it shows meanwhile is old anyway. */
const FENCE_TIMEOUT_MS = 1_000;

interface Fence {
  readonly waiting: Set<number>;
  readonly done: () => void;
  readonly timer: Timer;
}

export class Fences {
  readonly #open = new Map<number, Fence>();
  #lastId = 0;

  constructor(
    private readonly bus: Bus,
    private readonly clock: Clock,
  ) {}

  /** Resolves when the frames sent up to now have been handled everywhere. Never rejects. */
  raise(): Promise<void> {
    const waiting = new Set(this.bus.threads);
    if (waiting.size === 0) return Promise.resolve();
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise((done) => {
      const timer = this.clock.after(FENCE_TIMEOUT_MS, () => this.#end(id));
      this.#open.set(id, { waiting, done, timer });
      this.bus.broadcast(['fence', id]);
    });
  }

  /** `thread` has come as far as the fence. */
  passed(id: number, thread: number): void {
    const fence = this.#open.get(id);
    if (fence === undefined) return;
    fence.waiting.delete(thread);
    if (fence.waiting.size === 0) this.#end(id);
  }

  lost(thread: number): void {
    for (const id of [...this.#open.keys()]) this.passed(id, thread);
  }

  #end(id: number): void {
    const fence = this.#open.get(id);
    if (fence === undefined) return;
    this.#open.delete(id);
    fence.timer.cancel();
    fence.done();
  }
}
