/**
 * What a multi-job has for its one listener, in the order it came. The listener pulls; agents get room for more output
 * as it does. Only one thread touches it.
 */

import type { ClientId, JobId } from '../../ids.js';
import type { StreamName } from './messages.js';

/** What a WebSocket client is told. Spec 04 §12.4. */
export type JobOutputEvent =
  | {
      readonly type: 'partial';
      readonly jid: JobId;
      readonly clientId: ClientId;
      readonly clientName: string;
      readonly stream: StreamName;
      /** Never half a character. */
      readonly text: string;
    }
  /** The last of one job: the bytes of its agent, or JSON made here when the agent has sent none. */
  | { readonly type: 'final'; readonly jid: JobId; readonly body: Uint8Array | string };

/** Of one multi-job. */
export interface JobOutputs {
  /** The next event; `null` when there will be none. One call at a time. */
  next(): Promise<JobOutputEvent | null>;
  /** Nobody listens any more: what comes is read and dropped. The jobs go on. */
  close(): void;
}

export type QueuedPartial = Extract<JobOutputEvent, { type: 'partial' }> & { readonly bytes: number };
type QueuedFinal = {
  readonly type: 'final';
  readonly jid: JobId;
  /** `null`: too much waits already; it is made of the stored job when its turn comes. */
  readonly body: Uint8Array | string | null;
};
type Queued = QueuedPartial | QueuedFinal;

export interface QueueOwner {
  /** The listener has taken output of a stream. */
  taken(partial: QueuedPartial): void;
  /** A stored job as JSON; waits until its end is stored. */
  stored(jid: JobId): Promise<string>;
}

/**
 * Bytes of finals that wait. Results have up to 32 MiB, a fleet can have thousands of them; those beyond it are read
 * from the store when the listener gets there.
 */
const MOST_WAITING_BYTES = 16 * 1024 * 1024;

export class OutputQueue implements JobOutputs {
  readonly #owner: QueueOwner;
  #queue: Queued[] = [];
  #waitingBytes = 0;
  #waiter: (() => void) | null = null;
  #ended = false;
  #closed = false;

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  get closed(): boolean {
    return this.#closed;
  }

  partial(event: QueuedPartial): void {
    if (this.#closed || event.text === '') this.#owner.taken(event);
    else this.#add(event);
  }

  final(jid: JobId, body: Uint8Array | string | null): void {
    if (this.#closed) return;
    const size = body?.length ?? 0;
    if (this.#waitingBytes + size > MOST_WAITING_BYTES) {
      this.#add({ type: 'final', jid, body: null });
      return;
    }
    this.#waitingBytes += size;
    this.#add({ type: 'final', jid, body });
  }

  /** Nothing more will come; what waits is still delivered. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const waiting = this.#queue;
    this.#queue = [];
    this.#waitingBytes = 0;
    for (const event of waiting) if (event.type === 'partial') this.#owner.taken(event);
    this.#wake();
  }

  async next(): Promise<JobOutputEvent | null> {
    for (;;) {
      if (this.#closed) return null;
      const event = this.#queue.shift();
      if (event !== undefined) return this.#deliver(event);
      if (this.#ended) return null;
      await new Promise<void>((resolve) => {
        this.#waiter = resolve;
      });
    }
  }

  async #deliver(event: Queued): Promise<JobOutputEvent> {
    if (event.type === 'partial') {
      this.#owner.taken(event);
      const { bytes: _bytes, ...partial } = event;
      return partial;
    }
    this.#waitingBytes -= event.body?.length ?? 0;
    return { type: 'final', jid: event.jid, body: event.body ?? (await this.#owner.stored(event.jid)) };
  }

  #add(event: Queued): void {
    this.#queue.push(event);
    this.#wake();
  }

  #wake(): void {
    this.#waiter?.();
    this.#waiter = null;
  }
}
