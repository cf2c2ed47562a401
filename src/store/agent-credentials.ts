/** What agents log in with. Spec 03 §8. */

import type { AgentCredential } from '../auth/agents/credential-source.js';

/** Reads and writes as in `UserRepository`. */
export interface AgentCredentialRepository {
  /** The password of a client auth id. */
  get(id: string): string | undefined;
  /** Sorted by id. */
  all(): Iterable<AgentCredential>;
  isEmpty(): boolean;
  /** All of them, unless there is any credential: then `false`, and nothing is written. */
  addFirst(credentials: readonly AgentCredential[]): Promise<boolean>;
  /** `false`, and nothing is written, when the id is taken. */
  add(credential: AgentCredential): Promise<boolean>;
  /** `false` when there is no such credential. */
  remove(id: string): Promise<boolean>;
}
