/** Where hashing is done. The calling thread never does it itself. */
export interface PasswordHasher {
  /**
   * Rejects with `AppError` 429 when too many checks are waiting, 503 when none came back in time. Of a `stranger`,
   * nothing speaks for whom yet: others do not wait behind him.
   */
  verify(password: string, stored: string, stranger?: boolean): Promise<boolean>;
  /** An argon2id hash. Rejects like `verify`. */
  hash(password: string): Promise<string>;
  /**
   * How hard the password is to guess, 0 to 4, for somebody who knows the user; `known` are words that are easy
   * guesses then, such as the user's name. Rejects like `verify`.
   */
  score(password: string, known: readonly string[]): Promise<number>;
}
