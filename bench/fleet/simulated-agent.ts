/**
 * An agent as the server sees it: WebSocket, SSH, login, `new_connection`, answers to the server's requests,
 * tunnels to real targets. Speaks the same protocol code as the server, in the client role.
 */

import { randomUUID } from 'node:crypto';
import { message } from '../../src/protocol/ssh/messages.js';
import { SshTransport } from '../../src/protocol/ssh/transport.js';
import { PacketReader, packet } from '../../src/protocol/ssh/wire.js';
import { AgentSideChannel, PACKET_BYTES, WINDOW_BYTES } from './agent-channel.js';
import { connectionRequest } from './connection-request.js';
import { OwnChannel } from './own-channel.js';
import { WebSocketClient } from './websocket-client.js';

export interface SimulatedAgentOptions {
  readonly host?: string;
  readonly port: number;
  /** `id:password`. */
  readonly auth: string;
  /** Overrides of the fields of `new_connection`. */
  readonly fields: Readonly<Record<string, unknown>> & { readonly ID: string };
  /** `false`: log in only; the caller sends `new_connection` itself. */
  readonly announce?: boolean;
  /** Answers a request of the server; `undefined` = the usual answer. */
  readonly onRequest?: (name: string, payload: Buffer) => Answer | Promise<Answer> | undefined;
  /** Sees every SSH message of the server, before the agent acts on it. */
  readonly onMessage?: (payload: Buffer) => void;
  /** Connection has ended, for any reason. Called once. */
  readonly onClose?: (cause: string) => void;
}

export interface Answer {
  readonly ok: boolean;
  readonly payload: string;
}

export interface Reply {
  readonly ok: boolean;
  readonly payload: Buffer;
}

const EMPTY = Buffer.alloc(0);

export class SimulatedAgent {
  readonly sessionId: string;
  readonly #options: SimulatedAgentOptions;
  readonly #socket: WebSocketClient;
  readonly #transport: SshTransport;
  readonly #channels = new Map<number, AgentSideChannel | OwnChannel>();
  readonly #replies: { resolve(reply: Reply): void; reject(error: Error): void }[] = [];
  #nextChannel = 0;
  #loggedIn: { resolve(): void; reject(error: Error): void } | null = null;
  #closed: string | null = null;

