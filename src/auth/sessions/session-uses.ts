/**
 * Uses of sessions on their way to the store: the first one is written at once, those within the next second
 * together when it is over. So a list of sessions is at most a second old, and a busy token costs one write a second.
 */

import type { Logger } from '../../logging/logger.js';
import type { SessionRecord, SessionUse } from '../../store/sessions.js';
import type { Store } from '../../store/store.js';
import type { Clock, Milliseconds, Timer } from '../../time.js';
import { ExpiringMap } from '../expiring-map.js';

const WRITE_EVERY: Milliseconds = 1_000;
/** Sessions whose last use is remembered per thread, some 300 bytes each. */
const REMEMBERED = 10_000;

interface Noted {
  readonly at: Milliseconds;
  /** End of the session after this use. The store may not show it yet. */
  readonly end: Milliseconds;
}

export class SessionUses {
  readonly #noted = new ExpiringMap<number, Noted>(REMEMBERED);
  readonly #waiting = new Map<number, SessionUse>();
  readonly #writing = new Set<Promise<void>>();
  #timer: Timer | null = null;
  #closed = false;

  /** `remembered`: how long a use may decide about the end of its session. */
  constructor(
    private readonly store: Store,
    private readonly clock: Clock,
    private readonly log: Logger,
    private readonly remembered: Milliseconds,
  ) {}

  /** When the session ends, with uses the store does not show yet. */
  endOf(row: SessionRecord): Milliseconds {
    const noted = this.#noted.get(row.id, this.clock.now());
    return noted === undefined ? row.expiresAt : Math.max(row.expiresAt, noted.end);
  }

  note(id: number, use: SessionUse): void {
    const now = this.clock.now();
    const last = this.#noted.get(id, now);
    const soon = last !== undefined && now - last.at < WRITE_EVERY;
    this.#noted.set(id, { at: soon ? last.at : now, end: use.expiresAt }, now + this.remembered, now);
    if (!soon || this.#closed) {
      this.#waiting.delete(id);
      this.#write(id, use);
      return;
    }
    this.#waiting.set(id, use);
    if (this.#waiting.size >= REMEMBERED) this.#flush();
    else this.#timer ??= this.clock.after(WRITE_EVERY, () => this.#flush());
  }

  /** Resolves when every use noted in this thread is in the store, or has failed to get there. */
  async settled(): Promise<void> {
    this.#flush();
    await Promise.all(this.#writing);
  }

  /** Like `settled`; what is noted from now on is written at once. */
  close(): Promise<void> {
    this.#closed = true;
    return this.settled();
  }

  #flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    for (const [id, use] of this.#waiting) this.#write(id, use);
    this.#waiting.clear();
  }

  #write(id: number, use: SessionUse): void {
    const writing = this.#save(id, use).finally(() => this.#writing.delete(writing));
    this.#writing.add(writing);
  }

  async #save(id: number, use: SessionUse): Promise<void> {
    try {
      // Writes nothing when the session has been ended meanwhile.
      await this.store.sessions.touch(id, use);
    } catch (error) {
      this.log.error(`failed to save api session: ${(error as Error).message}`);
    }
  }
}
