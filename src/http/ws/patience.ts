/** Waiting for a reader to read, as long as he does. */

import type { Clock, Milliseconds, Timer } from '../../time.js';
import { type ApiSocket, closeCodes } from './websocket-route.js';

/** A reader that takes nothing in this time is given up. Real ones that are slow take something every second. */
const PATIENCE: Milliseconds = 30_000;

export class Patience {
  readonly #socket: ApiSocket;
  readonly #clock: Clock;
  #timer: Timer | null = null;
  #resolve: ((stillThere: boolean) => void) | null = null;

  constructor(socket: ApiSocket, clock: Clock) {
    this.#socket = socket;
    this.#clock = clock;
  }

  /** After `send` has said `false`. Resolves with whether the reader is still there; who takes nothing is closed. */
  untilTaken(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#resolve = resolve;
      this.#watch(this.#socket.bufferedBytes());
    });
  }

  /** To be called in `onDrain`. */
  drained(): void {
    this.#end(true);
  }

  /** To be called in `onClose`. */
  closed(): void {
    this.#end(false);
  }

  #watch(before: number): void {
    this.#timer = this.#clock.after(PATIENCE, () => {
      const now = this.#socket.bufferedBytes();
      if (now > 0 && now < before) {
        this.#watch(now);
        return;
      }
      this.#socket.close(closeCodes.tooSlow, 'nothing was read for too long');
      this.#end(false);
    });
  }

  #end(stillThere: boolean): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#resolve?.(stillThere);
    this.#resolve = null;
  }
}
