/** One long JSON string, read and written again in pieces, up to a bound. */

import { jsonText } from '../../go/json-text.js';
import { ReportError } from './report-error.js';
import type { Span } from './scan-object.js';

/** A piece takes about half a millisecond. */
const PIECE_BYTES = 64 * 1024;
const BACKSLASH = 0x5c;

export interface RecodedText {
  /** A JSON text with Go's escapes. */
  readonly json: string;
  /** There was more than `longest`. */
  readonly cut: boolean;
}

/**
 * @param span of the string with its quotes
 * @param longest bytes of the text in UTF-8
 * Throws `ReportError` for text that is no JSON string.
 */
export function* recodeText(
  payload: Buffer,
  { start, end }: Span,
  longest: number,
): Generator<void, RecodedText> {
  const parts: string[] = [];
  let room = longest;
  for (let at = start + 1; at < end - 1; ) {
    const pieceEnd = safeEnd(payload, at, Math.min(at + PIECE_BYTES, end - 1), end - 1);
    const text = decode(payload.toString('utf8', at, pieceEnd));
    const bytes = Buffer.byteLength(text);
    if (bytes > room) {
      parts.push(jsonText(firstBytes(text, room)).slice(1, -1));
      return { json: `"${parts.join('')}"`, cut: true };
    }
    parts.push(jsonText(text).slice(1, -1));
    room -= bytes;
    at = pieceEnd;
    yield;
  }
  return { json: `"${parts.join('')}"`, cut: false };
}

function decode(inner: string): string {
  try {
    return (JSON.parse(`"${inner}"`) as string).toWellFormed();
  } catch {
    throw new ReportError('a text is not a JSON string');
  }
}

/** The first place from `target` on that is in no escape, no pair of surrogates and no character. */
function safeEnd(payload: Buffer, start: number, target: number, end: number): number {
  if (target >= end) return end;
  let at = start;
  for (;;) {
    const found = payload.indexOf(BACKSLASH, at);
    if (found === -1 || found >= target) break;
    at = found + escapeLength(payload, found);
  }
  at = Math.max(at, target);
  // A character has three bytes of this kind at most; more are none.
  for (let more = 3; more > 0 && ((payload[at] ?? 0) & 0xc0) === 0x80; more--) at += 1;
  return Math.min(at, end);
}

/** Of `\n`, `\u00e4`, or both halves of `\ud83d\ude00`. */
function escapeLength(payload: Buffer, at: number): number {
  if (payload[at + 1] !== 0x75) return 2;
  const high = /^\\u[dD][89abAB]/.test(payload.toString('latin1', at, at + 4));
  return high && payload[at + 6] === BACKSLASH && payload[at + 7] === 0x75 ? 12 : 6;
}

/** The longest beginning that has at most `most` bytes in UTF-8. */
function firstBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  let end = most;
  while (end > 0 && ((bytes[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return bytes.toString('utf8', 0, end);
}
