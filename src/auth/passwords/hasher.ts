/** Where hashing is done. The calling thread never does it itself. */
export interface PasswordHasher {
  /** Rejects with `AppError` 429 when too many checks are waiting, 503 when none came back in time. */
  verify(password: string, stored: string): Promise<boolean>;
  /** An argon2id hash. Rejects like `verify`. */
  hash(password: string): Promise<string>;
}
