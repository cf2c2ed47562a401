/** Durations carry their unit in the type's name; the clock is injected wherever time matters. */

export type Milliseconds = number;
/** Integer nanoseconds, as Go marshals a duration. Exact in a JS number up to 104 days. */
export type Nanoseconds = number;
export type Seconds = number;

/** RFC 3339 text, UTC, ending in `Z`. */
export type Instant = string;

export interface Timer {
  cancel(): void;
}

/** The only source of time for code whose behaviour depends on it. Tests pass a manual one. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): Milliseconds;
  /** Runs `callback` once after `delay`; the timer never keeps the process alive. */
  after(delay: Milliseconds, callback: () => void): Timer;
}

/** Longest delay `setTimeout` takes before it wraps to 1 ms. */
const LONGEST_TIMEOUT: Milliseconds = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delay, callback) {
    let handle: NodeJS.Timeout;
    const arm = (left: Milliseconds): void => {
      const step = Math.min(Math.max(left, 0), LONGEST_TIMEOUT);
      handle = setTimeout(() => (left > step ? arm(left - step) : callback()), step);
      handle.unref();
    };
    arm(delay);
    return { cancel: () => clearTimeout(handle) };
  },
};

export const instant = (at: Milliseconds): Instant => new Date(at).toISOString();
