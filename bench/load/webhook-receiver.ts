/** A receiver of webhooks that can be down, and tells afterwards what went wrong with what it was sent. */

import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { freePort } from '../servers/server-under-test.js';

export interface ReceivedEvent {
  readonly id: string;
  readonly type: string;
  readonly client_id: string;
  readonly payload: { readonly resumed?: boolean };
}

/** `refusing`: nobody listens. `silent`: connections are accepted and requests are read, but never answered. */
export type ReceiverState = 'up' | 'refusing' | 'silent';

export class WebhookReceiver {
  /** What was taken, in the order it came; more than once when it was sent again after that. */
  readonly taken: ReceivedEvent[] = [];
  readonly #port: number;
  #server: Server | null = null;
  #state: ReceiverState = 'refusing';
  #onTaken: () => void = () => undefined;

  private constructor(port: number) {
    this.#port = port;
  }

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver(await freePort());
    await receiver.become('up');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }

  /** Whatever is under way ends without an answer. */
  async become(state: ReceiverState): Promise<void> {
    await this.stop();
    this.#state = state;
    if (state === 'refusing') return;
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#take(Buffer.concat(chunks).toString(), response));
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#server = server;
  }

  /** Resolves when the next event is taken. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve;
    });
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  #take(body: string, response: ServerResponse): void {
    if (this.#state !== 'up') return;
    this.taken.push(JSON.parse(body) as ReceivedEvent);
    response.statusCode = 204;
    response.end();
    this.#onTaken();
  }
}
