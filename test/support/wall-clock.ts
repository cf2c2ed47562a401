/** A clock that can be set, while what waits goes by the time that really passes: as on a machine. */

import type { SetAlarm } from '../../src/schedules/timetable.js';
import type { Clock, Milliseconds, Timer } from '../../src/time.js';
import type { ManualClock } from './manual-clock.js';

export class WallClock implements Clock {
  #ahead: Milliseconds = 0;

  constructor(private readonly passing: ManualClock) {}

  now(): Milliseconds {
    return this.passing.now() + this.#ahead;
  }

  after(delay: Milliseconds, callback: () => void): Timer {
    return this.passing.after(delay, callback);
  }

  /** Sets it forward, or back. */
  set(by: Milliseconds): void {
    this.#ahead += by;
  }

  /** What `setSystemAlarm` does with the machine's clock: waits, and waits on if the clock was set back meanwhile. */
  readonly setAlarm: SetAlarm = (at, ring) => {
    let timer: Timer;
    const arm = (): void => {
      timer = this.passing.after(at - this.now(), () => (this.now() < at ? arm() : ring()));
    };
    arm();
    return { cancel: () => timer.cancel() };
  };
}
