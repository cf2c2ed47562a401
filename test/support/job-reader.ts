/** A client of `/ws/commands` or `/ws/scripts`, over a real WebSocket. */

import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from './eventually.js';

export interface JobPart {
  readonly jid: string;
  readonly client_id: string;
  readonly client_name: string;
  readonly result: { readonly stdout: string; readonly stderr: string; readonly summary: string };
}
export interface JobEnd extends JobPart {
  readonly status: string;
  readonly error: string;
  readonly multi_job_id: string;
  readonly pid: number | null;
  readonly [key: string]: unknown;
}
export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class JobReader {
  /** As they came. */
  readonly texts: string[] = [];
  closed: Closed | null = null;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      if (isBinary) throw new Error('a binary message');
      this.texts.push(String(data));
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) };
    });
    socket.on('error', () => undefined);
  }

  /** @param path below `/api/v1/ws/` */
  static async open(port: number, path: string, authorization: string): Promise<JobReader> {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws/${path}`, { headers: { authorization } });
    const reader = new JobReader(socket);
    await once(socket, 'open');
    return reader;
  }

  /** Texts are sent as they are. */
  ask(request: object | string): this {
    this.socket.send(typeof request === 'string' ? request : JSON.stringify(request));
    return this;
  }

  get parts(): readonly JobPart[] {
    return this.#parsed.filter((message) => !('status' in message));
  }

  get ends(): readonly JobEnd[] {
    return this.#parsed.filter((message) => 'status' in message);
  }

  /** All output of one stream so far. */
  output(client: string, stream: 'stdout' | 'stderr' = 'stdout'): string {
    const own = this.parts.filter(({ client_id }) => client_id === client);
    return own.map(({ result }) => result[stream]).join('');
  }

  end(client: string): Promise<JobEnd> {
    return eventually(`the end of ${client}`, () => this.ends.find(({ client_id }) => client_id === client));
  }

  untilClosed(): Promise<Closed> {
    return eventually('the end of the socket', () => this.closed ?? undefined);
  }

  /** The one message of a socket that was refused: `title | detail`, and that it is closed. */
  async refusal(): Promise<string> {
    const { code } = await this.untilClosed();
    const [text = ''] = this.texts;
    const { errors } = JSON.parse(text) as { errors: { code: string; title: string; detail: string }[] };
    const [error] = errors;
    if (code !== 1000 || this.texts.length !== 1 || !text.endsWith('}\n') || errors.length !== 1) {
      throw new Error(`closed with ${code} after ${JSON.stringify(this.texts)}`);
    }
    return `${error?.title} | ${error?.detail}`;
  }

  get #parsed(): readonly JobEnd[] {
    return this.texts.map((text) => JSON.parse(text) as JobEnd);
  }
}
