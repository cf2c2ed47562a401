/** The open WebSockets of one thread: how many there may be, and who may stay. */

import type { ApiAuth, Credentials } from '../../auth/api-auth.js';
import type { Principal } from '../../auth/principal.js';
import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import type { ByteSocket, ByteSocketHandlers } from '../../protocol/byte-socket.js';
import type { Clock, Milliseconds, Timer } from '../../time.js';
import { LiveSocket } from './live-socket.js';
import { type Conversation, closeCodes } from './websocket-route.js';

/** Of one thread. With their buffers (`live-socket.ts`) they take some 2 GiB if all of them are slow. */
const MOST_SOCKETS = 2000;
/** Of one user and thread: tabs of a browser, scripts of a team that shares an account. */
const MOST_OF_A_USER = 100;
/** A logout, or the end of a session, is noticed within this time. Changes of users are told at once. */
const RECHECK_EVERY: Milliseconds = 2_000;
/** Sockets looked at in one turn of the event loop, ~20 µs each. */
const RECHECKED_AT_ONCE = 200;

export interface NewSocket {
  readonly socket: ByteSocket;
  readonly conversation: Conversation;
  readonly principal: Principal;
  readonly maxMessageBytes: number;
  /** Gives the reserved place back. */
  readonly release: () => void;
  readonly credentials: Credentials;
  /** Throws `AppError` when the caller, as he is now, may not do this any more. */
  readonly check: (present: Principal) => void;
}

interface Entry extends NewSocket {
  readonly live: LiveSocket;
  /** The caller as he is now; `null`: his login has ended. */
  present: () => Promise<Principal | null>;
}

export interface OpenSocketsOptions {
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
}

export class OpenSockets {
  readonly #options: OpenSocketsOptions;
  readonly #entries = new Set<Entry>();
  readonly #byUser = new Map<string, number>();
  #reserved = 0;
  #timer: Timer | null = null;
  #closed = false;
  #auth: Pick<ApiAuth, 'follow'> | null = null;

  constructor(options: OpenSocketsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** By whose rules callers may stay. To be said before the first one comes, and when the rules change. */
  follow(auth: Pick<ApiAuth, 'follow'>): void {
    this.#auth = auth;
    for (const entry of this.#entries) entry.present = auth.follow(entry.credentials);
    this.recheckNow();
  }

  /** A place for one more; returns what gives it back. Throws `AppError` 503, or 429 when this user has too many. */
  reserve(username: string): () => void {
    if (this.#closed || this.#reserved >= MOST_SOCKETS) throw new AppError('overloaded');
    const own = this.#byUser.get(username) ?? 0;
    if (own >= MOST_OF_A_USER) {
      throw new AppError('too_many_requests', { title: 'too many open WebSockets of this user' });
    }
    this.#reserved += 1;
    this.#byUser.set(username, own + 1);
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#reserved -= 1;
      const left = (this.#byUser.get(username) ?? 1) - 1;
      if (left > 0) this.#byUser.set(username, left);
      else this.#byUser.delete(username);
    };
  }

  add(added: NewSocket): ByteSocketHandlers {
    const { socket, principal, conversation, maxMessageBytes } = added;
    const { clock, log } = this.#options;
    const live = new LiveSocket({ socket, principal, maxMessageBytes, clock, log });
    const present = this.#auth?.follow(added.credentials) ?? (async () => null);
    const entry: Entry = { ...added, live, present };
    this.#entries.add(entry);
    live.onEnd(() => {
      this.#entries.delete(entry);
      added.release();
    });
    live.begin(conversation);
    this.#recheckLater();
    return live;
  }

  /** Somebody may have changed who may stay. */
  recheckNow(): void {
    void this.#recheckAll();
  }

  /** Tells everybody to come back later. */
  closeAll(reason: string): void {
    this.#closed = true;
    this.#timer?.cancel();
    for (const { live } of [...this.#entries]) live.close(closeCodes.goingAway, reason);
  }

  #recheckLater(): void {
    if (this.#timer !== null || this.#closed || this.#entries.size === 0) return;
    this.#timer = this.#options.clock.after(RECHECK_EVERY, () => {
      this.#timer = null;
      void this.#recheckAll().then(() => this.#recheckLater());
    });
  }

  async #recheckAll(): Promise<void> {
    const entries = [...this.#entries];
    for (let at = 0; at < entries.length; at += RECHECKED_AT_ONCE) {
      await Promise.all(entries.slice(at, at + RECHECKED_AT_ONCE).map((entry) => this.#recheck(entry)));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  async #recheck(entry: Entry): Promise<void> {
    const { live, check } = entry;
    if (live.ended) return;
    try {
      const present = await entry.present();
      if (present === null) {
        live.close(closeCodes.unauthorized, 'session ended');
        return;
      }
      check(present);
      live.principal = present;
    } catch (error) {
      if (error instanceof AppError && error.status === 403) live.close(closeCodes.forbidden, error.title);
      else if (error instanceof AppError && error.status === 401)
        live.close(closeCodes.unauthorized, error.title);
      // The source of users cannot be read just now: tried again.
      else this.#options.log.error(`WebSocket: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
}
