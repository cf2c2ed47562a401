/** One delivery: the request, its signature, and what the answer means. */

import { createHmac } from 'node:crypto';
import { causeOf } from '../../auth/second-factor/delivery/channel.js';
import type { WebhookConfig } from '../../config/values/webhooks.js';
import type { QueuedDelivery } from '../../store/webhook-queue.js';
import type { Milliseconds } from '../../time.js';
import { version } from '../../version.js';
import { retryAfter } from './back-off.js';

/** More of an answer is not read. */
const LONGEST_ANSWER = 16 * 1024;

export type Outcome =
  | { readonly kind: 'delivered' }
  /** To be tried again, not before `after`. */
  | { readonly kind: 'failed'; readonly reason: string; readonly after: Milliseconds }
  /** The receiver says that it will never take it. */
  | { readonly kind: 'refused'; readonly reason: string };

/** `sha256=` and the HMAC-SHA256 of `<timestamp>.<body>` in hexadecimal digits. */
export const signature = (secret: string, timestamp: string, body: string): string =>
  `sha256=${createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex')}`;

/** Without credentials and query, which may hold something secret. */
export function maskedUrl(text: string): string {
  const url = new URL(text);
  const credentials = url.username === '' && url.password === '' ? '' : '***@';
  const query = url.search === '' ? '' : '?***';
  return `${url.protocol}//${credentials}${url.host}${url.pathname}${query}`;
}

/** Never rejects. `ending` ends the attempt. */
export async function postEvent(
  webhook: WebhookConfig,
  { event, type, text }: Pick<QueuedDelivery, 'event' | 'type' | 'text'>,
  now: Milliseconds,
  ending: AbortSignal,
): Promise<Outcome> {
  const url = new URL(webhook.url);
  const timestamp = String(Math.floor(now / 1000));
  const headers = new Headers({
    'user-agent': `tideway/${version}`,
    ...webhook.headers,
    'content-type': 'application/json',
    'x-tideway-event': type,
    'x-tideway-delivery': event,
    'x-tideway-timestamp': timestamp,
    'x-tideway-signature': signature(webhook.secret, timestamp, text),
  });
  if (url.username !== '' || url.password !== '') {
    const pair = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    headers.set('authorization', `Basic ${Buffer.from(pair).toString('base64')}`);
    // `fetch` refuses them inside a URL, and says so with the URL.
    url.username = '';
    url.password = '';
  }
  const signal = AbortSignal.any([ending, AbortSignal.timeout(webhook.timeout)]);
  try {
    // A redirect is an answer like others: it would carry the event to somebody nobody has named.
    const response = await fetch(url, { method: 'POST', headers, body: text, redirect: 'manual', signal });
    await readSome(response);
    return judge(response, now);
  } catch (error) {
    const late = error instanceof Error && error.name === 'TimeoutError';
    return { kind: 'failed', reason: late ? 'no answer in time' : causeOf(error), after: 0 };
  }
}

function judge({ status, headers }: Response, now: Milliseconds): Outcome {
  if (status >= 200 && status <= 299) return { kind: 'delivered' };
  const reason = `answered ${status}`;
  if (status === 410) return { kind: 'refused', reason };
  return { kind: 'failed', reason, after: retryAfter(headers.get('retry-after'), now) };
}

/** An answer read to its end leaves the connection for the next request; leaving the loop closes it. */
async function readSome({ body }: Response): Promise<void> {
  if (body === null) return;
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > LONGEST_ANSWER) return;
  }
}
