/** Login through an identity provider. Spec 02 §20. */

import type { RoleGroupChange } from '../accounts/role-groups.js';

/** As `/auth/provider` names them. */
export const ssoProviders = ['github', 'microsoft', 'google', 'auth0', 'oidc'] as const;
export type SsoProvider = (typeof ssoProviders)[number];

/** Spec 02 §20.3. */
export interface SsoSettings {
  readonly message: string;
  readonly authorizeUrl: string;
  readonly state: string;
  /** RFC 3339. */
  readonly expiry: string;
}

/** Spec 02 §20.4. */
export interface SsoDeviceSettings {
  readonly userCode: string;
  readonly deviceCode: string;
  readonly verificationUri: string;
  /** Seconds. */
  readonly expiresIn: number;
  readonly interval: number;
  readonly message: string;
}

/** What the provider said instead of signing somebody in, with its HTTP status. Spec 02 §20.6. */
export interface DeviceRefusal {
  readonly statusCode: number;
  readonly error: string;
  readonly errorDescription: string;
  readonly errorUri: string;
  /** Nobody was told this code: counts as a failed login. */
  readonly guessed: boolean;
}

/** A user the provider vouches for and who may log in, as far as the user store does not matter. */
export interface SignedIn {
  readonly username: string;
  /** What follows for his groups; `null`: groups do not follow the provider, or it cannot tell. */
  readonly groups: RoleGroupChange | null;
}

/** One per thread and configuration; states and device codes given out are shared by all threads. */
export interface SingleSignOn {
  readonly provider: SsoProvider;
  /** A user who is not known yet may be created. Spec 02 §7.5. */
  readonly createsMissingUsers: boolean;
  /** `ip` is the caller's. Throws `AppError` 500 when the provider has to be asked and does not answer. */
  settings(ip: string): Promise<SsoSettings>;
  /** Throws `AppError` 403 without device login, 429 after too many, 500 like `settings`. */
  deviceSettings(ip: string): Promise<SsoDeviceSettings>;
  /** Throws `AppError` 401: bad state, refused code, not permitted; with cause `ProviderFailure` nobody's fault. */
  signIn(code: string, state: string): Promise<SignedIn>;
  /** Throws `AppError` 401 (not permitted), 500 like `settings`. */
  signInDevice(deviceCode: string): Promise<SignedIn | DeviceRefusal>;
}
