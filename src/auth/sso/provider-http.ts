/** Requests to an identity provider: bounded in time and size, no redirects, one answer in memory. */

import type { Milliseconds } from '../../time.js';
import { ProviderFailure } from './provider-error.js';

const TIMEOUT: Milliseconds = 10_000;
/** A page of memberships or a key set takes some ten KiB. */
const MOST_BYTES = 1024 * 1024;
/** Pages of memberships read for one login: with 100 a page more than anybody is in. */
const MOST_PAGES = 20;
const USER_AGENT = 'tideway';

export interface ProviderAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

export interface ProviderRequest {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Throws `ProviderFailure` when no answer came in time or it is too long. Each request has a connection of its own: one
 * kept from the last login may just be closing, and a code cannot be sent twice.
 */
export type ProviderHttp = (url: string, request?: ProviderRequest) => Promise<ProviderAnswer>;

export function makeProviderHttp(timeout: Milliseconds = TIMEOUT): ProviderHttp {
  return async (url, { method = 'GET', headers = {}, body } = {}) => {
    try {
      const response = await fetch(url, {
        method,
        headers: { connection: 'close', 'user-agent': USER_AGENT, ...headers },
        redirect: 'manual',
        signal: AbortSignal.timeout(timeout),
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.status, headers: response.headers, body: await readBody(response) };
    } catch (error) {
      throw new ProviderFailure(`${method} ${placeOf(url)}: ${reasonOf(error)}`);
    }
  };
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > MOST_BYTES) throw new Error(`the answer is longer than ${MOST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Without query, which may hold something secret. */
export function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

export type JsonObject = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A property of the object itself. */
export const own = (object: JsonObject, name: string): unknown =>
  Object.hasOwn(object, name) ? object[name] : undefined;

/** Asks the provider's API as the user. Throws `ProviderFailure` unless it answers 200 with JSON. */
export async function readAsUser(
  http: ProviderHttp,
  accessToken: string,
  url: string,
): Promise<{ readonly value: unknown; readonly headers: Headers }> {
  const { status, headers, body } = await http(url, {
    headers: { accept: 'application/json', authorization: `Bearer ${accessToken}` },
  });
  if (status !== 200) throw new ProviderFailure(`GET ${placeOf(url)}: answered ${status}`);
  try {
    return { value: JSON.parse(body), headers };
  } catch {
    throw new ProviderFailure(`GET ${placeOf(url)}: the answer is no JSON`);
  }
}

/**
 * Reads page after page. `take` keeps what it needs of one and says where the next is. Throws `ProviderFailure` when
 * that is at another origin (the token must not go there), or when there are too many: who is in a group must not be
 * decided on half of the list.
 */
export async function readPages(
  http: ProviderHttp,
  accessToken: string,
  first: string,
  take: (value: unknown, headers: Headers) => string | undefined,
): Promise<void> {
  let url: string | undefined = first;
  for (let page = 0; url !== undefined; page++) {
    if (page === MOST_PAGES)
      throw new ProviderFailure(`GET ${placeOf(first)}: more than ${MOST_PAGES} pages`);
    const { value, headers } = await readAsUser(http, accessToken, url);
    const next = take(value, headers);
    url = next === undefined ? undefined : new URL(next, url).href;
    if (url !== undefined && new URL(url).origin !== new URL(first).origin)
      throw new ProviderFailure(`GET ${placeOf(first)}: the next page is elsewhere`);
  }
}
