/** From what an identity provider says to a token. Spec 02 §20.5 and §20.6. */

import Type from 'typebox';
import { applyRoleGroups } from '../../auth/sso/apply-role-groups.js';
import { ProviderFailure } from '../../auth/sso/provider-error.js';
import type { SignedIn, SingleSignOn } from '../../auth/sso/single-sign-on.js';
import { longestLifetime, parseLifetime } from '../../auth/tokens/lifetime.js';
import { AppError } from '../../errors.js';
import type { ApiContext } from '../context.js';
import type { ApiReply, ApiRequest, Route, RouteDocs } from '../route.js';
import { requireSso } from './auth-provider.js';
import { loginQuery, loginReply, loginResponse, originOf } from './login-answer.js';

const TAG = 'OAuth / Login';

const errors: NonNullable<RouteDocs['errors']> = {
  400: 'The token lifetime is no good',
  403: 'Users log in with their passwords',
  423: 'The address is banned after too many failed logins',
  429: 'Too soon after a failed login of this user from this address',
  503: 'Too many logins at once',
};

const text = (description: string) => ({ schema: Type.String(), description });

const loginByCode: Route = {
  method: 'GET',
  path: '/oauth/login',
  access: { kind: 'open' },
  limits: false,
  docs: {
    tag: TAG,
    summary: 'Get a token for the code of an identity provider',
    query: {
      code: text('As the provider sent it'),
      state: text('As `/auth/ext/settings` gave it; works once'),
      ...loginQuery,
    },
    errors: {
      ...errors,
      401: 'The state is unknown, has expired or was used; the provider refuses the code or gives no answer; the user is not permitted or not known; or a second factor or a new password is due',
    },
  },
  responses: { 200: loginResponse },
  async handler(request, context) {
    const sso = requireSso(context);
    checkLifetime(request, context);
    const { query } = request;
    const signingIn = sso.signIn(query.get('code') ?? '', query.get('state') ?? '');
    return login(request, context, sso, await counted(request, context, signingIn));
  },
};

const loginByDevice: Route = {
  method: 'GET',
  path: '/oauth/login/device',
  access: { kind: 'open' },
  limits: false,
  docs: {
    tag: TAG,
    summary: 'Ask whether the user has let a program without a browser in',
    description:
      'Poll until `error` is empty: then there is a token. `authorization_pending` and `slow_down` (poll less often) are worth another try, all other errors are final. While there is no token the status is the one of the provider, which may be 200.',
    query: { device_code: text('As `/auth/ext/settings/device` gave it'), ...loginQuery },
    errors: { ...errors, 401: 'The user is not permitted or not known', 500: 'The provider gives no answer' },
  },
  responses: {
    200: Type.Object(
      {
        ...Type.Partial(loginResponse).properties,
        status_code: Type.Optional(Type.Integer({ description: 'Of the provider' })),
        error: Type.Optional(Type.String({ description: 'Why there is no token (yet)' })),
        error_description: Type.Optional(Type.String()),
        error_uri: Type.Optional(Type.String()),
      },
      { title: 'LoginResponseOAuthDevice' },
    ),
  },
  async handler(request, context) {
    const sso = requireSso(context);
    checkLifetime(request, context);
    const deviceCode = request.query.get('device_code') ?? '';
    const outcome = await counted(request, context, sso.signInDevice(deviceCode));
    if ('username' in outcome) return login(request, context, sso, outcome);
    if (outcome.guessed) await context.guard.failed('api', null, request.ip);
    return {
      status: outcome.statusCode,
      data: {
        status_code: outcome.statusCode,
        error: outcome.error,
        error_description: outcome.errorDescription,
        error_uri: outcome.errorUri,
      },
    };
  },
};

export const oauthRoutes: readonly Route[] = [loginByCode, loginByDevice];

/** Before anything is used up: a bad lifetime must not cost a new login. */
function checkLifetime({ query }: ApiRequest, { config }: ApiContext): void {
  parseLifetime(query.get('token-lifetime'), longestLifetime(config.api.maxTokenLifetime));
}

/** Refusals count as failed logins of the address, unless the provider was at fault. */
async function counted<Outcome>(
  { ip }: ApiRequest,
  { guard, sso, log }: ApiContext,
  signingIn: Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await signingIn;
  } catch (error) {
    if (error instanceof AppError && error.status === 401 && !(error.cause instanceof ProviderFailure)) {
      log.info(`failed login through ${sso?.provider} from ${ip}: ${error.title}`);
      await guard.failed('api', null, ip);
    }
    throw error;
  }
}

async function login(
  request: ApiRequest,
  context: ApiContext,
  sso: SingleSignOn,
  { username, groups }: SignedIn,
): Promise<ApiReply> {
  const answer = await context.auth.loginVouched({
    username,
    addMissing: sso.createsMissingUsers,
    ...originOf(request),
  });
  // The token is good for what it says only now.
  if (groups !== null) await applyRoleGroups(context, username, groups);
  return loginReply(answer);
}
