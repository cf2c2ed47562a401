/** One API request whose route is known: from authentication to the answer. Order of checks: spec 03 §1.1. */

import type { Caller } from '../auth/caller-ip.js';
import type { Principal } from '../auth/principal.js';
import { AppError } from '../errors.js';
import type { Milliseconds } from '../time.js';
import { checkAccess } from './access.js';
import { type BodyStream, openBodyStream } from './body-stream.js';
import { acceptedEncoding, compress, worthCompressing } from './compress.js';
import type { ApiContext } from './context.js';
import type { EngineRequest, EngineResponse } from './engine.js';
import { readJsonBody } from './json/body.js';
import { API_PREFIX } from './prefix.js';
import { parseQuery } from './query-string.js';
import { type Answer, errorAnswer, type HeaderLine, isUnexpected, replyAnswer, textAnswer } from './reply.js';
import type { ApiReply, ApiRequest, Route } from './route.js';

/** Most a route without a limit of its own reads. Enough for any rule set; not enough to hurt. */
const UNLIMITED_BODY_BYTES = 10 * 1024 * 1024;
const FORM_TYPE = 'application/x-www-form-urlencoded';
const NO_BODY = Buffer.alloc(0);
/** Request paths in log lines are cut to this length. */
const LOGGED_PATH_LENGTH = 200;

/** What the log needs to know about an answered request. */
export interface FinishedRequest {
  readonly request: EngineRequest;
  /** The route's pattern, such as `/clients/{client_id}`; `null` when none matched. */
  readonly route: string | null;
  readonly status: number;
  /** Of the body as sent. */
  readonly bytes: number;
  readonly duration: Milliseconds;
}

/** What all calls of one listener share. */
export interface CallScope {
  readonly context: ApiContext;
  corsHeaders(request: EngineRequest): readonly HeaderLine[];
  finished(request: EngineRequest, route: string | null, status: number, bytes: number): void;
}

const VARY_ENCODING: HeaderLine = ['Vary', 'Accept-Encoding'];

export class Call {
  constructor(
    private readonly scope: CallScope,
    private readonly route: Route,
    private readonly params: Readonly<Record<string, string>>,
    private readonly request: EngineRequest,
    private readonly response: EngineResponse,
    private readonly caller: Caller,
  ) {}

  /** Stays synchronous when authentication, body and handler are; never rejects. */
  run(): void | Promise<void> {
    try {
      const pending = this.#then(this.#caller(), (principal) => this.#admitted(principal));
      return pending?.catch((error: unknown) => this.#fail(error));
    } catch (error) {
      return this.#fail(error);
    }
  }

  /** Who calls, `null` where that is for the handler to find out. Throws `AppError` when he may not. */
  #caller(): Principal | null | Promise<Principal> {
    const { auth, guard } = this.scope.context;
    const { access } = this.route;
    if (access.kind === 'bearer') return null;
    if (access.kind === 'open') {
      if (guard.isBanned('api', this.caller.ip)) throw new AppError('banned');
      return null;
    }
    const principal = auth.authenticate({
      authorization: this.request.header('authorization'),
      userAgent: this.request.header('user-agent'),
      ip: this.caller.ip,
      method: this.request.method,
      path: API_PREFIX + this.route.path,
    });
    if (principal instanceof Promise) return principal.then((known) => this.#checked(known));
    return this.#checked(principal);
  }

  #checked(principal: Principal): Principal {
    checkAccess(this.route.access, this.params, principal, this.scope.context);
    return principal;
  }

