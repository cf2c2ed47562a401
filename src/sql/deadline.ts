import type { Clock, Milliseconds } from '../time.js';

const LONGEST_TIMER: Milliseconds = 2 ** 31 - 1;

/**
 * What `running` gives, unless that takes longer than `limit`: then rejects with what `tooLate` returns, and nobody
 * hears of the end of `running` any more.
 */
export function within<Result>(
  clock: Clock,
  limit: Milliseconds,
  running: Promise<Result>,
  tooLate: () => Error,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(limit, () => reject(tooLate()));
    running.then(resolve, reject).finally(() => timer.cancel());
  });
}

/** Keeps the process alive, which a timer of the clock does not. */
export async function pause(clock: Clock, length: Milliseconds): Promise<void> {
  const hold = setInterval(() => undefined, LONGEST_TIMER);
  try {
    await new Promise<void>((resolve) => {
      clock.after(length, resolve);
    });
  } finally {
    clearInterval(hold);
  }
}
