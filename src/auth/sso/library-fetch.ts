/** How the OpenID library reaches the provider: through our bounds, and with answers it can read. */

import type { CustomFetch } from 'openid-client';
import { isObject, type JsonObject, type ProviderAnswer, type ProviderHttp } from './provider-http.js';

export interface FetchHooks {
  /** Sees every answer before the library does. Returns what the library is to see of a JSON body. */
  readonly look?: (answer: ProviderAnswer, json: JsonObject) => JsonObject;
}

/** Throws what `http` throws; the library wraps it. */
export function libraryFetch(http: ProviderHttp, { look = (_, json) => json }: FetchHooks = {}): CustomFetch {
  return async (url, { method, headers, body }) => {
    const text = body === undefined || body === null ? undefined : String(body);
    const answer = await http(url, { method, headers, ...(text === undefined ? {} : { body: text }) });
    const json = parsed(answer.body);
    if (json === undefined) return new Response(answer.body, { status: statusOf(answer.status) });
    const shown = look(answer, json);
    // GitHub reports refusals with status 200, which the library would take for an answer without a token.
    const refused = answer.status === 200 && typeof shown.error === 'string';
    return new Response(JSON.stringify(shown), {
      status: refused ? 400 : statusOf(answer.status),
      headers: { 'content-type': 'application/json' },
    });
  };
}

function parsed(body: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `Response` cannot be made with others; a redirect is no answer either. */
const statusOf = (status: number): number =>
  status >= 200 && status < 600 && ![204, 205, 304].includes(status) ? status : 500;
