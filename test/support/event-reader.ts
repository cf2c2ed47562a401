/** A reader of `/ws/events`, over a real WebSocket. */

import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from './eventually.js';

export interface ReadEvent {
  readonly id: string;
  readonly type: string;
  readonly time: string;
  readonly client_id: string;
  readonly client_name: string;
  readonly client_hostname: string;
  readonly payload: Readonly<Record<string, unknown>> & {
    readonly tunnel: Readonly<Record<string, unknown>>;
  };
}

export interface Hello {
  readonly type: 'hello';
  readonly last_event_id: string | null;
  readonly replay: { readonly since: string; readonly complete: boolean } | null;
}

export interface ReaderOptions {
  readonly query?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How a request for a WebSocket was refused. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly text: string,
    readonly headers: Readonly<Record<string, unknown>>,
  ) {
    super(`${status} ${text}`);
  }
}

export class EventReader {
  readonly messages: (ReadEvent | Hello)[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.messages.push(JSON.parse(String(data)) as ReadEvent | Hello);
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    socket.on('error', () => undefined);
  }

  /** Resolves with its hello. Rejects with `Refused`. */
  static async open(port: number, { query = '', headers = {} }: ReaderOptions): Promise<EventReader> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws/events${query}`, { headers });
    const reader = new EventReader(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once('open', () => resolve());
      socket.once('error', reject);
      socket.once('unexpected-response', (_request, response) => {
        let text = '';
        response.on('data', (chunk) => {
          text += String(chunk);
        });
        response.on('end', () => {
          reject(new Refused(response.statusCode ?? 0, text, response.headers));
          socket.terminate();
        });
      });
    });
    await eventually('the hello', () => reader.messages.length > 0);
    return reader;
  }

  get hello(): Hello {
    return this.messages[0] as Hello;
  }

  get events(): readonly ReadEvent[] {
    return this.messages.slice(1) as ReadEvent[];
  }

  /** `type client` of each event so far. */
  get told(): readonly string[] {
    return this.events.map(({ type, client_id }) => `${type} ${client_id}`);
  }

  /** Of one client. */
  of(client: string): readonly ReadEvent[] {
    return this.events.filter(({ client_id }) => client_id === client);
  }

  /** Resolves with the event when it has come. */
  until(type: string, client: string): Promise<ReadEvent> {
    return eventually(`${type} ${client}`, () =>
      this.events.find((event) => event.type === type && event.client_id === client),
    );
  }

  untilClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    return eventually('the end of the stream', () => this.closed ?? undefined);
  }

  async close(): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.close();
    await once(this.socket, 'close');
  }
}
