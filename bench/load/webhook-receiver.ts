/** A receiver of webhooks that can be down, and tells afterwards what went wrong with what it was sent. */

import type { ServerResponse } from 'node:http';
import { HttpReceiver } from './http-receiver.js';

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
  readonly #http = new HttpReceiver((_request, body, response) => this.#take(body, response));
  #state: ReceiverState = 'refusing';
  #onTaken: () => void = () => undefined;

  static async start(): Promise<WebhookReceiver> {
    const receiver = new WebhookReceiver();
    await receiver.become('up');
    return receiver;
  }

  get url(): string {
    return this.#http.url;
  }

  /** Whatever is under way ends without an answer. */
  async become(state: ReceiverState): Promise<void> {
    await this.#http.stop();
    this.#state = state;
    if (state !== 'refusing') await this.#http.start();
  }

  /** Resolves when the next event is taken. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#onTaken = resolve;
    });
  }

  stop(): Promise<void> {
    return this.#http.stop();
  }

  #take(body: string, response: ServerResponse): void {
    if (this.#state !== 'up') return;
    this.taken.push(JSON.parse(body) as ReceivedEvent);
    response.statusCode = 204;
    response.end();
    this.#onTaken();
  }
}
