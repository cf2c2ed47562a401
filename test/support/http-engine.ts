/**
 * The engine adapter with room for large headers: the engine reads its limit once, when it loads, so it must
 * not be imported before the variable is set. Main does the same.
 */

process.env.UWS_HTTP_MAX_HEADERS_SIZE ??= String(64 * 1024);

export const { listen } = await import('../../src/http/server.js');
