/** Closing a connection so that its last message still leaves. */

import type { Clock, Milliseconds, Timer } from '../time.js';
import type { ByteSocket } from './byte-socket.js';

export interface HangUp {
  /** Closes at once, or after what is buffered has left, at most `graceMs` later. First call counts. */
  (graceMs: Milliseconds): void;
  /** The socket is gone. */
  done(): void;
}

/** Makes the function for one socket. */
export const createHangUp = (socket: ByteSocket, clock: Clock): HangUp => {
  let called = false;
  let timer: Timer | null = null;
  const hangUp = (graceMs: Milliseconds): void => {
    if (called) return;
    called = true;
    if (graceMs <= 0) {
      socket.close(false);
      return;
    }
    // For a peer that does not read.
    timer = clock.after(graceMs, () => socket.close(false));
    socket.close(true);
  };
  return Object.assign(hangUp, {
    done(): void {
      called = true;
      timer?.cancel();
    },
  });
};
