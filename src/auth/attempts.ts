/**
 * The books of the guard: who must wait after a failed login, how many failures in a row an address has, and
 * which addresses are banned. The guard actor keeps the true copy and turns failures into changes; every
 * thread keeps a replica and applies them. Pure: time comes in as an argument.
 */

import { createHash } from 'node:crypto';
import type { Milliseconds } from '../time.js';
import { ExpiringMap } from './expiring-map.js';
import type { Listener } from './guard.js';
import { banKey } from './ip-address.js';

/** Thresholds of one listener. */
export interface AttemptLimits {
  /** Wait per identity after a failure; 0 = none. */
  readonly wait: Milliseconds;
  /** Failures in a row that ban an address; 0 = no bans. */
  readonly maxFailed: number;
  /** Length of a ban; 0 = no bans. */
  readonly ban: Milliseconds;
}

export type ListenerLimits = Readonly<Record<Listener, AttemptLimits>>;

/** What one failure or success changed; plain data. Times of 0 mean "none". */
export type AttemptChange =
  | {
      readonly kind: 'failed';
      readonly listener: Listener;
      readonly waitKey: string;
      readonly waitUntil: Milliseconds;
      readonly address: string;
      /** Failures in a row after this one; 0 when it led to a ban. */
      readonly failures: number;
      readonly countUntil: Milliseconds;
      readonly banUntil: Milliseconds;
    }
  | { readonly kind: 'cleared'; readonly listener: Listener; readonly address: string };

type Row<Value> = readonly [key: string, value: Value, until: Milliseconds];

export type AttemptSnapshot = Readonly<
  Record<
    Listener,
    {
      readonly waits: readonly Row<true>[];
      readonly counts: readonly Row<number>[];
      readonly bans: readonly Row<true>[];
    }
  >
>;

/** Entries of each kind per listener: with ~200 bytes each the books stay below 25 MiB a thread at worst. */
const CAPACITY = 20_000;
/** A counter that nothing touched for a day is forgotten. */
const COUNT_LIFE: Milliseconds = 24 * 60 * 60 * 1000;
/** Identities longer than this are kept as their digest. */
const LONGEST_IDENTITY = 128;

class Books {
  readonly waits = new ExpiringMap<string, true>(CAPACITY);
  readonly counts = new ExpiringMap<string, number>(CAPACITY);
  readonly bans = new ExpiringMap<string, true>(CAPACITY);
}

export class Attempts {
  readonly #books: Readonly<Record<Listener, Books>> = { client: new Books(), api: new Books() };

  isBanned(listener: Listener, ip: string, now: Milliseconds): boolean {
    const { bans } = this.#books[listener];
    return bans.size > 0 && bans.get(banKey(ip), now) !== undefined;
  }

  mustWait(listener: Listener, identity: string, ip: string, now: Milliseconds): boolean {
    return this.waitLeft(listener, identity, ip, now) > 0;
  }

  /** 0 when it need not wait. */
  waitLeft(listener: Listener, identity: string, ip: string, now: Milliseconds): Milliseconds {
    const { waits } = this.#books[listener];
    return waits.size === 0 ? 0 : waits.left(waitKey(listener, identity, ip), now);
  }

  /** Whether a success of this address would change anything. */
  hasRecord(listener: Listener, ip: string, now: Milliseconds): boolean {
    const { counts, bans } = this.#books[listener];
    if (counts.size === 0 && bans.size === 0) return false;
    const address = banKey(ip);
    return counts.get(address, now) !== undefined || bans.get(address, now) !== undefined;
  }

  /** The change one failure makes. The caller applies it. `identity` `null` or empty: no wait. */
  failure(
    limits: AttemptLimits,
    listener: Listener,
    identity: string | null,
    ip: string,
    now: Milliseconds,
  ): AttemptChange {
    const address = banKey(ip);
    const waits = identity !== null && identity !== '' && limits.wait > 0;
    const counted = limits.maxFailed > 0 && limits.ban > 0;
    const failures = counted ? (this.#books[listener].counts.get(address, now) ?? 0) + 1 : 0;
    const banned = counted && failures >= limits.maxFailed;
    return {
      kind: 'failed',
      listener,
      waitKey: waits ? waitKey(listener, identity, ip) : '',
      waitUntil: waits ? now + limits.wait : 0,
      address,
      failures: banned ? 0 : failures,
      countUntil: counted && !banned ? now + COUNT_LIFE : 0,
      banUntil: banned ? now + limits.ban : 0,
    };
  }

  /** The change one success makes. The caller applies it. */
  success(listener: Listener, ip: string): AttemptChange {
    return { kind: 'cleared', listener, address: banKey(ip) };
  }

  apply(change: AttemptChange, now: Milliseconds): void {
    const books = this.#books[change.listener];
    if (change.kind === 'cleared') {
      books.counts.delete(change.address);
      books.bans.delete(change.address);
      return;
    }
    if (change.waitUntil > now) books.waits.set(change.waitKey, true, change.waitUntil, now);
    if (change.banUntil > now) {
      books.bans.set(change.address, true, change.banUntil, now);
      books.counts.delete(change.address);
    } else if (change.countUntil > now) {
      books.counts.set(change.address, change.failures, change.countUntil, now);
    }
  }

  snapshot(now: Milliseconds): AttemptSnapshot {
    const of = ({ waits, counts, bans }: Books) => ({
      waits: [...waits.live(now)],
      counts: [...counts.live(now)],
      bans: [...bans.live(now)],
    });
    return { client: of(this.#books.client), api: of(this.#books.api) };
  }

  /** Replaces everything. */
  restore(snapshot: AttemptSnapshot, now: Milliseconds): void {
    for (const listener of ['client', 'api'] as const) {
      for (const table of ['waits', 'counts', 'bans'] as const) {
        const map = this.#books[listener][table] as ExpiringMap<string, number | true>;
        map.clear();
        for (const [key, value, until] of snapshot[listener][table]) map.set(key, value, until, now);
      }
    }
  }
}

/**
 * Agents wait per credential (spec 01 §4.8), users per name and address: a stranger who knows a name must not
 * be able to lock its owner out (spec 02 §4.2).
 */
export function waitKey(listener: Listener, identity: string, ip: string): string {
  return listener === 'client' ? shortened(identity) : `${banKey(ip)} ${shortened(plainName(identity))}`;
}

const shortened = (identity: string): string =>
  identity.length <= LONGEST_IDENTITY
    ? `=${identity}`
    : `#${createHash('sha256').update(identity).digest('base64')}`;

/**
 * One text for the spellings that a database may take for one name: in another case, with accents, blanks behind or
 * characters nobody sees. Each of them would be a guess without a wait.
 */
const plainName = (name: string): string =>
  name
    .normalize('NFKD')
    .replace(/[\p{M}\p{Cf}\p{Cc}]+/gu, '')
    .toLowerCase()
    .trim();
