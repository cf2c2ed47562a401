import { RefMap } from './ref-map.js';
import type { ActorRef } from './types.js';

export interface Entry {
  readonly ref: ActorRef;
  readonly thread: number;
  readonly epoch: number;
}

/** Which thread has the actor of an address. Higher epochs replace lower ones. */
export interface Directory {
  locate(ref: ActorRef): Entry | undefined;
  /** Enters an actor of this thread and tells the others. False when an equal or higher epoch is entered. */
  register(ref: ActorRef, epoch: number): boolean;
  /** Removes an actor of this thread, unless the entry is of another epoch by now. */
  unregister(ref: ActorRef, epoch: number): void;
}

/** Told to the other threads. */
export interface DirectoryNews {
  registered(ref: ActorRef, epoch: number): void;
  unregistered(ref: ActorRef, epoch: number): void;
}

/** A full copy of the directory in every thread; each thread announces its own actors only. */
export class ReplicatedDirectory implements Directory {
  readonly #entries = new RefMap<Entry>();

  constructor(
    private readonly thread: number,
    private readonly news: DirectoryNews,
  ) {}

  locate(ref: ActorRef): Entry | undefined {
    return this.#entries.get(ref);
  }

  register(ref: ActorRef, epoch: number): boolean {
    const present = this.#entries.get(ref);
    if (present !== undefined && present.epoch >= epoch) return false;
    this.#entries.set(ref, { ref, thread: this.thread, epoch });
    this.news.registered(ref, epoch);
    return true;
  }

  unregister(ref: ActorRef, epoch: number): void {
    if (this.#remove(ref, this.thread, epoch)) this.news.unregistered(ref, epoch);
  }

  /** What this thread announces to one that has just been connected. */
  own(): Entry[] {
    return [...this.#entries.values()].filter((entry) => entry.thread === this.thread);
  }

  /**
   * Another thread entered an actor. Returns the entry of this thread that it replaced, if any. Equal epochs are
   * not expected; the higher thread number wins then, so that all threads agree.
   */
  heardRegistered(ref: ActorRef, thread: number, epoch: number): Entry | undefined {
    const present = this.#entries.get(ref);
    if (present !== undefined) {
      if (present.epoch > epoch || (present.epoch === epoch && present.thread >= thread)) return undefined;
    }
    this.#entries.set(ref, { ref, thread, epoch });
    return present?.thread === this.thread ? present : undefined;
  }

  heardUnregistered(ref: ActorRef, thread: number, epoch: number): void {
    this.#remove(ref, thread, epoch);
  }

  /** Drops all entries of a dead thread. */
  forget(thread: number): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.thread === thread) this.#entries.delete(entry.ref);
    }
  }

  #remove(ref: ActorRef, thread: number, epoch: number): boolean {
    const present = this.#entries.get(ref);
    if (present === undefined || present.thread !== thread || present.epoch !== epoch) return false;
    this.#entries.delete(ref);
    return true;
  }
}
