/** Authentication of API requests and logins. Spec 02 §5 to §7. */

import type { Permission, Principal } from './principal.js';

export interface Credentials {
  /** Value of the `Authorization` header, empty when absent. */
  readonly authorization: string;
  readonly userAgent: string;
  readonly ip: string;
  readonly method: string;
  readonly path: string;
}

export interface LoginRequest {
  readonly username: string;
  readonly password: string;
  readonly newPassword: string;
  /** Raw `token-lifetime` query value, `undefined` when absent. */
  readonly tokenLifetime: string | undefined;
  readonly userAgent: string;
  readonly ip: string;
}

/** A user as the API shows it. */
export interface UserProfile {
  readonly username: string;
  readonly groups: readonly string[] | null;
  readonly passwordExpired: boolean;
  readonly twoFaSendTo: string;
}

export interface ApiAuth {
  /**
   * Who is calling. Throws `AppError` 401, 429 or `banned` (423); counts the attempt with the guard, so the
   * caller needs no ban check of its own: a banned address is refused here unless it holds a valid session.
   * Synchronous when the answer needs no password hash (a cached bearer token).
   */
  authenticate(credentials: Credentials): Principal | Promise<Principal>;
  /** Returns the token. Throws as spec 02 §7.3, and `banned` (423). */
  login(request: LoginRequest): Promise<string>;
  /** Spec 02 §7.4. */
  logout(credentials: Credentials): Promise<void>;
  profile(username: string): UserProfile | undefined | Promise<UserProfile | undefined>;
  /**
   * Whether the groups of the caller have a function permission. Absent: this provider has no group
   * permissions and everybody passes. Spec 02 §14.4.
   */
  allows?(principal: Principal, permission: Permission): boolean;
  /** `Static Credentials`, `File`, `DB` or the own store. */
  readonly usersSource: string;
}
