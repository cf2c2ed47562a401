/** The conversation with a provider up to its tokens: RFC 6749 with PKCE, and RFC 8628. */

import {
  allowInsecureRequests,
  buildAuthorizationUrl,
  ClientSecretPost,
  Configuration,
  calculatePKCECodeChallenge,
  customFetch,
  type DeviceAuthorizationResponse,
  genericGrantRequest,
  initiateDeviceAuthorization,
  None,
  ResponseBodyError,
} from 'openid-client';
import type { Endpoints } from './endpoints.js';
import { libraryFetch } from './library-fetch.js';
import { ProviderFailure, ProviderRefusal } from './provider-error.js';
import { type JsonObject, own, type ProviderAnswer, type ProviderHttp } from './provider-http.js';

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** How this server is known to the provider. */
export interface Application {
  readonly clientId: string;
  /** `null`: requests carry the id alone. */
  readonly clientSecret: string | null;
}

/** Used for one login, then forgotten. */
export interface Tokens {
  readonly accessToken: string;
  /** Not verified. */
  readonly idToken: string | null;
}

export interface AuthorizationRequest {
  readonly redirectUri: string;
  readonly scope: string;
  readonly state: string;
  /** PKCE verifier; only its digest goes into the URL. */
  readonly verifier: string;
  /** `null`: no ID token is going to be read. */
  readonly nonce: string | null;
}

/** Where the user is sent to. */
export async function authorizationUrl(
  endpoints: Endpoints,
  { clientId }: Application,
  { redirectUri, scope, state, verifier, nonce }: AuthorizationRequest,
): Promise<string> {
  const configuration = new Configuration(metadataOf(endpoints), clientId);
  allowInsecureRequests(configuration);
  return buildAuthorizationUrl(configuration, {
    redirect_uri: redirectUri,
    scope,
    state,
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...(nonce === null ? {} : { nonce }),
  }).href;
}

/** Throws `ProviderRefusal`, `ProviderFailure`. */
export class TokenEndpoint {
  readonly #http: ProviderHttp;
  readonly #endpoints: Endpoints;
  readonly #application: Application;
  #answer: ProviderAnswer | null = null;
  #idToken: string | null = null;

  /** For one request: it keeps what came beside the answer the library reads. */
  constructor(http: ProviderHttp, endpoints: Endpoints, application: Application) {
    this.#http = http;
    this.#endpoints = endpoints;
    this.#application = application;
  }

  exchange(code: string, redirectUri: string, verifier: string): Promise<Tokens> {
    return this.#grant('authorization_code', { code, redirect_uri: redirectUri, code_verifier: verifier });
  }

  poll(deviceCode: string): Promise<Tokens> {
    return this.#grant(DEVICE_GRANT, { device_code: deviceCode });
  }

  startDevice(scope: string): Promise<DeviceAuthorizationResponse> {
    return this.#asked(() => initiateDeviceAuthorization(this.#configuration(), { scope }));
  }

  async #grant(type: string, parameters: Record<string, string>): Promise<Tokens> {
    const answer = await this.#asked(() => genericGrantRequest(this.#configuration(), type, parameters));
    return { accessToken: answer.access_token, idToken: this.#idToken };
  }

  #configuration(): Configuration {
    const { clientId, clientSecret } = this.#application;
    const authentication = clientSecret === null ? None() : ClientSecretPost(clientSecret);
    const configuration = new Configuration(metadataOf(this.#endpoints), clientId, undefined, authentication);
    // Which addresses may do without TLS was decided when they were read.
    allowInsecureRequests(configuration);
    configuration[customFetch] = libraryFetch(this.#http, {
      look: (answer, json) => this.#look(answer, json),
    });
    return configuration;
  }

  /**
   * The library knows one exact issuer, which is not always configured, and believes the connection instead of the
   * signature: `IdTokenCheck` has the ID token for itself.
   */
  #look(answer: ProviderAnswer, json: JsonObject): JsonObject {
    this.#answer = answer;
    const { id_token: idToken, ...rest } = json;
    this.#idToken = typeof idToken === 'string' ? idToken : null;
    // Google's name for it.
    return rest.verification_uri === undefined && own(rest, 'verification_url') !== undefined
      ? { ...rest, verification_uri: rest.verification_url }
      : rest;
  }

  async #asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof ResponseBodyError) {
        const { error_description: description, error_uri: uri } = error.cause as JsonObject;
        throw new ProviderRefusal(this.#answer?.status ?? error.status, error.error, description, uri);
      }
      const { message, cause } = error as Error;
      if (cause instanceof ProviderFailure) throw cause;
      const status = this.#answer === null ? '' : ` (status ${this.#answer.status})`;
      throw new ProviderFailure(`${this.#endpoints.token}: ${message}${status}`);
    }
  }
}

const metadataOf = ({ authorize, token, device, issuers }: Endpoints) => ({
  issuer: issuers[0] ?? new URL(token).origin,
  authorization_endpoint: authorize,
  token_endpoint: token,
  ...(device === '' ? {} : { device_authorization_endpoint: device }),
});
