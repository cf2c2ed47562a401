/** Work done one piece after the other, in the order it was asked for. */

import { AppError } from '../../errors.js';
import type { Clock, Milliseconds } from '../../time.js';

export interface Turns {
  /** Rejects with `AppError` 503 when the work takes too long, or after `close`; else as the work does. */
  take<Result>(work: () => Promise<Result>): Promise<Result>;
  /** Nothing begins any more. Resolves when the work under way has ended. */
  close(): Promise<void>;
}

/**
 * Sources of users have time-outs of their own. Work that outlasts even this is given up, so that a database that
 * hangs does not end all changes until the next start; shorter than what askers wait (30 s).
 */
const LONGEST_TURN: Milliseconds = 20_000;

export function makeTurns(clock: Clock): Turns {
  let last: Promise<unknown> = Promise.resolve();
  let closed = false;

  const limited = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (closed) throw new AppError('overloaded');
    let giveUp: (reason: AppError) => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      giveUp = reject;
    });
    const timer = clock.after(LONGEST_TURN, () => giveUp(new AppError('timeout')));
    try {
      return await Promise.race([work(), late]);
    } finally {
      timer.cancel();
    }
  };

  return {
    take(work) {
      const turn = last.then(() => limited(work));
      last = turn.catch(() => undefined);
      return turn;
    },
    async close() {
      closed = true;
      await last;
    },
  };
}
