/**
 * What the published OAuth endpoints of GitHub, Microsoft and Google have in common: codes bound to client, redirect
 * and PKCE challenge, device codes that wait for their user, access tokens for an API. What they differ in is said by
 * `Dialect`.
 */

import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { CLIENT } from '../openid-issuer.js';

export interface Answer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface ApiCall {
  readonly url: URL;
  /** Whose access token came with it. */
  readonly user: string;
  readonly headers: IncomingMessage['headers'];
}

export type OauthError =
  | 'bad_code'
  | 'bad_client'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token';

export interface Dialect {
  readonly tokenPath: string;
  readonly devicePath: string;
  /** Client and secret that devices use; `null`: a secret is refused. */
  readonly device: { readonly id: string; readonly secret: string | null };
  error(error: OauthError): Answer;
  deviceAnswer(given: { deviceCode: string; userCode: string; url: string }): unknown;
  token(accessToken: string): unknown;
  api(call: ApiCall): Answer | undefined;
}

interface Grant {
  readonly user: string;
  readonly challenge: string;
  readonly redirectUri: string;
}

type Decision = { readonly kind: 'admitted'; readonly user: string } | OauthError;

export class OauthServer {
  readonly url: string;
  /** Bodies of token requests. */
  readonly tokenRequests: URLSearchParams[] = [];
  /** Paths with query of requests to the API. */
  readonly apiRequests: string[] = [];
  /** What a device is told next, by device code. */
  readonly decisions = new Map<string, Decision>();
  readonly #server: Server;
  readonly #dialect: Dialect;
  readonly #grants = new Map<string, Grant>();
  readonly #tokens = new Map<string, string>();

  private constructor(server: Server, makeDialect: (url: string) => Dialect) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    this.#dialect = makeDialect(this.url);
    server.on('request', async (request: IncomingMessage, response) => {
      const { status = 200, headers = {}, body } = await this.#answer(request);
      const isText = typeof body === 'string';
      response.writeHead(status, {
        'content-type': isText ? 'text/html' : 'application/json; charset=utf-8',
        ...headers,
      });
      response.end(isText ? body : JSON.stringify(body));
    });
  }

  static async start(test: TestContext, makeDialect: (url: string) => Dialect): Promise<OauthServer> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.after(() => {
      server.closeAllConnections();
      server.close();
    });
    return new OauthServer(server, makeDialect);
  }

  /** No more connections: as if the network were down. */
  async vanish(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The user agrees at `authorizeUrl`; resolves with the code the browser would be sent back with. */
  authorize(authorizeUrl: string, user: string): string {
    const asked = new URL(authorizeUrl).searchParams;
    const code = randomBytes(10).toString('hex');
    this.#grants.set(code, {
      user,
      challenge: asked.get('code_challenge_method') === 'S256' ? (asked.get('code_challenge') ?? '') : '',
      redirectUri: asked.get('redirect_uri') ?? '',
    });
    return code;
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const url = new URL(request.url ?? '/', this.url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const form = new URLSearchParams(Buffer.concat(chunks).toString());
    if (request.method === 'POST' && request.headers.accept !== 'application/json')
      return { status: 500, body: 'the answer would be a form' };
    if (request.method === 'POST' && url.pathname === this.#dialect.tokenPath) return this.#token(form);
    if (request.method === 'POST' && url.pathname === this.#dialect.devicePath) return this.#device(form);
    this.apiRequests.push(`${url.pathname}${url.search}`);
    const user = this.#tokens.get(/^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '');
    if (user === undefined) return { status: 401, body: { message: 'Bad credentials' } };
    return this.#dialect.api({ url, user, headers: request.headers }) ?? { status: 404, body: {} };
  }

  #token(form: URLSearchParams): Answer {
    this.tokenRequests.push(form);
    return form.get('grant_type') === 'authorization_code' ? this.#exchange(form) : this.#poll(form);
  }

  #exchange(form: URLSearchParams): Answer {
    if (form.get('client_id') !== CLIENT.id || form.get('client_secret') !== CLIENT.secret)
      return this.#dialect.error('bad_client');
    const code = form.get('code') ?? '';
    const grant = this.#grants.get(code);
    this.#grants.delete(code);
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (grant?.redirectUri !== form.get('redirect_uri') || grant?.challenge !== challenge)
      return this.#dialect.error('bad_code');
    return this.#issue(grant.user);
  }

  #device(form: URLSearchParams): Answer {
    if (form.get('client_id') !== this.#dialect.device.id) return this.#dialect.error('bad_client');
    const deviceCode = randomBytes(20).toString('hex');
    this.decisions.set(deviceCode, 'authorization_pending');
    return { body: this.#dialect.deviceAnswer({ deviceCode, userCode: 'WDJB-MJHT', url: this.url }) };
  }

  #poll(form: URLSearchParams): Answer {
    const { id, secret } = this.#dialect.device;
    if (form.get('client_id') !== id || form.get('client_secret') !== secret)
      return this.#dialect.error('bad_client');
    const decision = this.decisions.get(form.get('device_code') ?? '') ?? 'expired_token';
    return typeof decision === 'string' ? this.#dialect.error(decision) : this.#issue(decision.user);
  }

  #issue(user: string): Answer {
    const accessToken = randomBytes(20).toString('hex');
    this.#tokens.set(accessToken, user);
    return { body: this.#dialect.token(accessToken) };
  }
}
