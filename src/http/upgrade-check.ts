/** Whether a request is a well-formed WebSocket upgrade. RFC 6455 §4.2.1, spec 01 §2.3. */

import type { EngineRequest } from './engine.js';

/** Base64 of exactly 16 bytes. */
const WEBSOCKET_KEY = /^[A-Za-z0-9+/]{22}==$/;

/**
 * The first thing that is wrong with an upgrade, as the status to answer (spec 01 §2.3); `null` when nothing
 * is.
 */
export function upgradeFault(request: EngineRequest): 400 | 405 | null {
  if (!hasToken(request, 'connection', 'upgrade')) return 400;
  if (!hasToken(request, 'upgrade', 'websocket')) return 400;
  if (request.method !== 'GET') return 405;
  if (!hasToken(request, 'sec-websocket-version', '13')) return 400;
  // The engine switches a connection over although the body has not been read, and can crash on it.
  if (hasBody(request)) return 400;
  return WEBSOCKET_KEY.test(request.header('sec-websocket-key')) ? null : 400;
}

function hasBody(request: EngineRequest): boolean {
  return !['', '0'].includes(request.header('content-length')) || request.header('transfer-encoding') !== '';
}

/** Whether a comma-separated header, in any of its lines, names `token` in any letter case. */
function hasToken(request: EngineRequest, name: string, token: string): boolean {
  return request.headers.some(
    ([header, value]) =>
      header === name && value.split(',').some((part) => part.trim().toLowerCase() === token),
  );
}
