/**
 * The HTTP and WebSocket listener on uWebSockets.js: the engine adapter begins here. Several worker
 * threads may listen on one port; the kernel spreads the connections. Architecture §1 and §6.
 *
 * Limits of the engine that callers see: HTTP/1.1 only (1.0 and 2 are refused, 505), headers must arrive
 * within 10 s, a body must not fall below 16 KiB/s for 10 s, at most 100 header lines (431), and a request
 * pipelined behind one that is still being answered ends the connection.
 */

import type {
  AppOptions,
  HttpRequest,
  HttpResponse,
  TemplatedApp,
  us_listen_socket,
  us_socket_context_t,
} from 'uWebSockets.js';
import { App, SSLApp, us_listen_socket_close, us_socket_local_port } from 'uWebSockets.js';
import { type Clock, type Milliseconds, systemClock } from '../time.js';
import type { EngineOptions, Listen } from './engine.js';
import { openEngineCork } from './engine-cork.js';
import type { EngineSocket } from './engine-socket.js';
import { type RawUpgrade, Request, Response } from './exchange.js';
import { peerAddress } from './peer-address.js';
import { upgradeFault } from './upgrade-check.js';

const DEFAULT_MESSAGE_BYTES = 1024 * 1024;
/**
 * The engine drops frames above it, which would corrupt SSH. Senders stop at 1 MiB (`engine-socket.ts`), so a
 * connection that gets here is beyond help and is closed.
 */
const MAX_BACKPRESSURE_BYTES = 256 * 1024 * 1024;
/** A peer that neither sends nor answers a ping for this long is dead. */
const IDLE_TIMEOUT_SECONDS = 120;
const DEFAULT_ANSWER_WITHIN = 10 * 60_000;
/** How often unanswered requests are looked at. */
const SWEEP_INTERVAL = 5_000;
/** Bytes a header line takes besides its name and value: `: ` and CR LF. */
const HEADER_LINE_OVERHEAD = 4;
/** `METHOD SP target SP HTTP/1.1 CR LF` besides method and target. */
const REQUEST_LINE_OVERHEAD = 12;
/**
 * The engine allows TLS 1.2 and 1.3 and offers no switch for the version. A 1.2 cipher that needs a
 * pre-shared key, which nobody has, leaves 1.3 alone; 1.3 ciphers are not affected by the list.
 */
const NO_TLS12_CIPHER = 'ECDHE-PSK-AES128-CBC-SHA';

/** Starts a listener in this thread. Rejects when the address is in use or the certificate does not load. */
export const listen: Listen = async (options) => {
  const app = makeApp(options);
  const cork = await openEngineCork();
  const clock = options.clock ?? systemClock;
  const onError = options.onError ?? ((error) => process.emitWarning(asText(error)));
  const unanswered = new Unanswered(clock, options.answerWithin ?? DEFAULT_ANSWER_WITHIN);

  const serve = (raw: HttpResponse, rawRequest: HttpRequest, context: us_socket_context_t | null): void => {
    const { request, headerBytes } = readRequest(raw, rawRequest, clock);
    const isUpgrade = context !== null && upgradeFault(request) === null;
    const upgrade = isUpgrade ? upgrader(raw, request, context) : null;
    const length = bodyLength(request);
    const response = new Response(
      raw,
      request,
      length,
      upgrade,
      cork.run,
      onError,
      unanswered.finished,
      clock,
    );
    raw.onAborted(() => response.aborted());
    if (length !== 0) raw.onData((chunk, last) => response.received(chunk, last));
    if (options.maxHeaderBytes !== undefined && headerBytes > options.maxHeaderBytes) {
      response.send(431, refusalHeaders, '431 Request Header Fields Too Large');
    } else if (hasUnclearLength(request)) {
      response.send(400, refusalHeaders, '400 Bad Request');
    } else {
      answer(isUpgrade && options.onUpgrade ? options.onUpgrade : options.onRequest, request, response);
    }
    response.leftCallback();
    if (!response.answered) unanswered.add(response);
  };

  const answer = (handler: EngineOptions['onRequest'], request: Request, response: Response): void => {
    const failed = (error: unknown): void => {
      onError(error);
      response.fail(500);
    };
    try {
      const pending = handler(request, response);
      if (pending === undefined) return;
      pending.then(() => {
        if (!response.answered) failed(new Error(`no answer to ${request.method} ${request.path}`));
      }, failed);
    } catch (error) {
      failed(error);
    }
  };

  app.ws<{ socket: EngineSocket }>('/*', {
    maxPayloadLength: options.maxMessageBytes ?? DEFAULT_MESSAGE_BYTES,
    maxBackpressure: MAX_BACKPRESSURE_BYTES,
    closeOnBackpressureLimit: true,
    idleTimeout: options.idleTimeoutSeconds ?? IDLE_TIMEOUT_SECONDS,
    sendPingsAutomatically: true,
    upgrade: (raw, rawRequest, context) => serve(raw, rawRequest, context),
    open: (ws) => ws.getUserData().socket.opened(ws),
    message: (ws, message, isBinary) => ws.getUserData().socket.received(message, !isBinary),
    drain: (ws) => ws.getUserData().socket.drained(),
    close: (ws) => ws.getUserData().socket.closed(),
  });
  app.any('/*', (raw, rawRequest) => serve(raw, rawRequest, null));

  let listenSocket: us_listen_socket;
  try {
    listenSocket = bind(app, options);
  } catch (error) {
    cork.close();
    throw error;
  }
  const port = us_socket_local_port(listenSocket);
  let accepting = true;
  let open = true;
  return {
    port,
    stopAccepting() {
      if (accepting) us_listen_socket_close(listenSocket);
      accepting = false;
    },
    close() {
      if (open) app.close();
      cork.close();
      open = false;
      accepting = false;
    },
  };
};

