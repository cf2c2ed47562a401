/**
 * An agent's connection without SSH: requests are answered and channels opened by functions of the test. Windows
 * behave as the real ones do, so that back-pressure can be observed.
 */

import {
  type AgentChannel,
  type AgentSession,
  type ChannelHandlers,
  type IncomingChannel,
  type RequestReply,
  SessionError,
  type SessionHandlers,
} from '../../src/protocol/session.js';

/** What the server gives an agent per channel at first. */
export const WINDOW = 2 * 1024 * 1024;

export interface FakeSessionOptions {
  /** Default: `agent`. */
  readonly authId?: string;
  /** Answers a global request; default: failure `unknown request`. May throw `SessionError`. */
  readonly onRequest?: (name: string, payload: string) => RequestReply | Promise<RequestReply>;
  /** A channel was opened to `target`. Throw `SessionError('refused', …)` to refuse it; may wait. */
  readonly onChannel?: (channel: FakeChannel, target: string) => void | Promise<void>;
}

export class FakeSession implements AgentSession {
  readonly authId: string;
  readonly remoteAddress = '127.0.0.1';
  readonly bufferedBytes = 0;
  requestPending = false;
  closed = false;
  readonly channels: FakeChannel[] = [];
  /** Global requests so far. */
  readonly requests: { readonly name: string; readonly payload: string }[] = [];
  #handlers: SessionHandlers | null = null;

  constructor(private readonly options: FakeSessionOptions = {}) {
    this.authId = options.authId ?? 'agent';
  }

  handle(handlers: SessionHandlers): void {
    this.#handlers = handlers;
  }

  async request(name: string, payload: Buffer | string): Promise<RequestReply> {
    if (this.closed) throw new SessionError('closed', 'connection closed');
    this.requests.push({ name, payload: payload.toString() });
    return (await this.options.onRequest?.(name, payload.toString())) ?? failure('unknown request');
  }

  notify(name: string, payload: Buffer | string): void {
    this.requests.push({ name, payload: payload.toString() });
  }

  async openChannel(target: string, handlers: ChannelHandlers): Promise<AgentChannel> {
    if (this.closed) throw new SessionError('closed', 'connection closed');
    const channel = new FakeChannel(handlers);
    await this.options.onChannel?.(channel, target);
    this.channels.push(channel);
    return channel;
  }

  disconnect(_reason: number, message: string): void {
    this.drop(message);
  }

  close(): void {
    this.drop('closed');
  }

  /** Ends the connection as if the network had. */
  drop(cause: string): void {
    if (this.closed) return;
    this.closed = true;
    for (const channel of this.channels) channel.end();
    this.#handlers?.onClose(cause);
  }

  /** Delivers a global request of the agent that wants no answer. */
  tell(name: string, payload: Buffer | string): void {
    this.#handlers?.onRequest(name, Buffer.from(payload), null);
  }

  /** Opens a channel as the agent does. Rejects with the text of a refusal. */
  offerChannel(type: string, data: Buffer | string): Promise<FakeChannel> {
    return new Promise((resolve, reject) => {
      const incoming: IncomingChannel = {
        type,
        data: Buffer.from(data),
        accept: (handlers, window) => {
          const channel = new FakeChannel(handlers, window);
          this.channels.push(channel);
          // Bytes come after the acceptance.
          setImmediate(() => resolve(channel));
          return channel;
        },
        refuse: (_reason, message) => reject(new Error(message)),
      };
      this.#handlers?.onChannel?.(incoming);
    });
  }

  /** Delivers a global request of the agent and resolves with the answer. */
  deliver(name: string, payload: Buffer | string): Promise<RequestReply> {
    return new Promise((resolve) => {
      this.#handlers?.onRequest(name, Buffer.from(payload), (ok, answer = '') =>
        resolve({ ok, payload: Buffer.from(answer) }),
      );
    });
  }
}

/** Both ends of one channel: the server uses `AgentChannel`, the test plays the agent with the rest. */
export class FakeChannel implements AgentChannel {
  closed = false;
  /** The server closed it; `closed` is also true after `end`. */
  closedByServer = false;
  /** Bytes the agent got. */
  received = 0;
  /** Bytes of the agent on the server's side without credit, at most. */
  mostUncredited = 0;
  /** What the agent does with bytes of the user. */
  onReceive: (chunk: Buffer) => void = ignore;
  onServerClose: () => void = ignore;
  readonly #queue: Buffer[] = [];
  #window: number;
  #ending = false;
  #held: Buffer[] | null = null;

  /** @param windowBytes what the agent may send ahead of credit */
  constructor(
    private readonly handlers: ChannelHandlers,
    private readonly windowBytes = WINDOW,
  ) {
    this.#window = windowBytes;
  }

  write(chunk: Buffer): boolean {
    if (this.closed) return true;
    if (this.#held) {
      this.#held.push(chunk);
      return false;
    }
    this.#take(chunk);
    return true;
  }

  sendEof(): void {
    // Agents of these tests end channels themselves.
  }

  consumed(bytes: number): void {
    this.#window += bytes;
    if (this.#window > this.windowBytes) throw new Error('more credit than bytes');
    this.#pump();
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.closedByServer = true;
    this.onServerClose();
  }

  /** Bytes of the agent for the user, sent as the window allows. */
  send(chunk: Buffer): void {
    this.#queue.push(chunk);
    this.#pump();
  }

  /** The agent's end of the channel, after everything sent so far. */
  end(): void {
    this.#ending = true;
    this.#pump();
  }

  /** Bytes sent and without credit. */
  get uncredited(): number {
    return this.windowBytes - this.#window;
  }

  /** Bytes that wait here because `hold` was called. */
  get heldChunks(): number {
    return this.#held?.length ?? 0;
  }

  /** The agent stops reading. */
  hold(): void {
    this.#held ??= [];
  }

  /** The agent reads again. */
  release(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const chunk of held) this.#take(chunk);
    if (held.length > 0 && !this.closed) this.handlers.onDrain();
  }

  #take(chunk: Buffer): void {
    this.received += chunk.length;
    this.onReceive(chunk);
  }

  #pump(): void {
    while (!this.closed && this.#window > 0) {
      const chunk = this.#queue[0];
      if (!chunk) break;
      const part = chunk.subarray(0, Math.min(this.#window, 32_768));
      if (part.length === chunk.length) this.#queue.shift();
      else this.#queue[0] = chunk.subarray(part.length);
      this.#window -= part.length;
      this.mostUncredited = Math.max(this.mostUncredited, this.uncredited);
      this.handlers.onData(part);
    }
    if (this.#ending && this.#queue.length === 0 && !this.closed) {
      this.closed = true;
      this.handlers.onClose();
    }
  }
}

export const success = (answer: unknown): RequestReply => ({
  ok: true,
  payload: Buffer.from(JSON.stringify(answer)),
});

export const failure = (text: string): RequestReply => ({ ok: false, payload: Buffer.from(text) });

/** A session whose agent allows every target, finds every port open and sends back what it gets. */
export const echoSession = (options: FakeSessionOptions = {}): FakeSession =>
  new FakeSession({
    onRequest: (name) =>
      name === 'check_port' ? success({ Open: true, ErrMsg: '' }) : success({ IsAllowed: true }),
    onChannel: (channel) => {
      channel.onReceive = (chunk) => channel.send(chunk);
    },
    ...options,
  });

function ignore(): void {
  // nothing to do unless the test says so
}
