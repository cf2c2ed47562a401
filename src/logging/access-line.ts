/** Combined Log Format for `api.access_log_file`. Spec 07 §7. */

import type { Milliseconds } from '../time.js';
import { accessStamp } from './timestamp.js';

export interface AccessFacts {
  /** TCP peer. */
  readonly ip: string;
  readonly at: Milliseconds;
  readonly method: string;
  /** Path and query as received. */
  readonly uri: string;
  /** `HTTP/1.1` unless given. */
  readonly protocol?: string;
  readonly status: number;
  /** Bytes of the body sent. */
  readonly size: number;
  readonly referer: string;
  readonly userAgent: string;
}

/** Query parameters that carry a login, or what it takes to finish one that somebody else has begun. */
const secretParameters: ReadonlySet<string> = new Set([
  'access_token',
  'token',
  'password',
  'code',
  'state',
  'device_code',
]);
/** Longest value of a field, UTF-16 units. */
const LONGEST_FIELD = 4_096;

/** One line, without line break: `ip - - [time] "METHOD uri HTTP/1.1" status size "referer" "agent"`. */
export function formatAccessLine(facts: AccessFacts): string {
  const { ip, at, method, uri, protocol = 'HTTP/1.1', status, size, referer, userAgent } = facts;
  const request = `${quotable(method)} ${quotable(redactUri(uri))} ${quotable(protocol)}`;
  return `${quotable(ip)} - - [${accessStamp(at)}] "${request}" ${status} ${size} "${quotable(redactUri(referer))}" "${quotable(userAgent)}"`;
}

/** Replaces the values of secret query parameters, however their names are spelt, by `***`. */
export function redactUri(uri: string): string {
  const queryAt = uri.indexOf('?');
  if (queryAt < 0) return uri;
  const parameters = uri
    .slice(queryAt + 1)
    .split('&')
    .map((parameter) => {
      const equals = parameter.indexOf('=');
      if (equals < 0) return parameter;
      const name = parameter.slice(0, equals);
      return secretParameters.has(decodedName(name)) ? `${name}=***` : parameter;
    });
  return `${uri.slice(0, queryAt)}?${parameters.join('&')}`;
}

function decodedName(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).toLowerCase();
  } catch {
    return name.toLowerCase();
  }
}

/** Quotes, backslashes and anything unprintable escaped, so that a field cannot break out of its quotes. */
function quotable(text: string): string {
  const cut = text.length > LONGEST_FIELD ? text.slice(0, LONGEST_FIELD) : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
  return cut.replace(/["\\]|[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (char) =>
    char === '"' || char === '\\' ? `\\${char}` : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}
