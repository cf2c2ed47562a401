/** Where the provider is, and who its ID tokens must be from. */

import { allowInsecureRequests, customFetch, discovery } from 'openid-client';
import type { PlusOauthConfig } from '../../config/types.js';
import { checkEndpoint } from '../../config/values/endpoint.js';
import type { Clock, Milliseconds } from '../../time.js';
import { libraryFetch } from './library-fetch.js';
import { ProviderFailure } from './provider-error.js';
import type { ProviderHttp } from './provider-http.js';

/** What the provider says of itself is asked for again after this. */
const TRUSTED_FOR: Milliseconds = 60 * 60_000;

export interface Endpoints {
  readonly authorize: string;
  readonly token: string;
  /** Empty when there is no device login. */
  readonly device: string;
  /** Empty where nothing is signed. */
  readonly jwks: string;
  /** Values of `iss` that are accepted; empty where nothing is signed. */
  readonly issuers: readonly string[];
}

/** The endpoints; asks the provider for those that are not set when there is an `issuer`. */
export type FindEndpoints = () => Promise<Endpoints>;

export function makeFindEndpoints(oauth: PlusOauthConfig, http: ProviderHttp, clock: Clock): FindEndpoints {
  const configured: Endpoints = {
    authorize: oauth.authorizeUrl,
    token: oauth.tokenUrl,
    device: oauth.deviceAuthorizeUrl,
    jwks: oauth.jwksUrl,
    issuers:
      oauth.issuer === '' ? issuersNear(oauth.tokenUrl, oauth.jwksUrl) : withAndWithoutSlash(oauth.issuer),
  };
  const { authorize, token, jwks } = configured;
  if (oauth.issuer === '' || [authorize, token, jwks].every((url) => url !== ''))
    return async () => configured;

  let found: Promise<Endpoints> | undefined;
  let askedAt: Milliseconds = 0;
  return () => {
    if (found !== undefined && clock.now() - askedAt < TRUSTED_FOR) return found;
    askedAt = clock.now();
    const asked = discover(oauth, configured, http);
    // Callers that come together share one question; a failure is not remembered.
    asked.catch(() => {
      if (found === asked) found = undefined;
    });
    found = asked;
    return asked;
  };
}

/** What is configured wins. Throws `ProviderFailure`. */
async function discover(
  oauth: PlusOauthConfig,
  configured: Endpoints,
  http: ProviderHttp,
): Promise<Endpoints> {
  try {
    const issuer = new URL(oauth.issuer);
    const metadata = (
      await discovery(issuer, oauth.clientId, undefined, undefined, {
        [customFetch]: libraryFetch(http),
        execute: issuer.protocol === 'http:' ? [allowInsecureRequests] : [],
      })
    ).serverMetadata();
    const found: Endpoints = {
      authorize: configured.authorize || (metadata.authorization_endpoint ?? ''),
      token: configured.token || (metadata.token_endpoint ?? ''),
      device: configured.device || (metadata.device_authorization_endpoint ?? ''),
      jwks: configured.jwks || (metadata.jwks_uri ?? ''),
      issuers: [metadata.issuer],
    };
    checkNamed('authorization', found.authorize);
    checkNamed('token', found.token);
    checkNamed('key', found.jwks);
    if (found.device !== '') checkNamed('device authorization', found.device);
    return found;
  } catch (error) {
    throw new ProviderFailure(`discovery of ${oauth.issuer}: ${reasonOf(error)}`);
  }
}

function checkNamed(name: string, url: string): void {
  try {
    checkEndpoint(url);
  } catch (error) {
    throw new Error(`${name} endpoint: ${(error as Error).message}`);
  }
}

const reasonOf = (error: unknown): string => {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message}: ${cause.message}` : message;
};

const withAndWithoutSlash = (issuer: string): readonly string[] =>
  issuer.endsWith('/') ? [issuer, issuer.slice(0, -1)] : [issuer, `${issuer}/`];

/**
 * Without a configured issuer it must be one above both the token endpoint and the keys, as it is with Auth0, Okta and
 * Keycloak: `https://id.example/realms/a` for `https://id.example/realms/a/…/token`. So tenants of one host are kept
 * apart; a provider that is spread over several hosts needs the setting.
 */
export function issuersNear(tokenUrl: string, jwksUrl: string): readonly string[] {
  if (tokenUrl === '' || jwksUrl === '') return [];
  const aboveKeys = new Set(parentsOf(jwksUrl));
  return parentsOf(tokenUrl)
    .filter((parent) => aboveKeys.has(parent))
    .flatMap((parent) => [parent, `${parent}/`]);
}

/** `https://a/b/c` → `https://a`, `https://a/b`. */
function parentsOf(url: string): readonly string[] {
  const { origin, pathname } = new URL(url);
  const segments = pathname.split('/').slice(1, -1);
  return [origin, ...segments.map((_, at) => `${origin}/${segments.slice(0, at + 1).join('/')}`)];
}
