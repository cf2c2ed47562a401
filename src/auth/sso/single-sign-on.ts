/** Login through an identity provider. Spec 02 §20. */

/** As `/auth/provider` names them. */
export type SsoProvider = 'github' | 'microsoft' | 'google' | 'auth0' | 'oidc';

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
}

/** One per thread; states and device codes given out are shared by all threads. */
export interface SingleSignOn {
  readonly provider: SsoProvider;
  /** A user who is not known yet may be created. Spec 02 §7.5. */
  readonly createsMissingUsers: boolean;
  settings(): Promise<SsoSettings>;
  deviceSettings(): Promise<SsoDeviceSettings>;
  /** The name of the permitted user. Throws `AppError` 401: bad state, refused code, not permitted. */
  signIn(code: string, state: string): Promise<string>;
  signInDevice(deviceCode: string): Promise<{ readonly username: string } | DeviceRefusal>;
}
