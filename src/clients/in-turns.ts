/** Long work on the thread that answers requests: a piece, then whatever else is due, then the next piece. */

/** One piece ends at each `yield`. Works are done one after the other, so that their number costs no memory. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** `begin` is called when the works before have ended. Rejects as the work does. */
  run<Result>(begin: () => Generator<void, Result>): Promise<Result> {
    const mine = this.#last.then(() => inTurns(begin()));
    this.#last = mine.catch(() => undefined);
    return mine;
  }

  /** The first piece at once, which is all there is to most works; the others, if any, like `run`. */
  soon<Result>(work: Generator<void, Result>): Result | Promise<Result> {
    const step = work.next();
    return step.done ? step.value : this.run(() => work);
  }
}

async function inTurns<Result>(work: Generator<void, Result>): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/** The whole work at once. */
export function atOnce<Result>(work: Generator<void, Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done) return step.value;
  }
}