  private constructor(options: SimulatedAgentOptions) {
    this.#options = options;
    const given = options.fields.SessionID;
    this.sessionId = typeof given === 'string' ? given : randomUUID();
    this.#transport = new SshTransport({
      role: 'client',
      verifyHost: () => true,
      write: (bytes) => this.#socket.send(bytes),
      onReady: () => this.#transport.send(packet(message.serviceRequest, ['ssh-userauth'])),
      onMessage: (payload) => this.#onMessage(payload),
      onEnd: (cause) => this.#end(cause),
    });
    this.#socket = new WebSocketClient(
      { host: options.host ?? '127.0.0.1', port: options.port, protocol: 'rport-v1' },
      {
        onOpen: () => this.#transport.start(),
        onBytes: (bytes) => this.#transport.receive(bytes),
        onDrain: () => undefined,
        onClose: (cause) => this.#end(cause),
      },
    );
  }

  /** Connects, logs in and, unless told otherwise, has its `new_connection` accepted. */
  static async connect(options: SimulatedAgentOptions): Promise<SimulatedAgent> {
    const agent = new SimulatedAgent(options);
    await new Promise<void>((resolve, reject) => {
      agent.#loggedIn = { resolve, reject };
      if (agent.#closed !== null) reject(new Error(agent.#closed));
    });
    if (options.announce !== false) {
      const reply = await agent.announce();
      if (!reply.ok) {
        agent.destroy();
        throw new Error(reply.payload.toString());
      }
    }
    return agent;
  }

  get closed(): boolean {
    return this.#closed !== null;
  }

  /** Sends `new_connection` with the agent's fields. */
  announce(): Promise<Reply> {
    const fields = { SessionID: this.sessionId, ...this.#options.fields };
    return this.request('new_connection', JSON.stringify(connectionRequest(fields)));
  }

  /** Global request that wants a reply. */
  request(name: string, payload: string | Buffer): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#closed !== null) {
        reject(new Error(this.#closed));
        return;
      }
      this.#replies.push({ resolve, reject });
      this.#transport.send(packet(message.globalRequest, [name, true], payload));
    });
  }

  /** Global request without a reply. */
  notify(name: string, payload: string | Buffer): void {
    this.#transport.send(packet(message.globalRequest, [name, false], payload));
  }

  /** Opens a channel, as agents do to fetch files. Rejects when the server refuses it. */
  openChannel(type: string, data: Buffer = EMPTY): Promise<OwnChannel> {
    const local = this.#nextChannel;
    this.#nextChannel += 1;
    const opened = new Promise<OwnChannel>((resolve, reject) => {
      if (this.#closed !== null) {
        reject(new Error(this.#closed));
        return;
      }
      const channel: OwnChannel = new OwnChannel(
        {
          send: (head, body) => this.#transport.send(head, body ?? EMPTY),
          forget: (number) => this.#channels.delete(number),
        },
        local,
        { resolve: () => resolve(channel), reject },
      );
      this.#channels.set(local, channel);
    });
    this.#transport.send(packet(message.channelOpen, [type, local, WINDOW_BYTES, PACKET_BYTES], data));
    return opened;
  }

  /** Sends one raw SSH payload, for tests of violations. */
  sendRaw(payload: Buffer): void {
    this.#transport.send(payload);
  }

  /** Drops TCP without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #onMessage(payload: Buffer): void {
    this.#options.onMessage?.(payload);
    const reader = new PacketReader(payload);
    switch (payload[0]) {
      case message.serviceAccept:
        this.#login();
        return;
      case message.authSuccess:
        this.#transport.trustPeer();
        this.#loggedIn?.resolve();
        return;
      case message.authFailure:
        this.#end('unable to authenticate');
        return;
      case message.requestSuccess:
      case message.requestFailure:
        this.#replies
          .shift()
          ?.resolve({ ok: payload[0] === message.requestSuccess, payload: Buffer.from(payload.subarray(1)) });
        return;
      case message.globalRequest:
        this.#onRequest(reader);
        return;
      case message.channelOpen:
        this.#onOpen(reader);
        return;
      default:
        this.#onChannelMessage(payload[0] ?? 0, reader);
    }
  }

  #login(): void {
    const { auth } = this.#options;
    const colon = auth.indexOf(':');
    this.#transport.send(
      packet(message.authRequest, [
        auth.slice(0, colon),
        'ssh-connection',
        'password',
        false,
        auth.slice(colon + 1),
      ]),
    );
  }

  #onRequest(reader: PacketReader): void {
    const name = reader.text() ?? '';
    const wantReply = reader.boolean() ?? false;
    const payload = reader.rest();
    const answer = this.#options.onRequest?.(name, payload) ?? usualAnswer(name);
    if (!wantReply) return;
    // One request is on the wire at a time, so a late answer overtakes none.
    if (answer instanceof Promise) void answer.then((late) => this.#answer(late));
    else this.#answer(answer);
  }

  #answer({ ok, payload }: Answer): void {
    if (this.#closed !== null) return;
    this.#transport.send(packet(ok ? message.requestSuccess : message.requestFailure, [], payload));
  }

  #onOpen(reader: PacketReader): void {
    reader.text();
    const remote = reader.u32() ?? 0;
    const credit = reader.u32() ?? 0;
    reader.u32();
    const target = reader.rest().toString();
    const local = this.#nextChannel;
    this.#nextChannel += 1;
    this.#transport.send(
      packet(message.channelOpenConfirmation, [remote, local, WINDOW_BYTES, PACKET_BYTES]),
    );
    this.#channels.set(
      local,
      new AgentSideChannel(
        {
          send: (head, body) => this.#transport.send(head, body ?? EMPTY),
          forget: (number) => this.#channels.delete(number),
        },
        local,
        remote,
        credit,
        target,
      ),
    );
  }

  #onChannelMessage(type: number, reader: PacketReader): void {
    const channel = this.#channels.get(reader.u32() ?? -1);
    if (channel === undefined) return;
    if (type === message.channelData) channel.onData(Buffer.from(reader.string() ?? EMPTY));
    else if (type === message.channelWindowAdjust) channel.onWindowAdjust(reader.u32() ?? 0);
    else if (type === message.channelEof) channel.onEnd(false);
    else if (type === message.channelClose) channel.onEnd(true);
    else if (channel instanceof OwnChannel) channel.onReply(type, reader);
  }

  #end(cause: string): void {
    if (this.#closed !== null) return;
    this.#closed = cause;
    this.#socket.destroy();
    for (const channel of this.#channels.values()) channel.destroy();
    this.#channels.clear();
    this.#loggedIn?.reject(new Error(cause));
    for (const waiting of this.#replies.splice(0)) waiting.reject(new Error(cause));
    this.#options.onClose?.(cause);
  }
}

function usualAnswer(name: string): Answer {
  switch (name) {
    case 'ping':
      return { ok: true, payload: '' };
    case 'check_port':
      return { ok: true, payload: '{"Open":true,"ErrMsg":""}' };
    case 'check_tunnel_allowed':
      return { ok: true, payload: '{"IsAllowed":true}' };
    case 'refresh_updates_status':
      return { ok: true, payload: 'null' };
    default:
      return { ok: false, payload: 'unknown request' };
  }
}
