/** Login sessions of the API. Spec 02 §6.5. */

import type { Milliseconds } from '../time.js';

/** A login session of the API. Spec 02 §6.5. */
export interface SessionRecord {
  /** Unguessable integer below 2^53, never reused. */
  readonly id: number;
  /** `jti` of the one token this session belongs to; empty in imported rows. */
  readonly tokenId: string;
  /** Whose session it is at present; a rename changes it. */
  readonly username: string;
  /** The name in the token, which a rename cannot change. */
  readonly issuedTo: string;
  /** The login waits for its second step. */
  readonly pending: boolean;
  readonly expiresAt: Milliseconds;
  readonly lastAccessAt: Milliseconds;
  readonly userAgent: string;
  readonly ipAddress: string;
}

/** What a use of a session changes. */
export type SessionUse = Pick<SessionRecord, 'expiresAt' | 'lastAccessAt' | 'userAgent' | 'ipAddress'>;

export interface SessionRepository {
  get(id: number): SessionRecord | undefined;
  /**
   * `most`: sessions a user may have that wait for a second step, and as many that do not; beyond it those of the
   * same kind end that were not used for the longest.
   */
  put(record: SessionRecord, most?: number): Promise<void>;
  /**
   * Changes the row in one transaction; it never ends earlier by that. Resolves `false`, and writes nothing, when
   * there is no such row any more: a use of a token that crosses its logout must not bring the session back.
   */
  touch(id: number, change: SessionUse): Promise<boolean>;
  remove(id: number): Promise<void>;
  /** Like `remove`, but only when it is a session of this user. */
  removeOf(username: string, id: number): Promise<void>;
  removeExpired(now: Milliseconds): Promise<number>;
  byUser(username: string): Iterable<SessionRecord>;
  /** Who has sessions, each once. */
  usernames(): readonly string[];
  /** Ends all sessions of a user in one transaction. Before a user is added, too: he inherits none. */
  removeUser(username: string): Promise<void>;
  /** Ends the sessions of a user that wait for a second step. */
  removePending(username: string): Promise<void>;
  /**
   * Gives all sessions of `from` to `to` in one transaction; their tokens stay valid. What `to` had is removed.
   * Throws `AppError` 400 when `to` cannot be stored.
   */
  renameUser(from: string, to: string): Promise<void>;
}
