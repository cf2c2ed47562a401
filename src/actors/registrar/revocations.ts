/** Which logins do not count any more because their credential was deleted. */

import type { Milliseconds } from '../../time.js';

/** A session must name its client within five minutes of its login, and waits 20 s for an answer. */
const KEPT: Milliseconds = 600_000;
/** Credentials deleted within that time. */
const MOST_KEPT = 10_000;

export class Revocations {
  /** When each credential was deleted, oldest first; infinite while that is going on. */
  readonly #revoked = new Map<string, Milliseconds>();

  /** No login with this credential counts, whenever it was. */
  begin(authId: string): void {
    this.#revoked.delete(authId);
    this.#revoked.set(authId, Number.POSITIVE_INFINITY);
  }

  /** The credential is gone everywhere: who logs in from now on has a new one. */
  finish(authId: string, now: Milliseconds): void {
    this.#revoked.delete(authId);
    this.#revoked.set(authId, now);
    for (const [oldest, at] of this.#revoked) {
      if (at + KEPT > now && this.#revoked.size <= MOST_KEPT) break;
      this.#revoked.delete(oldest);
    }
  }

  /** The credential stays after all. */
  cancel(authId: string): void {
    this.#revoked.delete(authId);
  }

  /** Whether a login at `loggedInAt` came too early, or at a bad moment. */
  concern(authId: string, loggedInAt: Milliseconds): boolean {
    const at = this.#revoked.get(authId);
    return at !== undefined && loggedInAt <= at;
  }
}
