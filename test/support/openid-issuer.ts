/** A real OpenID provider on loopback, whose users log in by saying who they are. */

import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import Provider, { type Configuration } from 'oidc-provider';
import { Browser } from './browser.js';

export const CLIENT = { id: 'tideway', secret: 'secret-of-the-application' } as const;
/** Another application at the same provider. */
export const STRANGER = { id: 'stranger', secret: 'secret-of-another-application' } as const;
export const REDIRECT_URI = 'https://tideway.example/oauth/callback';
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

type Algorithm = 'RS256' | 'ES256';
type Claims = Readonly<Record<string, unknown>>;

export class OpenIdIssuer {
  /** Claims of each user by `sub`; others cannot log in. */
  readonly accounts: Record<string, Claims>;
  /** Signs ID tokens, key id `main`. */
  readonly key: KeyObject;
  readonly algorithm: Algorithm;
  readonly url: string;
  /** Requests received, as `METHOD /path`. */
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #provider: Provider;

  private constructor(server: Server, accounts: Record<string, Claims>, algorithm: Algorithm) {
    this.#server = server;
    this.algorithm = algorithm;
    this.accounts = accounts;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.key =
      algorithm === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
        : generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
    this.#provider = new Provider(this.url, this.#configuration());
    const answer = this.#provider.callback();
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      this.requests.push(`${request.method} ${request.url?.split('?')[0]}`);
      if (request.url?.startsWith('/interaction/')) void this.#logIn(request, response);
      else void answer(request, response);
    });
  }

  static async start(
    accounts: Record<string, Claims>,
    algorithm: Algorithm = 'RS256',
  ): Promise<OpenIdIssuer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new OpenIdIssuer(server, accounts, algorithm);
  }

  static async startFor(
    test: TestContext,
    accounts: Record<string, Claims>,
    algorithm?: Algorithm,
  ): Promise<OpenIdIssuer> {
    const issuer = await OpenIdIssuer.start(accounts, algorithm);
    test.after(() => issuer.stop());
    return issuer;
  }

  /** Also in the middle of a test, as if the network were down. */
  async stop(): Promise<void> {
    if (!this.#server.listening) return;
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** What `[plus-oauth]` says of this provider. */
  get endpoints() {
    return {
      authorize_url: `${this.url}/auth`,
      token_url: `${this.url}/token`,
      jwks_url: `${this.url}/jwks`,
      device_authorize_url: `${this.url}/device/auth`,
    };
  }

  /** Logs `account` in at the page of `authorizeUrl`; resolves with what the provider sends the browser back with. */
  async authorize(authorizeUrl: string, account: string): Promise<URLSearchParams> {
    const { location } = await new Browser(account).open(authorizeUrl, REDIRECT_URI);
    return new URL(location).searchParams;
  }

  /** The user enters the code and lets the device in, or does not. */
  async decide(userCode: string, account: string, admit = true): Promise<void> {
    const browser = new Browser(account);
    const page = `${this.url}/device`;
    const xsrf = (html: string): string => /name="xsrf" value="([^"]*)"/.exec(html)?.[1] ?? '';
    const first = await browser.open(page);
    const form = { xsrf: xsrf(first.body), user_code: userCode };
    await browser.post(page, form);
    await browser.post(page, admit ? { ...form, confirm: 'yes' } : { ...form, abort: 'yes' });
  }

  async #logIn(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const accountId = String(request.headers['x-user'] ?? '');
    await this.#provider.interactionFinished(request, response, { login: { accountId } });
  }

  #configuration(): Configuration {
    const jwk = { ...this.key.export({ format: 'jwk' }), kid: 'main', alg: this.algorithm, use: 'sig' };
    const client = ({ id, secret }: { id: string; secret: string }) => ({
      client_id: id,
      client_secret: secret,
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code', DEVICE_GRANT],
      response_types: ['code' as const],
      token_endpoint_auth_method: 'client_secret_post' as const,
      id_token_signed_response_alg: this.algorithm,
    });
    return {
      clients: [client(CLIENT), client(STRANGER)],
      jwks: { keys: [jwk] } as NonNullable<Configuration['jwks']>,
      cookies: { keys: ['a key of the tests'] },
      pkce: { required: () => true },
      // Profile claims in the ID token, as most providers do it.
      conformIdTokenClaims: false,
      claims: {
        openid: ['sub'],
        profile: ['preferred_username', 'name', 'roles', 'realm_access', 'https://tideway.example/roles'],
        email: ['email', 'email_verified'],
      },
      features: {
        devInteractions: { enabled: false },
        deviceFlow: {
          enabled: true,
          userCodeInputSource: (ctx, form) => {
            ctx.body = form;
          },
          userCodeConfirmSource: (ctx, form) => {
            ctx.body = form;
          },
          successSource: (ctx) => {
            ctx.body = 'success';
          },
        },
      },
      interactions: { url: (_ctx, { uid }) => `/interaction/${uid}` },
      ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600, DeviceCode: 600 },
      findAccount: (_ctx, id) => {
        const claims = this.accounts[id];
        return claims === undefined
          ? undefined
          : { accountId: id, claims: async () => ({ sub: id, ...claims }) };
      },
      // Nobody is asked for consent.
      loadExistingGrant: async (ctx) => {
        const { client: asking, session, provider } = ctx.oidc;
        const grant = new provider.Grant({
          clientId: asking?.clientId ?? '',
          accountId: session?.accountId ?? '',
        });
        grant.addOIDCScope('openid profile email');
        await grant.save();
        return grant;
      },
    };
  }
}
