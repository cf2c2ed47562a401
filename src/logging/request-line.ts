/** The line both listeners log for each HTTP request. Spec 07 §7. */

import { formatGoDuration } from '../go/duration.js';
import type { Milliseconds } from '../time.js';
import type { Logger } from './logger.js';
import { oneLine } from './one-line.js';
import { millisecondStamp } from './timestamp.js';

export interface ReceivedRequest {
  readonly receivedAt: Milliseconds;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly remoteAddress: string;
}

export interface SentAnswer {
  readonly status: number;
  readonly duration: Milliseconds;
  /** Bytes of the body sent. */
  readonly size: number;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** Writes the line, unless only errors are logged. */
export function logRequest(log: Logger, request: ReceivedRequest, answer: SentAnswer): void {
  if (log.level !== 'error') log.raw(formatRequestLine(request, answer));
}

/**
 * `2026/11/23 15:06:00.579 GET /path 200 2ms 13B (203.0.113.5)`: size only above 0, address only when it is not
 * this machine. fail2ban rules match on it.
 */
export function formatRequestLine(request: ReceivedRequest, answer: SentAnswer): string {
  const { receivedAt, method, path, remoteAddress: ip } = request;
  const { status, duration, size } = answer;
  const sizePart = size > 0 ? ` ${formatSize(size)}` : '';
  const ipPart = ip === '' || ip === '::1' || ip === '127.0.0.1' ? '' : ` (${oneLine(ip)})`;
  const time = formatGoDuration(Math.max(0, Math.round(duration * 1e6))).replace(/\.[0-9]+/, '');
  return `${millisecondStamp(receivedAt)} ${oneLine(method)} ${oneLine(path)} ${status} ${time}${sizePart}${ipPart}`;
}

/** `13B`, `1.23KB`, `45.6MB`: three digits, 1000 to the step. */
export function formatSize(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit++;
  }
  return `${Number(value.toPrecision(3))}${UNITS[unit]}`;
}
