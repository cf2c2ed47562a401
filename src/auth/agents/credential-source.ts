/** Where the credentials of agents come from and go to. Spec 03 §8. */

export interface AgentCredential {
  /** The client auth id. */
  readonly id: string;
  /** In clear text: administrators may read it. Never in a log or an error. */
  readonly password: string;
}

/**
 * One per thread. Every method rejects or throws when the source cannot be read or written. Only the
 * `agent-credentials` actor on main calls `add` and `remove`, one after the other in the whole process; it has
 * checked that the source is `writable` and what is added.
 */
export interface CredentialSource {
  /** As `GET /status` shows it. The server's own store is a database to callers. */
  readonly source: 'Static Credentials' | 'File' | 'DB';
  /** Whether credentials can be added and removed here at all; `server.auth_write` may still forbid it. */
  readonly writable: boolean;
  /**
   * The credential of a client auth id; a database may find it under other spellings than its own. On the way of every
   * agent that logs in.
   */
  lookup(authId: string): AgentCredential | undefined | Promise<AgentCredential | undefined>;
  /** Never old; sorted by id, every id once, entries without id or password left out. */
  list(): readonly AgentCredential[] | Promise<readonly AgentCredential[]>;
  /**
   * Resolves when it would survive a power loss. Throws `credentialExists` (409), and `AppError` 400 for an id that
   * cannot be stored.
   */
  add(credential: AgentCredential): Promise<void>;
  /** Resolves when it would survive a power loss. Throws `unknownCredential` (404). */
  remove(id: string): Promise<void>;
  /** Another thread has changed something: nothing remembered may be answered any more. */
  forget(): void;
  close(): Promise<void>;
}
