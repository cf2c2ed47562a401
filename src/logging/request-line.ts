/** The line both listeners log for each HTTP request. Spec 07 §7. */

import { formatGoDuration } from '../config/values/duration.js';
import type { Milliseconds } from '../time.js';
import { oneLine } from './one-line.js';
import { millisecondStamp } from './timestamp.js';

export interface RequestFacts {
  readonly startedAt: Milliseconds;
  readonly method: string;
  /** Without query. */
  readonly path: string;
  readonly status: number;
  readonly duration: Milliseconds;
  /** Bytes of the body sent. */
  readonly size: number;
  readonly ip: string;
}

const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/**
 * `2026/11/23 15:06:00.579 GET /path 200 2ms 13B (203.0.113.5)`: size only above 0, address only when it is not
 * this machine. fail2ban rules match on it. Pass the result to `Logger.raw`.
 */
export function formatRequestLine(request: RequestFacts): string {
  const { startedAt, method, path, status, duration, size, ip } = request;
  const sizePart = size > 0 ? ` ${formatSize(size)}` : '';
  const ipPart = ip === '' || ip === '::1' || ip === '127.0.0.1' ? '' : ` (${oneLine(ip)})`;
  const time = formatGoDuration(Math.max(0, Math.round(duration * 1e6))).replace(/\.[0-9]+/, '');
  return `${millisecondStamp(startedAt)} ${oneLine(method)} ${oneLine(path)} ${status} ${time}${sizePart}${ipPart}`;
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
