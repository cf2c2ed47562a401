/** Login sessions: every token lives as long as its row in the store. Spec 02 §6.4 and §6.5. */

import { randomBytes } from 'node:crypto';
import type { Logger } from '../../logging/logger.js';
import type { SessionRecord, Store } from '../../store/types.js';
import type { Clock, Milliseconds } from '../../time.js';
import { ExpiringMap } from '../expiring-map.js';
import type { Claims } from '../tokens/claims.js';

export interface NewSession {
  readonly username: string;
  readonly lifetime: Milliseconds;
  readonly userAgent: string;
  readonly ip: string;
}

export interface SessionUser {
  readonly userAgent: string;
  readonly ip: string;
}

export interface Sessions {
  /** Resolves when the session would survive a power loss. */
  open(session: NewSession): Promise<SessionRecord>;
  /** Whether the session of these claims lives. */
  isAlive(claims: Claims): boolean;
  /** Like `isAlive`; a living session is prolonged and notes who used it. */
  use(claims: Claims, by: SessionUser): boolean;
  /** Ends a session; resolves when that would survive a power loss. */
  close(id: number): Promise<void>;
}

/** A used session lives at least this much longer. */
const EXTENSION: Milliseconds = 10 * 60_000;
/**
 * A session is written at most this often. Its end is written this much later than needed, so that uses in
 * between are covered without a write.
 */
const WRITE_EVERY: Milliseconds = 30_000;
/** Sessions whose last write is remembered per thread. */
const REMEMBERED = 10_000;
/** Bytes of a hostile header that are kept. */
const LONGEST_AGENT = 512;

export function createSessions(store: Store, clock: Clock, log: Logger): Sessions {
  /** End of each session that this thread wrote lately; the store may not show it yet. */
  const written = new ExpiringMap<number, Milliseconds>(REMEMBERED);

  const find = (claims: Claims): SessionRecord | undefined => {
    if (claims.username === '') return undefined;
    const row = store.sessions.get(claims.sessionId);
    if (row === undefined || row.username !== claims.username || row.tokenId !== claims.tokenId)
      return undefined;
    const now = clock.now();
    return Math.max(row.expiresAt, written.get(row.id, now) ?? 0) > now ? row : undefined;
  };

  const prolong = (row: SessionRecord, claims: Claims, by: SessionUser): void => {
    const now = clock.now();
    const lately = written.get(row.id, now);
    const end = Math.max(row.expiresAt, lately ?? 0);
    const needed = Math.min(now + EXTENSION, claims.expiresAt);
    const userAgent = by.userAgent.slice(0, LONGEST_AGENT);
    const stale =
      now - row.lastAccessAt >= WRITE_EVERY || row.userAgent !== userAgent || row.ipAddress !== by.ip;
    if (end >= needed && (lately !== undefined || !stale)) return;
    const expiresAt = end >= needed ? end : Math.min(needed + WRITE_EVERY, claims.expiresAt);
    written.set(row.id, expiresAt, now + WRITE_EVERY, now);
    store.sessions
      .touch(row.id, { expiresAt, lastAccessAt: now, userAgent, ipAddress: by.ip })
      .catch((error) => log.error(`failed to save api session: ${(error as Error).message}`));
  };

  return {
    async open({ username, lifetime, userAgent, ip }) {
      const now = clock.now();
      const row: SessionRecord = {
        id: newId((id) => store.sessions.get(id) !== undefined),
        tokenId: randomBytes(8).readBigUInt64BE().toString(),
        username,
        issuedTo: username,
        pending: false,
        expiresAt: now + lifetime,
        lastAccessAt: now,
        userAgent: userAgent.slice(0, LONGEST_AGENT),
        ipAddress: ip,
      };
      await store.sessions.put(row);
      await store.flushed();
      return row;
    },
    isAlive: (claims) => find(claims) !== undefined,
    use(claims, by) {
      const row = find(claims);
      if (row === undefined) return false;
      prolong(row, claims, by);
      return true;
    },
    async close(id) {
      await store.sessions.remove(id);
      await store.flushed();
    },
  };
}

/** 53 random bits: as unguessable as JSON numbers allow; the row's token id adds another 64. */
function newId(taken: (id: number) => boolean): number {
  for (;;) {
    const bytes = randomBytes(7);
    const id = (bytes.readUIntBE(0, 3) & 0x1f_ffff) * 2 ** 32 + bytes.readUInt32BE(3);
    if (id > 0 && !taken(id)) return id;
  }
}
