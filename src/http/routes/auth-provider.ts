/** How users log in, and where they begin when an identity provider vouches for them. Spec 02 §20.2 to §20.4. */

import Type from 'typebox';
import type { SingleSignOn } from '../../auth/sso/single-sign-on.js';
import { AppError } from '../../errors.js';
import type { ApiContext } from '../context.js';
import { API_PREFIX } from '../prefix.js';
import type { Route, RouteDocs } from '../route.js';

const TAG = 'Auth';
const SETTINGS = '/auth/ext/settings';
const DEVICE_SETTINGS = '/auth/ext/settings/device';

const errors: NonNullable<RouteDocs['errors']> = {
  403: 'Users log in with their passwords, or not this way',
  423: 'The address is banned after too many failed logins',
  500: 'The identity provider gives no answer',
  503: 'Too many logins at once',
};

/** The configured provider. Throws `AppError` 403 without one. */
export function requireSso({ sso }: ApiContext): SingleSignOn {
  if (sso === null) throw new AppError('forbidden', { title: 'rport-plus not enabled/available' });
  return sso;
}

const getProvider: Route = {
  method: 'GET',
  path: '/auth/provider',
  access: { kind: 'open' },
  limits: false,
  docs: {
    tag: TAG,
    summary: 'Show how users log in',
    description:
      '`built-in`: with name and password at `/login`. Otherwise through an identity provider: ask `settings_uri` from a browser, `device_settings_uri` from a program without one.',
    errors: { 423: errors[423] ?? '' },
  },
  responses: {
    200: Type.Object({
      auth_provider: Type.String({
        description: '`built-in`, `github`, `microsoft`, `google`, `auth0` or `oidc`',
      }),
      settings_uri: Type.String({ description: 'Empty with `built-in`' }),
      device_settings_uri: Type.String({ description: 'Empty with `built-in`' }),
      max_token_lifetime: Type.Integer({ description: 'Hours; 0: not limited by configuration' }),
    }),
  },
  handler: (_request, { sso, config }) => ({
    status: 200,
    data: {
      auth_provider: sso?.provider ?? 'built-in',
      settings_uri: sso === null ? '' : `${API_PREFIX}${SETTINGS}`,
      device_settings_uri: sso === null ? '' : `${API_PREFIX}${DEVICE_SETTINGS}`,
      max_token_lifetime: config.api.maxTokenLifetime,
    },
  }),
};

const getSettings: Route = {
  method: 'GET',
  path: SETTINGS,
  access: { kind: 'open' },
  limits: false,
  docs: {
    tag: TAG,
    summary: 'Begin a login in a browser',
    description:
      'The user opens `authorize_url`; the provider sends him back with `code` and `state`, which `login_uri` takes for a token. Check that the state is the one given here.',
    errors,
  },
  responses: {
    200: Type.Object({
      auth_provider: Type.String(),
      details: Type.Object({
        message: Type.String(),
        authorize_url: Type.String({ description: 'To be opened in a browser' }),
        login_uri: Type.String(),
        state: Type.String({ description: 'Opaque; good for one login' }),
        expiry: Type.String({ format: 'date-time', description: 'End of the state' }),
      }),
    }),
  },
  async handler(request, context) {
    const sso = requireSso(context);
    const { message, authorizeUrl, state, expiry } = await sso.settings(request.ip);
    return {
      status: 200,
      data: {
        auth_provider: sso.provider,
        details: {
          message,
          authorize_url: authorizeUrl,
          login_uri: `${API_PREFIX}/oauth/login`,
          state,
          expiry,
        },
      },
    };
  },
};

const getDeviceSettings: Route = {
  method: 'GET',
  path: DEVICE_SETTINGS,
  access: { kind: 'open' },
  limits: false,
  docs: {
    tag: TAG,
    summary: 'Begin a login of a program without a browser',
    description:
      'The user opens `verification_uri` anywhere and enters `user_code`; meanwhile the program polls `login_uri` with `device_code`, not more often than every `interval` seconds.',
    errors: { ...errors, 429: 'Too many logins of this address have begun and not ended' },
  },
  responses: {
    200: Type.Object({
      auth_provider: Type.String(),
      details: Type.Object({
        login_uri: Type.String(),
        auth_info: Type.Object({
          user_code: Type.String({ description: 'What the user enters' }),
          device_code: Type.String({ description: 'What the program polls with' }),
          verification_uri: Type.String({ description: 'Where the user enters his code' }),
          expires_in: Type.Integer({ description: 'Seconds' }),
          interval: Type.Integer({ description: 'Seconds between two polls' }),
          message: Type.String(),
        }),
      }),
    }),
  },
  async handler(request, context) {
    const sso = requireSso(context);
    const given = await sso.deviceSettings(request.ip);
    return {
      status: 200,
      data: {
        auth_provider: sso.provider,
        details: {
          login_uri: `${API_PREFIX}/oauth/login/device`,
          auth_info: {
            user_code: given.userCode,
            device_code: given.deviceCode,
            verification_uri: given.verificationUri,
            expires_in: given.expiresIn,
            interval: given.interval,
            message: given.message,
          },
        },
      },
    };
  },
};

export const authProviderRoutes: readonly Route[] = [getProvider, getSettings, getDeviceSettings];
