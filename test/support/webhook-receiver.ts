/** A receiver of webhooks on a port of its own, which answers as it is told. */

import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { HttpReceiver } from '../../bench/load/http-receiver.js';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly url: string;
  readonly event: { readonly id: string; readonly type: string; readonly client_id: string };
}

export type Answer = (received: Received, response: ServerResponse) => void;

export const ok: Answer = (_received, response) => {
  response.statusCode = 204;
  response.end();
};

export const status =
  (code: number, headers: Readonly<Record<string, string>> = {}): Answer =>
  (_received, response) => {
    response.writeHead(code, headers);
    response.end();
  };

export class WebhookReceiver extends HttpReceiver {
  /** All requests, in the order they came. */
  readonly received: Received[] = [];
  answer: Answer = ok;
  /** Requests being answered at the moment, and the most there were, by client. */
  readonly open = new Map<string, number>();
  mostOfOneClient = 0;

  constructor() {
    super(({ headers, url = '' }, body, response) => {
      const event = JSON.parse(body) as Received['event'];
      const received: Received = { headers, body, url, event };
      this.received.push(received);
      const now = (this.open.get(event.client_id) ?? 0) + 1;
      this.open.set(event.client_id, now);
      this.mostOfOneClient = Math.max(this.mostOfOneClient, now);
      response.on('close', () => {
        this.open.set(event.client_id, (this.open.get(event.client_id) ?? 1) - 1);
      });
      this.answer(received, response);
    });
  }

  /** Ids of the events of one client, each once, in the order they first came. */
  idsOf(client: string): readonly string[] {
    return [...new Set(this.of(client).map(({ event }) => event.id))];
  }

  of(client: string): readonly Received[] {
    return this.received.filter(({ event }) => event.client_id === client);
  }

  typesOf(client: string): readonly string[] {
    const first = new Map(this.of(client).map(({ event }) => [event.id, event.type]));
    return [...first.values()];
  }
}

/** As `docs/events.md` tells receivers to. */
export function isSigned({ headers, body }: Received, secret: string): boolean {
  const timestamp = String(headers['x-tideway-timestamp']);
  const wanted = createHmac('sha256', secret).update(`${timestamp}.${body}`).digest('hex');
  return headers['x-tideway-signature'] === `sha256=${wanted}`;
}
