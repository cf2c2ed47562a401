/** Login of a program without a browser: RFC 8628. Spec 02 §20.4 and §20.6. */

import type { DeviceAuthorizationResponse } from 'openid-client';
import type { PlusOauthConfig } from '../../config/types.js';
import { checkEndpoint } from '../../config/values/endpoint.js';
import { AppError } from '../../errors.js';
import type { Seconds } from '../../time.js';
import type { FindEndpoints } from './endpoints.js';
import type { Limited } from './limit-at-once.js';
import type { PendingLogins } from './pending-logins.js';
import { permit } from './permit.js';
import { ProviderFailure, ProviderRefusal } from './provider-error.js';
import type { ProviderHttp } from './provider-http.js';
import type { IdentityProvider } from './providers/provider.js';
import type { DeviceRefusal, SingleSignOn } from './single-sign-on.js';
import { TokenEndpoint, type Tokens } from './token-endpoint.js';

/** RFC 8628 §3.2. */
const DEFAULT_INTERVAL: Seconds = 5;
/** A provider that asks for more means something else. */
const LONGEST_INTERVAL: Seconds = 60;
const LONGEST_CODE = 4096;
const LONGEST_USER_CODE = 100;
const LONGEST_URI = 2048;

export interface DeviceLoginParts {
  readonly oauth: PlusOauthConfig;
  readonly provider: IdentityProvider;
  readonly pending: PendingLogins;
  readonly http: ProviderHttp;
  readonly endpointsOf: FindEndpoints;
  readonly beginning: Limited;
  readonly returning: Limited;
  /** What a caller is told of an error. */
  readonly failed: (error: unknown) => unknown;
  readonly notSignedIn: (error: unknown) => unknown;
}

export function makeDeviceLogin(
  parts: DeviceLoginParts,
): Pick<SingleSignOn, 'deviceSettings' | 'signInDevice'> {
  const { oauth, provider, pending, http, endpointsOf, beginning, returning, failed, notSignedIn } = parts;
  const application = provider.deviceApplication;

  const refusal = (statusCode: number, error: string, errorDescription: string): DeviceRefusal => ({
    statusCode,
    error,
    errorDescription,
    errorUri: '',
    guessed: false,
  });

  /** The provider's answer to a poll. */
  const poll = async (deviceCode: string): Promise<Tokens | DeviceRefusal> => {
    try {
      const tokens = await new TokenEndpoint(http, await endpointsOf(), application).poll(deviceCode);
      pending.endDevice(deviceCode);
      return tokens;
    } catch (error) {
      if (!(error instanceof ProviderRefusal)) throw failed(error);
      if (error.error === 'slow_down') pending.slowDevice(deviceCode);
      else if (error.error !== 'authorization_pending') pending.endDevice(deviceCode);
      const { status, description, uri } = error;
      return { ...refusal(status, error.error, description), errorUri: uri };
    }
  };

  return {
    deviceSettings: (ip) =>
      beginning(async () => {
        // A group that cannot be checked must not be taken as given.
        if (provider.deviceHidesMemberships && provider.required !== '')
          throw new AppError('forbidden', { title: 'device login cannot check the required group' });
        const endpoints = await endpointsOf();
        if (endpoints.device === '')
          throw new AppError('forbidden', { title: 'device login is not configured' });
        if (!(await pending.mayStartDevice(ip))) throw new AppError('too_many_requests');
        const given = await new TokenEndpoint(http, endpoints, application).startDevice(provider.deviceScope);
        checkShown(given);
        const interval = Math.min(LONGEST_INTERVAL, Math.ceil(given.interval ?? DEFAULT_INTERVAL));
        const expiresIn = Math.floor(given.expires_in);
        await pending.keepDevice(given.device_code, { interval, expiresIn }, ip);
        return {
          userCode: given.user_code,
          deviceCode: given.device_code,
          verificationUri: given.verification_uri,
          expiresIn,
          interval,
          message: `Open ${given.verification_uri} in a browser and enter the code ${given.user_code}`,
        };
      }).catch((error) => Promise.reject(failedToStart(error, failed))),

    signInDevice: (deviceCode) =>
      returning(async () => {
        const verdict = deviceCode.length > LONGEST_CODE ? 'unknown' : await pending.pollDevice(deviceCode);
        if (verdict === 'unknown') {
          const ended = refusal(400, 'expired_token', 'the device code is unknown, has expired or was used');
          return { ...ended, guessed: true };
        }
        // Not the provider's to count: it would stop listening to this server at all.
        if (verdict === 'too_soon')
          return refusal(provider.refusalStatus, 'slow_down', 'polled again before the interval was over');
        const tokens = await poll(deviceCode);
        if ('error' in tokens) return tokens;
        try {
          const origin = { flow: 'device', nonce: null, endpoints: await endpointsOf() } as const;
          return permit(oauth, provider, await provider.identify(tokens, origin));
        } catch (error) {
          throw notSignedIn(error);
        }
      }),
  };
}

/** Users open the address, and type the code. Throws `ProviderFailure`. */
function checkShown(given: DeviceAuthorizationResponse): void {
  const { device_code: deviceCode, user_code: userCode, verification_uri: uri } = given;
  const bad = (reason: string): ProviderFailure => new ProviderFailure(`device login: ${reason}`);
  if (deviceCode.length > LONGEST_CODE) throw bad('the device code is too long');
  if (userCode.length > LONGEST_USER_CODE || /\p{C}/u.test(userCode))
    throw bad('nobody could type the user code');
  if (uri.length > LONGEST_URI) throw bad('the verification URI is too long');
  try {
    checkEndpoint(uri);
  } catch (error) {
    throw bad(`verification URI: ${(error as Error).message}`);
  }
}

/** The provider refuses the application itself: nothing the caller could do about it. */
function failedToStart(error: unknown, failed: DeviceLoginParts['failed']): unknown {
  if (!(error instanceof ProviderRefusal)) return failed(error);
  return failed(new ProviderFailure(`device login: ${error.message}`));
}
