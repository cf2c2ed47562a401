/**
 * Finds the values of a JSON object without reading them: a result has up to 32 MiB, which would hold the thread for
 * half a second. Works in pieces; one ends at each `yield`.
 */

import { ReportError } from './report-error.js';

/** Place of a value in the payload, strings with their quotes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** Bytes of a value that is no string looked at before others have their turn: well below a millisecond. */
const BYTES_PER_TURN = 64 * 1024;
/** Quotes inside of a string looked at in one turn. */
const QUOTES_PER_TURN = 16 * 1024;
/** An honest result has 19 keys; each costs a turn at most. */
export const MOST_KEYS = 64;
const LONGEST_KEY = 256;

/** Keys that are what they look like. */
const PLAIN_KEY = /^[A-Za-z_]+$/;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN = 0x7b;
const CLOSE = 0x7d;

/**
 * The values by key in lower case; of two spellings of a key the last counts, as in Go. Throws `ReportError` when
 * `[start, end)` is no object. What is inside of values is not checked here.
 */
export function* scanObject(payload: Buffer, { start, end }: Span): Generator<void, Map<string, Span>> {
  const values = new Map<string, Span>();
  let at = skipSpace(payload, start, end);
  if (payload[at] !== OPEN) throw new ReportError('not an object');
  at = skipSpace(payload, at + 1, end);
  if (payload[at] === CLOSE) return values;
  for (let keys = 0; ; keys++) {
    if (keys === MOST_KEYS) throw new ReportError('too many keys');
    if (payload[at] !== QUOTE) throw new ReportError('key expected');
    const keyEnd = yield* stringEnd(payload, at, end);
    if (keyEnd - at > LONGEST_KEY) throw new ReportError('a key is too long');
    const key = parseKey(payload, { start: at, end: keyEnd });
    at = skipSpace(payload, keyEnd, end);
    if (payload[at] !== COLON) throw new ReportError('colon expected');
    at = skipSpace(payload, at + 1, end);
    const valueEnd = yield* payload[at] === QUOTE ? stringEnd(payload, at, end) : otherEnd(payload, at, end);
    values.set(key, { start: at, end: valueEnd });
    at = skipSpace(payload, valueEnd, end);
    if (payload[at] === CLOSE) return values;
    if (payload[at] !== COMMA) throw new ReportError('comma expected');
    at = skipSpace(payload, at + 1, end);
    yield;
  }
}

function parseKey(payload: Buffer, { start, end }: Span): string {
  const plain = payload.toString('latin1', start + 1, end - 1);
  if (PLAIN_KEY.test(plain)) return plain.toLowerCase();
  try {
    return String(JSON.parse(payload.toString('utf8', start, end))).toLowerCase();
  } catch {
    throw new ReportError('unreadable key');
  }
}

/** Just behind the closing quote. */
function* stringEnd(payload: Buffer, start: number, end: number): Generator<void, number> {
  let looked = 0;
  for (let at = start + 1; ; ) {
    if (++looked % QUOTES_PER_TURN === 0) yield;
    const quote = payload.indexOf(QUOTE, at);
    if (quote === -1 || quote >= end) throw new ReportError('unexpected end');
    let first = quote;
    while (payload[first - 1] === BACKSLASH && first - 1 > start) first -= 1;
    // An even number of backslashes are escaped themselves.
    if ((quote - first) % 2 === 0) return quote + 1;
    at = quote + 1;
  }
}

/** Just behind an object, array, number or word. */
function* otherEnd(payload: Buffer, start: number, end: number): Generator<void, number> {
  let depth = 0;
  let looked = 0;
  for (let at = start; at < end; ) {
    if (++looked % BYTES_PER_TURN === 0) yield;
    const byte = payload[at] ?? 0;
    if (byte === QUOTE) {
      at = yield* stringEnd(payload, at, end);
      if (depth === 0) return at;
      continue;
    }
    if (byte === OPEN || byte === 0x5b) depth += 1;
    else if (byte === CLOSE || byte === 0x5d) {
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (byte === COMMA || isSpace(byte))) return at;
    at += 1;
  }
  throw new ReportError('unexpected end');
}

function skipSpace(payload: Buffer, start: number, end: number): number {
  let at = start;
  while (at < end && isSpace(payload[at] ?? 0)) at += 1;
  return at;
}

const isSpace = (byte: number): boolean => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
