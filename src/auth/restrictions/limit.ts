/** Values of `min` and `max` in a restriction. Spec 05 §22.1. */

import { parseGoDuration } from '../../go/duration.js';
import type { Nanoseconds } from '../../time.js';

/** A Go duration, or a number of minutes as text or number; `undefined` for anything else. */
export function parseLimit(value: unknown): Nanoseconds | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value);
  return parse(text) ?? parse(`${text}m`);
}

function parse(text: string): Nanoseconds | undefined {
  try {
    return parseGoDuration(text);
  } catch {
    return undefined;
  }
}
