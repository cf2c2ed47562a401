/**
 * One authenticated connection: requests and channels over an SSH transport over a byte socket. The same for
 * both roles, so the simulated agents of tests and benchmarks run the code the server runs.
 */

import type { Clock, Milliseconds } from '../time.js';
import type { ByteSocket } from './byte-socket.js';
import type {
  AgentChannel,
  AgentSession,
  ChannelHandlers,
  IncomingChannel,
  RequestReply,
  SessionHandlers,
} from './session.js';
import { SessionError } from './session.js';
import type { SessionChannel } from './session-channel.js';
import { SessionChannels } from './session-channels.js';
import type { SessionLink } from './session-link.js';
import { SessionRequests } from './session-requests.js';
import { message } from './ssh/messages.js';
import type { SshTransport } from './ssh/transport.js';

export interface SessionParts {
  readonly authId: string;
  readonly socket: ByteSocket;
  readonly transport: SshTransport;
  readonly clock: Clock;
  /** Ends the transport and closes the socket, at once or within the given time when that is not 0. */
  readonly hangUp: (cause: string, graceMs: Milliseconds) => void;
  /** What a callback of the receiver threw. */
  readonly onError: (error: unknown) => void;
}

export class Session implements AgentSession, SessionLink {
  readonly authId: string;
  readonly remoteAddress: string;
  readonly #parts: SessionParts;
  readonly #socket: ByteSocket;
  readonly #transport: SshTransport;
  readonly #requests: SessionRequests;
  readonly #channels: SessionChannels;
  #handlers: SessionHandlers | null = null;
  #socketFull = false;
  #closedCause: string | null = null;

  constructor(parts: SessionParts) {
    this.authId = parts.authId;
    this.remoteAddress = parts.socket.remoteAddress;
    this.#parts = parts;
    this.#socket = parts.socket;
    this.#transport = parts.transport;
    this.#requests = new SessionRequests(this, parts.clock);
    this.#channels = new SessionChannels(this, parts.clock, (incoming) => this.#offer(incoming));
  }

  get closed(): boolean {
    return this.#closedCause !== null;
  }

  get bufferedBytes(): number {
    return this.#socket.bufferedBytes() + this.#transport.heldBytes;
  }

  get requestPending(): boolean {
    return this.#requests.pending;
  }

  get congested(): boolean {
    return this.#socketFull || this.#transport.exchangingKeys;
  }

  handle(handlers: SessionHandlers): void {
    this.#handlers = handlers;
    if (this.#closedCause === null) this.#requests.handle(handlers);
    else this.#guard(() => handlers.onClose(this.#closedCause ?? ''));
  }

  request(name: string, payload: Buffer | string, timeoutMs: number): Promise<RequestReply> {
    if (this.closed) return Promise.reject(new SessionError('closed', 'connection closed'));
    return this.#requests.request(name, payload, timeoutMs);
  }

  notify(name: string, payload: Buffer | string): void {
    if (!this.closed) this.#requests.notify(name, payload);
  }

  openChannel(target: string, handlers: ChannelHandlers): Promise<AgentChannel> {
    return this.open('rport', target, handlers);
  }

  /** Opens a channel of any type. Rejects with `SessionError`. */
  open(type: string, data: string | Buffer, handlers: ChannelHandlers): Promise<SessionChannel> {
    if (this.closed) return Promise.reject(new SessionError('closed', 'connection closed'));
    return this.#channels.open(type, data, handlers);
  }

  disconnect(reason: number, text: string): void {
    if (this.closed) return;
    this.#lost(text);
    this.#transport.disconnect(reason, text);
  }

  close(graceMs = 0): void {
    if (this.closed) return;
    const cause = 'closed by this side';
    this.#lost(cause);
    this.#parts.hangUp(cause, graceMs);
  }

  send(head: Buffer, body?: Buffer): void {
    if (!this.closed) this.#transport.send(head, body);
  }

  together(work: () => void): void {
    this.#transport.together(work);
  }

  fail(text: string): void {
    this.#transport.fail(text);
  }

  report(error: unknown): void {
    this.#parts.onError(error);
  }

  /** Starts a key exchange. It happens by itself when keys have been used long enough. */
  rekey(): void {
    this.#transport.rekey();
  }

  /** A payload of the peer, message number 80 and up. */
  receive(payload: Buffer): void {
    if (this.closed) return;
    switch (payload[0]) {
      case message.globalRequest:
        this.#requests.receiveRequest(payload);
        return;
      case message.requestSuccess:
      case message.requestFailure:
        this.#requests.receiveReply(payload);
        return;
      default:
        if (isChannelMessage(payload)) this.#channels.receive(payload);
    }
  }

  /** The socket has taken (`false`) or not taken (`true`) what was sent. */
  socketFull(full: boolean): void {
    this.#socketFull = full;
    if (!full) this.#channels.drain();
  }

  /** A key exchange is over. */
  keysExchanged(): void {
    this.#channels.drain();
  }

  /** The transport or the socket is gone. */
  lost(cause: string): void {
    this.#lost(cause);
  }

  #offer(incoming: IncomingChannel): boolean {
    const handlers = this.#handlers;
    if (handlers?.onChannel === undefined) return false;
    this.#guard(() => handlers.onChannel?.(incoming));
    return true;
  }

  #lost(cause: string): void {
    if (this.#closedCause !== null) return;
    this.#closedCause = cause;
    this.#channels.connectionLost();
    this.#requests.connectionLost();
    this.#guard(() => this.#handlers?.onClose(cause));
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#parts.onError(error);
    }
  }
}

const isChannelMessage = (payload: Buffer): boolean => {
  const type = payload[0] ?? 0;
  return type >= message.channelOpen && type <= message.channelFailure;
};
