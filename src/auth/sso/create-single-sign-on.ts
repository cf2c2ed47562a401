/** Single sign-on as one thread offers it: put together from a provider, its endpoints and what is pending. */

import { randomNonce, randomPKCECodeVerifier, randomState } from 'openid-client';
import type { Config } from '../../config/types.js';
import { AppError } from '../../errors.js';
import type { Logger } from '../../logging/logger.js';
import { type Clock, instant, type Milliseconds } from '../../time.js';
import { makeDeviceLogin } from './device-login.js';
import { makeFindEndpoints } from './endpoints.js';
import { makeIdTokenCheck } from './id-token.js';
import { limitAtOnce } from './limit-at-once.js';
import { type PendingLogins, STATE_LIFE } from './pending-logins.js';
import { permit } from './permit.js';
import { ProviderFailure, ProviderRefusal } from './provider-error.js';
import { makeProviderHttp } from './provider-http.js';
import { github } from './providers/github.js';
import { google } from './providers/google.js';
import { microsoft } from './providers/microsoft.js';
import { openId } from './providers/open-id.js';
import {
  type IdentityProvider,
  type ProviderApis,
  type ProviderTools,
  publicApis,
  webApplication,
} from './providers/provider.js';
import { type SignedIn, type SingleSignOn, ssoProviders } from './single-sign-on.js';
import { authorizationUrl, TokenEndpoint } from './token-endpoint.js';

/** Longer codes and states are nobody's. */
const LONGEST_STATE = 256;
const LONGEST_CODE = 4096;
/**
 * Requests of one thread that wait for the provider: each holds a connection of the caller and one to the provider.
 * Anybody may begin a login; those who come back from the provider must get through nevertheless.
 */
const MOST_BEGINNING = 50;
const MOST_RETURNING = 100;

const UNREACHABLE = 'the identity provider gives no answer';

export interface SingleSignOnOptions {
  readonly config: Config;
  readonly pending: PendingLogins;
  readonly clock: Clock;
  readonly log: Logger;
  /** For tests. */
  readonly apis?: ProviderApis;
  /** Of each request to the provider. */
  readonly timeout?: Milliseconds;
}

/** Throws `Error` for a provider that is not known; validation has refused it before. */
export function createSingleSignOn(options: SingleSignOnOptions): SingleSignOn {
  const { config, pending, clock, log, apis = publicApis, timeout } = options;
  const oauth = config.plusOauth;
  const http = makeProviderHttp(timeout);
  const endpointsOf = makeFindEndpoints(oauth, http, clock);
  const application = webApplication(oauth);
  const name = ssoProviders.find((known) => known === oauth.provider);
  if (name === undefined) throw new Error(`unknown provider ${JSON.stringify(oauth.provider)}`);
  const idTokens = makeIdTokenCheck(oauth.clientId, http, clock);
  const provider = openProvider(name, { oauth, http, apis, idTokens });
  const beginning = limitAtOnce(MOST_BEGINNING);
  const returning = limitAtOnce(MOST_RETURNING);

  /** Whether it is the provider's or the network's fault, the operator must be able to read why. */
  const logged = (error: unknown): unknown => {
    if (error instanceof ProviderFailure) log.error(`single sign-on: ${error.message}`);
    return error;
  };
  const failed = (error: unknown): unknown =>
    logged(error) instanceof ProviderFailure
      ? new AppError('internal', { title: UNREACHABLE, cause: error })
      : error;
  const notSignedIn = (error: unknown): unknown => {
    if (error instanceof ProviderRefusal)
      return new AppError('unauthorized', { title: error.message, cause: error });
    return logged(error) instanceof ProviderFailure
      ? new AppError('unauthorized', { title: UNREACHABLE, cause: error })
      : error;
  };

  return {
    provider: name,
    createsMissingUsers: config.api.createMissingUsers || !oauth.permittedUserList,

    settings: (ip) =>
      beginning(async () => {
        const endpoints = await endpointsOf();
        const state = randomState();
        const verifier = randomPKCECodeVerifier();
        const nonce = provider.readsIdToken ? randomNonce() : null;
        const { redirectUri } = oauth;
        const url = { redirectUri, scope: provider.scope, state, verifier, nonce };
        const authorizeUrl = await authorizationUrl(endpoints, application, url);
        const expiry = instant(clock.now() + STATE_LIFE);
        await pending.keepState(state, { verifier, nonce: nonce ?? '' }, ip);
        return { message: 'Open authorize_url in a browser to log in', authorizeUrl, state, expiry };
      }).catch((error) => Promise.reject(failed(error))),

    signIn: (code, state) =>
      returning(async (): Promise<SignedIn> => {
        if (code === '' || code.length > LONGEST_CODE) throw refused('invalid code');
        const login = state.length > LONGEST_STATE ? null : await pending.takeState(state);
        if (login === null) throw refused('invalid state: it is unknown, has expired or was used');
        const endpoints = await endpointsOf();
        const tokens = await new TokenEndpoint(http, endpoints, application).exchange(
          code,
          oauth.redirectUri,
          login.verifier,
        );
        const nonce = login.nonce === '' ? null : login.nonce;
        return permit(oauth, provider, await provider.identify(tokens, { flow: 'web', nonce, endpoints }));
      }).catch((error) => Promise.reject(notSignedIn(error))),

    ...makeDeviceLogin({
      oauth,
      provider,
      pending,
      http,
      endpointsOf,
      beginning,
      returning,
      failed,
      notSignedIn,
    }),
  };
}

function openProvider(name: SingleSignOn['provider'], tools: ProviderTools): IdentityProvider {
  switch (name) {
    case 'github':
      return github(tools);
    case 'microsoft':
      return microsoft(tools);
    case 'google':
      return google(tools);
    case 'auth0':
    case 'oidc':
      return openId(name, tools);
  }
}

const refused = (title: string): AppError => new AppError('unauthorized', { title });
