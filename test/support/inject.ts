/** Calls a request handler without a socket. What it sends is returned; a handler that sends nothing fails. */

import { AppError } from '../../src/errors.js';
import type { EngineOptions, EngineRequest, EngineResponse } from '../../src/http/engine.js';

export interface InjectedRequest {
  readonly method?: string;
  /** With query, such as `/api/v1/clients?sort=id`. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object is sent as JSON. */
  readonly body?: string | Buffer | object;
  /** The body arrives only then; the headers come at once. */
  readonly bodyAfter?: Promise<unknown>;
  readonly remoteAddress?: string;
  readonly receivedAt?: number;
}

export interface Injected {
  readonly status: number;
  readonly headers: readonly (readonly [string, string])[];
  /** First value of a header in any letter case; empty when absent. */
  header(name: string): string;
  readonly body: Buffer;
  readonly text: string;
  json(): unknown;
}

export async function inject(
  handler: EngineOptions['onRequest'],
  injected: InjectedRequest,
): Promise<Injected> {
  const body = bodyBytes(injected.body);
  const request = makeRequest(injected, body);
  let answer: Injected | null = null;
  const response: EngineResponse = {
    get done() {
      return answer !== null;
    },
    onAborted: () => undefined,
    send(status, headers, content = '') {
      answer ??= makeAnswer(status, headers, Buffer.from(content));
    },
    start: () => {
      throw new Error('streams are not supported by inject');
    },
    async body(limit) {
      await injected.bodyAfter;
      if (body.length > limit) throw new AppError('body_too_large');
      return body;
    },
    onBody: (callback) => queueMicrotask(() => callback(body, true)),
    pauseBody: () => undefined,
    resumeBody: () => undefined,
    upgrade: () => {
      throw new Error('upgrades are not supported by inject');
    },
    close: () => undefined,
  };
  await handler(request, response);
  if (answer === null) throw new Error(`no answer to ${request.method} ${request.path}`);
  return answer;
}

function bodyBytes(body: InjectedRequest['body']): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  if (typeof body === 'string' || Buffer.isBuffer(body)) return Buffer.from(body as string);
  return Buffer.from(JSON.stringify(body));
}

function makeRequest(injected: InjectedRequest, body: Buffer): EngineRequest {
  const [path = '', ...query] = injected.url.split('?');
  const headers = Object.entries(injected.headers ?? {}).map(
    ([name, value]) => [name.toLowerCase(), value] as const,
  );
  if (injected.body !== undefined) headers.push(['content-length', String(body.length)]);
  return {
    method: injected.method ?? 'GET',
    path,
    rawQuery: query.join('?'),
    header: (name) => headers.find(([key]) => key === name)?.[1] ?? '',
    headers,
    remoteAddress: injected.remoteAddress ?? '127.0.0.1',
    receivedAt: injected.receivedAt ?? 0,
  };
}

function makeAnswer(status: number, headers: readonly (readonly [string, string])[], body: Buffer): Injected {
  return {
    status,
    headers,
    header: (name) => headers.find(([key]) => key.toLowerCase() === name.toLowerCase())?.[1] ?? '',
    body,
    text: body.toString(),
    json: () => JSON.parse(body.toString()),
  };
}