const refusalHeaders = [
  ['Content-Type', 'text/plain; charset=utf-8'],
  ['Connection', 'close'],
] as const;

function makeApp(options: EngineOptions): TemplatedApp {
  if (options.tls === undefined) return App();
  const { certFile, keyFile, minVersion } = options.tls;
  const tls: AppOptions = { cert_file_name: certFile, key_file_name: keyFile };
  if (minVersion === '1.3') tls.ssl_ciphers = NO_TLS12_CIPHER;
  try {
    return SSLApp(tls);
  } catch (error) {
    throw new Error(`cannot use certificate ${certFile} with key ${keyFile}`, { cause: error });
  }
}

/** Tries of `bindFreePort`; each fails only when somebody takes the port between two calls. */
const FREE_PORT_TRIES = 5;

function bind(app: TemplatedApp, options: EngineOptions): us_listen_socket {
  const socket =
    options.port === 0 ? bindFreePort(app, options.host) : tryBind(app, options.host, options.port);
  if (socket) return socket;
  app.close();
  throw new Error(`listen tcp ${options.host}:${options.port}: address in use or not available`);
}

/** The engine makes a port shareable between threads only when it is asked for by number. */
function bindFreePort(app: TemplatedApp, host: string): us_listen_socket | false {
  for (let left = FREE_PORT_TRIES; left > 0; left -= 1) {
    const probe = tryBind(app, host, 0);
    if (!probe) return false;
    const port = us_socket_local_port(probe);
    us_listen_socket_close(probe);
    const socket = tryBind(app, host, port);
    if (socket) return socket;
  }
  return false;
}

/** The engine calls back before `listen` returns. */
function tryBind(app: TemplatedApp, host: string, port: number): us_listen_socket | false {
  let bound: us_listen_socket | false = false;
  const take = (socket: us_listen_socket | false): void => {
    bound = socket;
  };
  if (host === '') app.listen(port, take);
  else app.listen(host, port, take);
  return bound;
}

function readRequest(
  raw: HttpResponse,
  rawRequest: HttpRequest,
  clock: Clock,
): { request: Request; headerBytes: number } {
  const method = rawRequest.getCaseSensitiveMethod();
  const path = rawRequest.getUrl();
  const rawQuery = rawRequest.getQuery() ?? '';
  const headers: [string, string][] = [];
  let headerBytes = REQUEST_LINE_OVERHEAD + method.length + path.length + rawQuery.length;
  rawRequest.forEach((name, value) => {
    headers.push([name, value]);
    headerBytes += name.length + value.length + HEADER_LINE_OVERHEAD;
  });
  const address = peerAddress(new Uint8Array(raw.getRemoteAddress()));
  return { request: new Request(method, path, rawQuery, headers, address, clock.now()), headerBytes };
}

/** Bytes of the body to come; `null` when it is chunked. */
function bodyLength(request: Request): number | null {
  if (request.header('transfer-encoding') !== '') return null;
  const length = request.header('content-length');
  return length === '' ? 0 : Number(length);
}

/**
 * Whether another server could see the body end elsewhere, which lets a caller hide a request in it (RFC 9112
 * §6.3 and §11.2). The engine takes the first of several lengths, and every transfer encoding for `chunked`; it
 * refuses both in one request itself.
 */
function hasUnclearLength({ headers }: Request): boolean {
  let lines = 0;
  for (const [name, value] of headers) {
    if (name !== 'content-length' && name !== 'transfer-encoding') continue;
    lines += 1;
    if (lines > 1 || (name === 'transfer-encoding' && value.trim().toLowerCase() !== 'chunked')) return true;
  }
  return false;
}

function upgrader(raw: HttpResponse, request: Request, context: us_socket_context_t): RawUpgrade {
  const key = request.header('sec-websocket-key');
  return (socket, protocol) => raw.upgrade({ socket }, key, protocol, '', context);
}

function asText(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/**
 * Requests whose handler has returned without an answer; each is answered 503 when its time is over. A body that
 * is still arriving is no matter of the handler: the engine itself ends one that comes too slowly.
 */
class Unanswered {
  /** Since when each is waited for, oldest first. */
  readonly #responses = new Map<Response, Milliseconds>();
  #sweeping = false;

  constructor(
    private readonly clock: Clock,
    private readonly answerWithin: Milliseconds,
  ) {}

  add(response: Response): void {
    this.#responses.set(response, response.receivedAt);
    if (this.#sweeping) return;
    this.#sweeping = true;
    this.clock.after(SWEEP_INTERVAL, () => this.#sweep());
  }

  readonly finished = (response: Response): void => {
    this.#responses.delete(response);
  };

  #sweep(): void {
    const now = this.clock.now();
    for (const [response, since] of this.#responses) {
      if (since > now - this.answerWithin) break;
      this.#responses.delete(response);
      // To the end of the row, where this loop leaves it alone.
      if (response.receiving) this.#responses.set(response, now);
      else if (!response.answered) response.fail(503);
    }
    this.#sweeping = this.#responses.size > 0;
    if (this.#sweeping) this.clock.after(SWEEP_INTERVAL, () => this.#sweep());
  }
}
