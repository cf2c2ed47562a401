/** Personal API tokens. Spec 02 §10. */

import type { Milliseconds } from '../time.js';

/** A personal API token. Spec 02 §10. */
export interface ApiTokenRecord {
  readonly username: string;
  /** Eight characters; the readable part of the token. */
  readonly prefix: string;
  /** Unique among the tokens of a user. */
  readonly name: string;
  /** `read`, `read+write` or `clients-auth`; anything else allows nothing. */
  readonly scope: string;
  readonly createdAt: Milliseconds;
  /** `null` = never. */
  readonly expiresAt: Milliseconds | null;
  /** Of the secret part. */
  readonly hash: string;
}

export interface ApiTokenRepository {
  get(username: string, prefix: string): ApiTokenRecord | undefined;
  /** Sorted by prefix. */
  byUser(username: string): readonly ApiTokenRecord[];
  /** `most`: tokens a user may have. Throws `AppError` 400 when the name of the user cannot be stored. */
  add(record: ApiTokenRecord, most: number): Promise<'added' | 'prefix_taken' | 'name_taken' | 'too_many'>;
  /** Absent fields stay as they are. */
  change(
    username: string,
    prefix: string,
    change: Partial<Pick<ApiTokenRecord, 'name' | 'expiresAt'>>,
  ): Promise<'changed' | 'missing' | 'name_taken'>;
  /** Resolves with whether there was one. */
  remove(username: string, prefix: string): Promise<boolean>;
  /** Who has tokens, each once. */
  usernames(): readonly string[];
  /** Removes all tokens of a user in one transaction. Before a user is added, too: he inherits none. */
  removeUser(username: string): Promise<void>;
  /** Like `SessionRepository.renameUser`. */
  renameUser(from: string, to: string): Promise<void>;
}
