/** An HTTP server on a port of its own, which can be stopped and started again on the same port. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { holdPort } from './hold-port.js';

/** `body`: the whole of it, as text. */
export type OnRequest = (request: IncomingMessage, body: string, response: ServerResponse) => void;

export class HttpReceiver {
  /** Connections it has accepted so far. */
  connections = 0;
  readonly #onRequest: OnRequest;
  #server: Server | null = null;
  #port = 0;

  constructor(onRequest: OnRequest) {
    this.#onRequest = onRequest;
  }

  async start(): Promise<void> {
    const server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => this.#onRequest(request, Buffer.concat(chunks).toString(), response));
    });
    server.on('connection', () => {
      this.connections += 1;
    });
    server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  /** Whatever is under way ends without an answer; connections are refused until it is started again. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (server === null) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
    await holdPort(this.#port);
  }

  /** Once it has been started. */
  get url(): string {
    return `http://127.0.0.1:${this.#port}/hook`;
  }
}
