/** Local times as they stand in the log. */

import type { Milliseconds } from '../time.js';

const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
const three = (value: number): string => String(value).padStart(3, '0');

/** Text of the second that was formatted last: most lines fall into the same second. */
let lastSecond = Number.NaN;
let lastText = '';

/** `2026/11/23 15:05:58` in local time. */
export function secondStamp(at: Milliseconds): string {
  const second = Math.floor(at / 1_000);
  if (second === lastSecond) return lastText;
  const date = new Date(at);
  lastText = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  lastSecond = second;
  return lastText;
}

/** `2026/11/23 15:06:00.579` in local time. */
export const millisecondStamp = (at: Milliseconds): string =>
  `${secondStamp(at)}.${three(Math.floor(at) - Math.floor(at / 1_000) * 1_000)}`;

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `23/Nov/2026:15:06:00 +0000` in local time, as web servers write it. */
export function accessStamp(at: Milliseconds): string {
  const date = new Date(at);
  const east = -date.getTimezoneOffset();
  const zone = `${east < 0 ? '-' : '+'}${two(Math.floor(Math.abs(east) / 60))}${two(Math.abs(east) % 60)}`;
  return `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}:${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())} ${zone}`;
}
