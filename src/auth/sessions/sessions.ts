/** Login sessions: every token lives as long as its row in the store. Spec 02 §6.4, §6.5 and §13. */

import { randomBytes } from 'node:crypto';
import type { Logger } from '../../logging/logger.js';
import type { SessionRecord } from '../../store/sessions.js';
import type { Store } from '../../store/store.js';
import type { Clock, Milliseconds } from '../../time.js';
import type { Claims } from '../tokens/claims.js';
import { SessionUses } from './session-uses.js';

export interface NewSession {
  readonly username: string;
  readonly lifetime: Milliseconds;
  /** The login waits for its second step. */
  readonly pending: boolean;
  readonly userAgent: string;
  readonly ip: string;
}

export interface SessionUser {
  readonly userAgent: string;
  readonly ip: string;
}

/** What administrators may do with the sessions of a user. */
export interface UserSessions {
  /** Sessions that live, the longest unused first; without those that wait for a second step. */
  list(username: string): Promise<readonly SessionRecord[]>;
  /** Ends one session if it is one of this user; resolves when that would survive a power loss. */
  end(username: string, id: number): Promise<void>;
  /** Ends all of them, waiting ones too; resolves like `end`. */
  endAll(username: string): Promise<void>;
}

export interface Sessions extends UserSessions {
  /** Resolves when the session would survive a power loss. */
  open(session: NewSession): Promise<SessionRecord>;
  /** The session of these claims, when it lives. Its `username` is whose it is now, whatever the claims say. */
  find(claims: Claims): SessionRecord | undefined;
  /** Like `find`; a living session is prolonged and notes who used it. */
  use(claims: Claims, by: SessionUser): SessionRecord | undefined;
  /** Ends a session; resolves when that would survive a power loss. */
  close(id: number): Promise<void>;
  /** Writes what has waited; the store may be closed then. */
  finish(): Promise<void>;
}

/** A used session lives at least this much longer. */
const EXTENSION: Milliseconds = 10 * 60_000;
/**
 * Of one user: a program that logs in for each call, or somebody who fills the disk, gets no more. ~400 bytes each;
 * an administrator's list of them is a megabyte.
 */
const MOST_SESSIONS = 5000;
/** Bytes of a hostile header that are kept. */
const LONGEST_AGENT = 512;

export function createSessions(store: Store, clock: Clock, log: Logger): Sessions {
  const uses = new SessionUses(store, clock, log, EXTENSION);

  const find = (claims: Claims): SessionRecord | undefined => {
    if (claims.username === '') return undefined;
    const row = store.sessions.get(claims.sessionId);
    if (row === undefined || row.issuedTo !== claims.username || row.tokenId !== claims.tokenId)
      return undefined;
    return uses.endOf(row) > clock.now() ? row : undefined;
  };

  return {
    async open({ username, lifetime, pending, userAgent, ip }) {
      const now = clock.now();
      const row: SessionRecord = {
        id: newId((id) => store.sessions.get(id) !== undefined),
        tokenId: randomBytes(8).readBigUInt64BE().toString(),
        username,
        issuedTo: username,
        pending,
        expiresAt: now + lifetime,
        lastAccessAt: now,
        userAgent: userAgent.slice(0, LONGEST_AGENT),
        ipAddress: ip,
      };
      await store.sessions.put(row, MOST_SESSIONS);
      await store.flushed();
      return row;
    },
    find,
    use(claims, by) {
      const row = find(claims);
      if (row === undefined) return undefined;
      const now = clock.now();
      // A login that waits for its second step does not wait longer because its token is used.
      const needed = row.pending ? 0 : Math.min(now + EXTENSION, claims.expiresAt);
      uses.note(row.id, {
        expiresAt: Math.max(uses.endOf(row), needed),
        lastAccessAt: now,
        userAgent: by.userAgent.slice(0, LONGEST_AGENT),
        ipAddress: by.ip,
      });
      return row;
    },
    async close(id) {
      await store.sessions.remove(id);
      await store.flushed();
    },
    async list(username) {
      await uses.settled();
      const now = clock.now();
      return [...store.sessions.byUser(username)]
        .filter(({ expiresAt, pending }) => expiresAt > now && !pending)
        .sort((one, other) => one.lastAccessAt - other.lastAccessAt);
    },
    async end(username, id) {
      await store.sessions.removeOf(username, id);
      await store.flushed();
    },
    async endAll(username) {
      await store.sessions.removeUser(username);
      await store.flushed();
    },
    finish: () => uses.close(),
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
