/** Authentication of API requests and logins. Spec 02 §5 to §9. */

import type { ApiTokens } from './api-tokens/api-tokens.js';
import type { Principal } from './principal.js';
import type { DeliveryMethod, TwoFa } from './second-factor/second-factor.js';
import type { UserSessions } from './sessions/sessions.js';

export interface Credentials {
  /** Value of the `Authorization` header, empty when absent. */
  readonly authorization: string;
  readonly userAgent: string;
  readonly ip: string;
  readonly method: string;
  /**
   * Pattern of the route with its prefix, such as `/api/v1/clients/{client_id}`: an escape in a path must not lead
   * around the scope of a token.
   */
  readonly path: string;
}

/** What every kind of login has in common. */
export interface LoginOrigin {
  /** Raw `token-lifetime` query value, `undefined` when absent. */
  readonly tokenLifetime: string | undefined;
  readonly userAgent: string;
  readonly ip: string;
}

export interface LoginRequest extends LoginOrigin {
  readonly username: string;
  readonly password: string;
  readonly newPassword: string;
}

/** A login without password: a trusted proxy or an identity provider says who it is. Spec 02 §7.5 and §20.5. */
export interface VouchedLogin extends LoginOrigin {
  readonly username: string;
  /** An unknown user is added; otherwise he is refused with 401. */
  readonly addMissing: boolean;
}

/** Spec 02 §8.2. */
export interface SecondFactorRequest extends LoginOrigin, Credentials {
  /** Called when the token has proved right. Throws `AppError` 400. */
  readBody(): SecondFactorBody;
}

export interface SecondFactorBody {
  readonly username: string;
  readonly code: string;
}

export interface LoginAnswer {
  /** Full, or limited to the second step when `twoFa` is there. */
  readonly token: string;
  readonly twoFa: TwoFa | null;
}

export interface ApiAuth {
  /**
   * Who is calling. Throws `AppError` 401, 403 (scope of an API token), 429 or `banned` (423); counts the attempt
   * with the guard, so the caller needs no ban check of its own: a banned address is refused here unless it holds a
   * valid session or API token. Synchronous when nothing needs to be hashed or read.
   */
  authenticate(credentials: Credentials): Principal | Promise<Principal>;
  /**
   * For connections that stay open: a function that says who the caller is by now, `null` when his login has ended.
   * Asking is no use of a session. Rejects like `authenticate`.
   */
  follow(credentials: Credentials): () => Promise<Principal | null>;
  /** Throws as spec 02 §7.3, and `banned` (423). */
  login(request: LoginRequest): Promise<LoginAnswer>;
  /** Throws as `login`, without the password step. */
  loginVouched(request: VouchedLogin): Promise<LoginAnswer>;
  /** The second step, with the limited token as bearer. Throws as spec 02 §8.2. */
  verifySecondFactor(request: SecondFactorRequest): Promise<LoginAnswer>;
  /**
   * Whether a caller who is known already knows this user's password, too. Rejects with `AppError` 403
   * `Incorrect old password.`, which counts as a failed login; `banned`, and 429 after too many.
   */
  confirmPassword(username: string, password: string, ip: string): Promise<void>;
  /** Spec 02 §7.4. */
  logout(credentials: Credentials): Promise<void>;
  /** Spec 02 §13. */
  readonly sessions: UserSessions;
  /** Spec 02 §10. */
  readonly apiTokens: Omit<ApiTokens, 'find'>;
  /** Writes what has waited; the store may be closed then. Nothing else ends. */
  finish(): Promise<void>;
  /** The configured one; `null` without. */
  readonly secondFactor: DeliveryMethod | null;
}
