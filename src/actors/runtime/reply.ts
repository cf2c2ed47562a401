/** The receiving side of an ask: where the one reply goes. */

import { ActorError, type ActorErrorCode, type Sender } from './types.js';

export type Outcome =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: ActorErrorCode; readonly text: string; readonly data: unknown };

export const failure = (code: ActorErrorCode, text: string, data?: unknown): Outcome => ({
  ok: false,
  code,
  text,
  data,
});

export const toActorError = (outcome: Outcome & { ok: false }): ActorError =>
  new ActorError(outcome.code, outcome.text, outcome.data);

/** What a handler gets as `sender`, with what the runtime needs beside it. */
export interface ReplyTo extends Sender {
  /** An answer is still owed. */
  readonly owed: boolean;
  fail(code: ActorErrorCode, text: string): void;
}

/** The sender of a tell. */
export const NOBODY: ReplyTo = {
  owed: false,
  reply: () => undefined,
  refuse: () => undefined,
  fail: () => undefined,
};

/** The sender of an ask. */
export class Reply implements ReplyTo {
  #settle: ((outcome: Outcome) => void) | null;
  #keptIn: KeptReplies | null = null;

  /** `expiresAt`: when the asker gives up; a later answer would reach nobody. */
  constructor(
    settle: (outcome: Outcome) => void,
    readonly expiresAt: number,
  ) {
    this.#settle = settle;
  }

  get owed(): boolean {
    return this.#settle !== null;
  }

  reply(value?: unknown): void {
    this.#finish({ ok: true, value });
  }

  refuse(message: string, data?: unknown): void {
    this.#finish(failure('refused', message, data));
  }

  fail(code: ActorErrorCode, text: string): void {
    this.#finish(failure(code, text));
  }

  /** Remembered by the actor until answered. */
  keptBy(kept: KeptReplies): void {
    this.#keptIn = kept;
  }

  #finish(outcome: Outcome): void {
    const settle = this.#settle;
    if (settle === null) return;
    this.#settle = null;
    this.#keptIn?.forget(this);
    settle(outcome);
  }
}

/** Below this number of kept replies nobody looks for expired ones. */
const FIRST_SWEEP = 64;

/** Replies an actor owes beyond the turn of their ask. Those nobody waits for any more are swept out as it grows. */
export class KeptReplies {
  readonly #replies = new Set<Reply>();
  #sweepAt = FIRST_SWEEP;

  keep(reply: Reply, now: number): void {
    this.#replies.add(reply);
    reply.keptBy(this);
    if (this.#replies.size < this.#sweepAt) return;
    for (const kept of this.#replies) if (kept.expiresAt <= now) this.#replies.delete(kept);
    // Doubling keeps the cost of sweeping constant per kept reply.
    this.#sweepAt = Math.max(FIRST_SWEEP, this.#replies.size * 2);
  }

  forget(reply: Reply): void {
    this.#replies.delete(reply);
  }

  failAll(code: ActorErrorCode, text: string): void {
    for (const reply of this.#replies) reply.fail(code, text);
  }
}
