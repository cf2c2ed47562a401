/** Users of the API, wherever they are kept. Spec 02 §12 and §18. */

export interface User {
  readonly username: string;
  /** A password hash, or the password itself where a source allows that. Never leaves this process. */
  readonly password: string;
  readonly passwordExpired: boolean;
  readonly groups: readonly string[] | null;
  readonly twoFaSendTo: string;
  readonly totpSecret: string;
}

export interface UserProvider {
  /** As `GET /status` shows it. */
  readonly source: 'Static Credentials' | 'File' | 'DB';
  /** Groups of this source carry function permissions. Spec 02 §14. */
  readonly groupPermissions: boolean;
  /** Whether `setPassword` can succeed. */
  readonly writable: boolean;
  /**
   * The user of that exact name. May be up to a second old; answers at once when nothing has to be read.
   * Rejects or throws when the source cannot be read.
   */
  find(username: string): User | undefined | Promise<User | undefined>;
  /** Like `find`, but never old: for checking a password. */
  findCurrent(username: string): User | undefined | Promise<User | undefined>;
  /**
   * A stored password whose check costs what a check of this unknown user's would, were he known; `undefined`
   * when there are no users. Always the same for the same name.
   */
  decoy(username: string): string | undefined;
  /**
   * Stores a new password hash and clears `passwordExpired`. Throws `AppError` when users cannot be changed (400)
   * or there is no such user (404).
   */
  setPassword(username: string, hash: string): Promise<void>;
  /** Reads the source anew (SIGUSR1). Rejects when it is bad; the old users stay in force. */
  reload(): Promise<void>;
}

/** Refusal of every change of the static user. */
export const staticUserTitle = "The single user authentication doesn't support this operation.";
