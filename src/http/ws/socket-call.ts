/** One request for a WebSocket whose route is known: from authentication to the 101, or the refusal. */

import type { Caller } from '../../auth/caller-ip.js';
import type { Principal } from '../../auth/principal.js';
import { AppError } from '../../errors.js';
import { checkAccess } from '../access.js';
import type { CallScope } from '../call.js';
import type { EngineRequest, EngineResponse } from '../engine.js';
import { parseQuery, type QueryString } from '../query-string.js';
import { type Answer, errorAnswer, isUnexpected } from '../reply.js';
import type { ApiRequest } from '../route.js';
import { upgradeFault } from '../upgrade-check.js';
import { authenticateSocket, socketCredentials } from './caller.js';
import type { OpenSockets } from './open-sockets.js';
import { isOriginAllowed } from './origin.js';
import type { WebSocketRoute } from './websocket-route.js';

const NO_BODY = Buffer.alloc(0);
/** As the reference words it. Spec 02 §2.8. */
const BAD_UPGRADE: Answer = {
  status: 400,
  headers: [
    ['Content-Type', 'text/plain; charset=utf-8'],
    ['X-Content-Type-Options', 'nosniff'],
    ['Sec-Websocket-Version', '13'],
  ],
  body: 'Bad Request\n',
};

export interface SocketScope extends CallScope {
  readonly sockets: OpenSockets;
  isOriginAllowed(origin: string): boolean;
}

export class SocketCall {
  readonly #query: QueryString;

  constructor(
    private readonly scope: SocketScope,
    private readonly route: WebSocketRoute,
    private readonly params: Readonly<Record<string, string>>,
    private readonly request: EngineRequest,
    private readonly response: EngineResponse,
    private readonly caller: Caller,
  ) {
    this.#query = parseQuery(request.rawQuery);
  }

  /** Never rejects. */
  async run(): Promise<void> {
    const { request, response, scope, route } = this;
    const { context, sockets } = scope;
    const credentials = socketCredentials(request, this.#query, route, this.caller.ip);
    let release: (() => void) | null = null;
    try {
      // No `await` where there is nothing to wait for: the engine likes its upgrades in the request's own turn.
      const known = authenticateSocket(credentials, this.caller.ip, context);
      const principal = known instanceof Promise ? await known : known;
      if (!isOriginAllowed(request, (origin) => scope.isOriginAllowed(origin))) {
        throw new AppError('forbidden', { title: 'origin not allowed' });
      }
      checkAccess(route.access, this.params, principal, context);
      if (upgradeFault(request) !== null) {
        this.#send(BAD_UPGRADE);
        return;
      }
      release = sockets.reserve(principal.username);
      const opening = route.open(this.#request(principal), context);
      const conversation = opening instanceof Promise ? await opening : opening;
      if (response.done || credentials === null) {
        release();
        return;
      }
      const place = release;
      response.upgrade(
        (socket) =>
          sockets.add({
            socket,
            conversation,
            principal,
            maxMessageBytes: route.maxMessageBytes,
            release: place,
            credentials,
            check: (present) => checkAccess(route.access, this.params, present, context),
          }),
        null,
      );
      scope.finished(request, route.path, 101, 0);
    } catch (error) {
      release?.();
      if (isUnexpected(error)) {
        context.log.error(
          `${request.method} ${route.path}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
      }
      this.#send(errorAnswer(error));
    }
  }

  #request(principal: Principal): ApiRequest & { readonly principal: Principal } {
    const { request, caller } = this;
    return {
      method: request.method,
      path: request.path,
      params: this.params,
      query: this.#query,
      body: undefined,
      rawBody: NO_BODY,
      stream: null,
      header: (name) => request.header(name),
      headers: request.headers,
      ip: caller.ip,
      fromTrustedProxy: caller.fromTrustedProxy,
      principal,
    };
  }

  #send({ status, headers, body }: Answer): void {
    const { request, response, scope } = this;
    response.send(status, [...headers, ...scope.corsHeaders(request)], body);
    scope.finished(request, this.route.path, status, Buffer.byteLength(body));
  }
}
