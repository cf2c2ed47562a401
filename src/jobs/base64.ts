/** Base64 as Go's standard decoder reads it: padding required, line breaks ignored, nothing else. Spec 04 §7.2. */

import type { Parsed } from '../go/parsed.js';

const PADDING = 0x3d;
const GROUP = 4;

/** The error names the byte it could not use. */
export function decodeBase64(text: string): Parsed<Buffer> {
  const input = Buffer.from(text, 'utf8');
  const wrong = firstWrongByte(input);
  if (wrong !== null) return { ok: false, error: `illegal base64 data at input byte ${wrong}` };
  return { ok: true, value: Buffer.from(text, 'base64') };
}

/** Offset Go reports, or `null` when all of it is base64. */
function firstWrongByte(input: Buffer): number | null {
  let filled = 0;
  for (let at = 0; at < input.length; at++) {
    const byte = input[at] ?? 0;
    if (isLineBreak(byte)) continue;
    if (byte === PADDING) return wrongPadding(input, at, filled);
    if (!isAlphabet(byte)) return at;
    filled = (filled + 1) % GROUP;
  }
  // Go points where the incomplete group begins, as if it had no line breaks.
  return filled === 0 ? null : input.length - filled;
}

function wrongPadding(input: Buffer, first: number, filled: number): number | null {
  if (filled < 2) return first;
  let at = skipLineBreaks(input, first + 1);
  if (filled === 2) {
    if (at === input.length) return input.length;
    if (input[at] !== PADDING) return at - 1;
    at = skipLineBreaks(input, at + 1);
  }
  return at < input.length ? at : null;
}

function skipLineBreaks(input: Buffer, from: number): number {
  let at = from;
  while (at < input.length && isLineBreak(input[at] ?? 0)) at += 1;
  return at;
}

const isLineBreak = (byte: number): boolean => byte === 0x0a || byte === 0x0d;

const isAlphabet = (byte: number): boolean =>
  (byte >= 0x30 && byte <= 0x39) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x61 && byte <= 0x7a) ||
  byte === 0x2b ||
  byte === 0x2f;
