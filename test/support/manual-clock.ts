import type { Clock, Milliseconds, Timer } from '../../src/time.js';

interface Alarm {
  readonly at: Milliseconds;
  readonly callback: () => void;
}

/** A clock that stands still until `advance` is called. Alarms due at the same instant ring in the order set. */
export class ManualClock implements Clock {
  #now: Milliseconds;
  readonly #alarms = new Set<Alarm>();

  constructor(start: Milliseconds = Date.UTC(2026, 0, 1)) {
    this.#now = start;
  }

  now(): Milliseconds {
    return this.#now;
  }

  after(delay: Milliseconds, callback: () => void): Timer {
    const alarm: Alarm = { at: this.#now + Math.max(delay, 0), callback };
    this.#alarms.add(alarm);
    return {
      cancel: () => {
        this.#alarms.delete(alarm);
      },
    };
  }

  /** Alarms set and neither rung nor cancelled. */
  get waiting(): number {
    return this.#alarms.size;
  }

  /** Moves time on, ringing every alarm on the way at its own instant; those set meanwhile ring too when due. */
  advance(by: Milliseconds): void {
    const end = this.#now + by;
    for (let next = this.#nextBefore(end); next !== undefined; next = this.#nextBefore(end)) {
      this.#alarms.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.callback();
    }
    this.#now = end;
  }

  #nextBefore(end: Milliseconds): Alarm | undefined {
    let first: Alarm | undefined;
    for (const alarm of this.#alarms) {
      if (alarm.at <= end && (first === undefined || alarm.at < first.at)) first = alarm;
    }
    return first;
  }
}
