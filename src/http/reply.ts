/** The shapes of answers: envelopes, refusals, plain texts. The one place where an error becomes an answer. */

import { AppError, AppErrorList } from '../errors.js';
import { jsonText } from '../go/json-text.js';
import type { ApiReply } from './route.js';

export type HeaderLine = readonly [name: string, value: string];

/** A complete answer before compression and CORS. */
export interface Answer {
  readonly status: number;
  readonly headers: readonly HeaderLine[];
  readonly body: string | Buffer;
}

const JSON_HEADERS: readonly HeaderLine[] = [['Content-Type', 'application/json; charset=UTF-8']];
const TEXT_HEADERS: readonly HeaderLine[] = [
  ['Content-Type', 'text/plain; charset=utf-8'],
  ['X-Content-Type-Options', 'nosniff'],
];
const NO_HEADERS: readonly HeaderLine[] = [];

/** Seconds after which a refusal for lack of capacity is worth another try. */
const DEFAULT_RETRY_AFTER = 1;

/** What a handler returned, in the envelope of spec 03 §1.2. */
export function replyAnswer(reply: ApiReply): Answer {
  if ('data' in reply) {
    const body = reply.meta === undefined ? { data: reply.data } : { data: reply.data, meta: reply.meta };
    return { status: reply.status, headers: JSON_HEADERS, body: jsonText(nullData(body)) };
  }
  if ('json' in reply) return { status: reply.status, headers: JSON_HEADERS, body: reply.json };
  if ('text' in reply) {
    const headers: HeaderLine[] = [['Content-Type', reply.contentType], ...(reply.headers ?? [])];
    return { status: reply.status, headers, body: reply.text };
  }
  return { status: reply.status, headers: NO_HEADERS, body: '' };
}

/** `undefined` would drop the key. */
function nullData(body: { readonly data: unknown }): object {
  return body.data === undefined ? { ...body, data: null } : body;
}

/** A plain-text refusal as Go's `http.Error` writes it. */
export function textAnswer(status: number, text: string): Answer {
  return { status, headers: TEXT_HEADERS, body: `${text}\n` };
}

/** An error in the envelope of spec 03 §1.3. Anything unexpected is a 500 that says nothing. */
export function errorAnswer(error: unknown): Answer {
  const items = error instanceof AppErrorList ? error.errors : [expected(error)];
  const first = items[0] ?? new AppError('internal');
  if (first.code === 'banned') return textAnswer(first.status, first.title);
  const errors = items.map(({ apiCode, title, detail }) => ({ code: apiCode, title, detail }));
  const headers: HeaderLine[] = [...JSON_HEADERS];
  const retryAfter = first.retryAfterSeconds ?? (mayRetry(first.status) ? DEFAULT_RETRY_AFTER : undefined);
  if (retryAfter !== undefined) headers.push(['Retry-After', String(retryAfter)]);
  return { status: first.status, headers, body: jsonText({ errors }) };
}

/**
 * Whether the text of `error` belongs into the log: it is not one of ours, or hides a cause behind a 500.
 * Refusals for lack of capacity do not; they would flood the log just then.
 */
export function isUnexpected(error: unknown): boolean {
  if (error instanceof AppErrorList) return false;
  return !(error instanceof AppError) || (error.status >= 500 && error.status !== 503);
}

function expected(error: unknown): AppError {
  return error instanceof AppError ? error : new AppError('internal');
}

function mayRetry(status: number): boolean {
  return status === 429 || status === 503;
}
