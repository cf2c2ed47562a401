import { Queue } from './queue.js';
import type { ReplyTo } from './reply.js';
import type { Lane } from './types.js';

export const DEFAULT_MAILBOX_LIMIT = 1000;
/** Messages of others in the system lane. Far above any honest use; it only keeps a mistake from eating memory. */
const SYSTEM_LIMIT = 10_000;

export interface Envelope {
  readonly message: unknown;
  readonly sender: ReplyTo;
  /** The actor stops after this one. */
  readonly last: boolean;
}

/** What waits for one actor: three lanes, the urgent ones made when first needed. */
export class Mailbox {
  readonly #user = new Queue<Envelope>();
  #system: Queue<Envelope> | null = null;
  #stop: Envelope | null = null;

  constructor(private readonly userLimit: number) {}

  get size(): number {
    return this.#user.size + (this.#system?.size ?? 0) + (this.#stop === null ? 0 : 1);
  }

  /** False when the lane is full; nothing is enqueued then. */
  offer(lane: Lane, message: unknown, sender: ReplyTo): boolean {
    switch (lane) {
      case 'user':
        if (this.#user.size >= this.userLimit) return false;
        this.#user.push({ message, sender, last: false });
        return true;
      case 'system':
        if ((this.#system?.size ?? 0) >= SYSTEM_LIMIT) return false;
        this.push(message, sender);
        return true;
      case 'stop':
        if (this.#stop !== null) return false;
        this.#stop = { message, sender, last: true };
        return true;
    }
  }

  /** Takes what the actor's own timers and operations bring; their number is in the actor's own hands. */
  push(message: unknown, sender: ReplyTo): void {
    this.#system ??= new Queue();
    this.#system.push({ message, sender, last: false });
  }

  /** The most urgent message. */
  take(): Envelope | undefined {
    if (this.#stop !== null) {
      const last = this.#stop;
      this.#stop = null;
      return last;
    }
    return this.#system?.shift() ?? this.#user.shift();
  }
}