  #then(
    caller: Principal | null | Promise<Principal>,
    next: (principal: Principal | null) => Promise<void> | undefined,
  ): Promise<void> | undefined {
    return caller instanceof Promise ? caller.then(next) : next(caller);
  }

  #admitted(principal: Principal | null): Promise<void> | undefined {
    const { config } = this.scope.context;
    const limited = this.route.limits !== false;
    const most = limited ? config.api.maxRequestBytes : UNLIMITED_BODY_BYTES;
    const limit = this.route.streams?.limit(config) ?? most;
    const query = parseQuery(this.request.rawQuery);
    if (limited && query.error !== undefined) {
      this.#send(limitAnswer(limit, query.error));
      return undefined;
    }
    if (this.route.streams !== undefined) return this.#streamed({ principal, query }, limit);
    if (!this.#hasBody()) return this.#handle({ principal, query }, NO_BODY);
    return this.response.body(limit).then(
      (rawBody) => {
        // A caller takes his time over a body. What he may do is what he may do now, not when he began.
        const present = principal === null ? null : this.#caller();
        return this.#then(present, (known) => this.#handle({ principal: known, query }, rawBody));
      },
      (error: unknown) => this.#send(this.#bodyRefusal(error, limit)),
    );
  }

  #streamed(base: Pick<ApiRequest, 'principal' | 'query'>, limit: number): Promise<void> | undefined {
    const { streams } = this.route;
    const length = this.request.header('content-length');
    if (length !== '' && Number(length) > limit) throw new AppError('body_too_large');
    const overflow = (): string => streams?.overflow(this.scope.context) ?? '';
    const stream = openBodyStream(this.response, { limit, overflow, caller: () => this.#caller() });
    return this.#handle(base, NO_BODY, stream);
  }

  #hasBody(): boolean {
    if (this.request.method === 'GET') return false;
    const length = this.request.header('content-length');
    return (length !== '' && length !== '0') || this.request.header('transfer-encoding') !== '';
  }

  #bodyRefusal(error: unknown, limit: number): Answer {
    if (!(error instanceof AppError) || error.code !== 'body_too_large') return errorAnswer(error);
    if (this.request.header('content-type').startsWith(FORM_TYPE)) return limitAnswer(limit, error.title);
    return errorAnswer(this.#badBody(new AppError('invalid_json', { detail: error.title })));
  }

  /** The route may have another title for a body that is no good. */
  #badBody(error: unknown): unknown {
    const { invalidBodyTitle: title } = this.route;
    if (title === undefined || !(error instanceof AppError)) return error;
    // The reference puts whatever it was into the detail.
    return new AppError('invalid_json', {
      title,
      detail: error.code === 'missing_body' ? error.title : error.detail,
    });
  }

  #readBody(rawBody: Buffer): unknown {
    if (this.route.body === undefined) return undefined;
    try {
      return readJsonBody(rawBody, this.route.body);
    } catch (error) {
      throw this.#badBody(error);
    }
  }

  #handle(
    base: Pick<ApiRequest, 'principal' | 'query'>,
    rawBody: Buffer,
    stream: BodyStream | null = null,
  ): Promise<void> | undefined {
    const { request } = this;
    const { principal } = base;
    const reply = this.route.handler(
      {
        method: request.method,
        path: request.path,
        params: this.params,
        query: base.query,
        body: this.#readBody(rawBody),
        rawBody,
        stream,
        header: (name) => request.header(name),
        headers: request.headers,
        ip: this.caller.ip,
        fromTrustedProxy: this.caller.fromTrustedProxy,
        principal,
      },
      this.scope.context,
    );
    if (reply instanceof Promise) return reply.then((known) => this.#reply(known, principal));
    return this.#reply(reply, principal);
  }

  /** Nobody hears of a change before it is in the audit log. */
  #reply(reply: ApiReply, principal: Principal | null): Promise<void> | undefined {
    const { audit } = this.route;
    if (audit === undefined) {
      reply.begin?.();
      return this.#send(replyAnswer(reply));
    }
    const by = { username: principal?.username ?? '', remoteIp: this.caller.ip, ...audit };
    const details = reply.audit === undefined ? [{}] : [reply.audit].flat();
    const recorded = this.scope.context.audit.record(details.map((detail) => ({ ...detail, ...by })));
    return recorded.then(() => {
      reply.begin?.();
      return this.#send(replyAnswer(reply));
    });
  }

  #fail(error: unknown): Promise<void> | undefined {
    if (isUnexpected(error)) {
      const path = this.request.path.slice(0, LOGGED_PATH_LENGTH);
      this.scope.context.log.error(`${this.request.method} ${path}: ${causeText(error)}`);
    }
    return this.#send(errorAnswer(error));
  }

  #send(answer: Answer): Promise<void> | undefined {
    const { request, response, scope } = this;
    const headers: HeaderLine[] = [...answer.headers, VARY_ENCODING, ...scope.corsHeaders(request)];
    const encoding =
      request.header('upgrade') === '' ? acceptedEncoding(request.header('accept-encoding')) : null;
    const { body } = answer;
    if (encoding === null || !worthCompressing(body.length)) {
      const bytes = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
      response.send(answer.status, headers, body);
      scope.finished(request, this.route.path, answer.status, bytes);
      return undefined;
    }
    return compress(typeof body === 'string' ? Buffer.from(body) : body, encoding).then((packed) => {
      headers.push(['Content-Encoding', encoding]);
      response.send(answer.status, headers, packed);
      scope.finished(request, this.route.path, answer.status, packed.length);
    });
  }
}

function limitAnswer(limit: number, cause: string): Answer {
  return textAnswer(400, `Request data exceeds the limit of ${limit} bytes: ${cause}`);
}

/** The error with its chain of causes; for the log only. */
function causeText(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own =
    error instanceof AppError ? `${error.title} ${error.detail}`.trim() : (error.stack ?? error.message);
  return error.cause === undefined ? own : `${own}; cause: ${causeText(error.cause)}`;
}
