/** A receiver of webhooks on a port of its own, which answers as it is told. */

import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

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

export class WebhookReceiver {
  /** All requests, in the order they came. */
  readonly received: Received[] = [];
  answer: Answer = ok;
  /** Requests being answered at the moment, and the most there were, by client. */
  readonly open = new Map<string, number>();
  mostOfOneClient = 0;
  connections = 0;
  #server: Server | null = null;
  #port = 0;

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk) => {
        body += String(chunk);
      });
      request.on('end', () => {
        const event = JSON.parse(body) as Received['event'];
        const received: Received = { headers: request.headers, body, url: request.url ?? '', event };
        this.received.push(received);
        const now = (this.open.get(event.client_id) ?? 0) + 1;
        this.open.set(event.client_id, now);
        this.mostOfOneClient = Math.max(this.mostOfOneClient, now);
        response.on('close', () => {
          this.open.set(event.client_id, (this.open.get(event.client_id) ?? 1) - 1);
        });
        this.answer(received, response);
      });
    });
    server.on('connection', () => {
      this.connections += 1;
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Requests are refused until it is started again, on the same port. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
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
