import type { Logger } from '../../logging/logger.js';
import type { SessionRepository } from '../../store/types.js';
import type { Clock, Milliseconds, Timer } from '../../time.js';

const EVERY: Milliseconds = 60 * 60_000;

/** Removes ended sessions every hour. One thread does it. Returns the function that stops it. */
export function startSessionPurge(sessions: SessionRepository, clock: Clock, log: Logger): () => void {
  let timer: Timer;
  let stopped = false;
  const arm = (): void => {
    if (!stopped) timer = clock.after(EVERY, () => void purge());
  };
  const purge = async (): Promise<void> => {
    try {
      const count = await sessions.removeExpired(clock.now());
      if (count > 0) log.debug(`removed ${count} expired api sessions`);
    } catch (error) {
      log.error(`failed to remove expired api sessions: ${(error as Error).message}`);
    }
    arm();
  };
  arm();
  return () => {
    stopped = true;
    timer.cancel();
  };
}
