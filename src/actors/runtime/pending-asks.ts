/** The asking side: every ask that has no outcome yet, each with its time-out. */

import { failure, type Outcome, toActorError } from './reply.js';
import { ActorError, type ActorRef, type Clock, type Timer } from './types.js';

/** An ask may not wait longer than this, whatever was passed (also for NaN and Infinity). */
const LONGEST_ASK_MS = 3_600_000;
/** Open asks of one thread, ≈ 100 MB of them; beyond it asks are refused as `overloaded`. */
export const MOST_PENDING_ASKS = 200_000;

interface Pending {
  /** The thread that will answer. */
  readonly thread: number;
  readonly timer: Timer;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: ActorError) => void;
}

export class PendingAsks {
  readonly #byId = new Map<number, Pending>();
  #lastId = 0;

  constructor(private readonly clock: Clock) {}

  get size(): number {
    return this.#byId.size;
  }

  /** Starts waiting; `settle` with the id ends it, and so does the time-out. */
  open(to: ActorRef, thread: number, timeoutMs: number): { id: number; outcome: Promise<unknown> } {
    const id = ++this.#lastId;
    const delay = boundedTimeout(timeoutMs);
    const outcome = new Promise<unknown>((resolve, reject) => {
      const timer = this.clock.after(delay, () => {
        this.settle(id, failure('timeout', `${to.kind} ${to.id} did not reply within ${delay} ms`));
      });
      this.#byId.set(id, { thread, timer, resolve, reject });
    });
    return { id, outcome };
  }

  /** Ends an ask. One that has ended already is left alone: a late reply reaches nobody. */
  settle(id: number, outcome: Outcome): void {
    const pending = this.#byId.get(id);
    if (pending === undefined) return;
    this.#byId.delete(id);
    pending.timer.cancel();
    if (outcome.ok) pending.resolve(outcome.value);
    else pending.reject(toActorError(outcome));
  }

  /** Ends every ask that a dead thread would have answered. */
  loseThread(thread: number): void {
    for (const [id, pending] of this.#byId) {
      if (pending.thread === thread) this.settle(id, failure('stopped', `thread ${thread} is gone`));
    }
  }
}

export const boundedTimeout = (timeoutMs: number): number =>
  timeoutMs <= LONGEST_ASK_MS ? Math.max(timeoutMs, 0) : LONGEST_ASK_MS;

export const rejected = (code: ActorError['code'], text: string): Promise<never> =>
  Promise.reject(new ActorError(code, text));
