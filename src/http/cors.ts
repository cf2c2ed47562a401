/** Cross-origin rules from `[api] cors`. Spec 02 §2.6, 07 §6.7; preflights are always answered. */

import type { EngineRequest } from './engine.js';

type HeaderLine = readonly [string, string];

const ALLOWED_METHODS = new Set(['HEAD', 'GET', 'POST', 'PUT', 'DELETE']);
/** Lower-case name to the spelling in answers. */
const ALLOWED_HEADERS = new Map([
  ['authorization', 'Authorization'],
  ['content-type', 'Content-Type'],
]);

export interface Cors {
  /** Header lines of a preflight's answer (204); `null` when the request is none. */
  preflight(request: EngineRequest): HeaderLine[] | null;
  /** Header lines that belong to every other answer. */
  headers(request: EngineRequest): readonly HeaderLine[];
  /** Whether pages of this origin may use the API. */
  allows(origin: string): boolean;
}

const NONE: readonly HeaderLine[] = [];

/** `origins` as configured: `*` or `scheme://host[:port]`, the host may hold `*`. Empty: no CORS at all. */
export function makeCors(origins: readonly string[]): Cors {
  if (origins.length === 0) return { preflight: () => null, headers: () => NONE, allows: () => false };
  const allows = makeOriginTest(origins);
  const originHeaders = (origin: string): HeaderLine[] =>
    allows(origin)
      ? [
          // With credentials browsers refuse `*`, so the origin is echoed for it too.
          ['Access-Control-Allow-Origin', origin],
          ['Access-Control-Allow-Credentials', 'true'],
        ]
      : [];
  return {
    allows,
    preflight(request) {
      const method = request.header('access-control-request-method');
      if (request.method !== 'OPTIONS' || method === '') return null;
      const vary: HeaderLine = [
        'Vary',
        'Origin, Access-Control-Request-Method, Access-Control-Request-Headers',
      ];
      const lines = originHeaders(request.header('origin'));
      const headers = requestedHeaders(request.header('access-control-request-headers'));
      if (lines.length === 0 || headers === null || !ALLOWED_METHODS.has(method.toUpperCase())) return [vary];
      lines.push(['Access-Control-Allow-Methods', method.toUpperCase()]);
      if (headers.length > 0) lines.push(['Access-Control-Allow-Headers', headers.join(', ')]);
      return [...lines, vary];
    },
    headers(request) {
      const origin = request.header('origin');
      return [['Vary', 'Origin'], ...(origin === '' ? [] : originHeaders(origin))];
    },
  };
}

function makeOriginTest(origins: readonly string[]): (origin: string) => boolean {
  if (origins.includes('*')) return (origin) => origin !== '';
  const exact = new Set(
    origins.filter((origin) => !origin.includes('*')).map((origin) => origin.toLowerCase()),
  );
  const patterns = origins
    .filter((origin) => origin.includes('*'))
    .map((origin) => origin.toLowerCase().split('*').map(escapePattern).join('[^/]*'))
    .map((pattern) => new RegExp(`^${pattern}$`));
  return (origin) => {
    const lower = origin.toLowerCase();
    return exact.has(lower) || patterns.some((pattern) => pattern.test(lower));
  };
}

function escapePattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/** The asked-for headers in canonical spelling; `null` when one of them is not allowed. */
function requestedHeaders(list: string): string[] | null {
  const canonical: string[] = [];
  for (const name of list.split(',')) {
    const key = name.trim().toLowerCase();
    if (key === '') continue;
    const spelling = ALLOWED_HEADERS.get(key);
    if (spelling === undefined) return null;
    canonical.push(spelling);
  }
  return canonical;
}
