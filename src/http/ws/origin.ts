/**
 * From which pages browsers may open WebSockets. They do it without asking first, and with credentials they remember,
 * so it is the server that has to look.
 */

import type { EngineRequest } from '../engine.js';

/** `isAllowed`: by `[api] cors`. Whoever sends no `Origin` is no browser. */
export function isOriginAllowed(request: EngineRequest, isAllowed: (origin: string) => boolean): boolean {
  const origin = request.header('origin');
  if (origin === '') return true;
  return isSameOrigin(origin, request.header('host')) || isAllowed(origin);
}

/** The scheme does not count: a proxy in front may speak TLS where this server does not. */
function isSameOrigin(origin: string, host: string): boolean {
  if (!URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.host === '' || host === '') return false;
  const here = `${page.protocol}//${host}`;
  return URL.canParse(here) && new URL(here).host === page.host;
}
