/**
 * What the rest of the server sees of one authenticated agent connection. SSH packets, windows and the
 * WebSocket stay behind these interfaces. Spec 01 §5 and §10.
 */

export interface RequestReply {
  readonly ok: boolean;
  /** Raw reply bytes; for a failure the agent's error text. */
  readonly payload: Buffer;
}

export type SessionErrorCode =
  | 'timeout'
  | 'closed'
  /** The agent refused the channel; see `reason` and the message. */
  | 'refused'
  /** The request would exceed what agents can read (261 000 bytes). */
  | 'too_large';

export class SessionError extends Error {
  constructor(
    readonly code: SessionErrorCode,
    message: string,
    /** Reason number of SSH_MSG_CHANNEL_OPEN_FAILURE. */
    readonly reason = 0,
  ) {
    super(message);
    this.name = 'SessionError';
  }
}

export type Answer = (ok: boolean, payload?: Buffer | string) => void;

export interface SessionHandlers {
  /** One global request of the agent, in order of arrival. `answer` is null when no reply is wanted. */
  onRequest(name: string, payload: Buffer, answer: Answer | null): void;
  /** The agent opens a channel (output streams, file transfer). Absent: refused as unknown, reason 3. */
  onChannel?(incoming: IncomingChannel): void;
  /** Called once. No other callback follows. */
  onClose(cause: string): void;
}

/** A channel the agent wants to open; to be accepted or refused once, now or later. Spec 01 §10.4–10.6. */
export interface IncomingChannel {
  readonly type: string;
  /** Raw type-specific data. */
  readonly data: Buffer;
  /** `window`: bytes the agent may send before any are consumed; default 2 MiB. */
  accept(handlers: ChannelHandlers, window?: number): AgentChannel;
  /** `reason` as in SSH_MSG_CHANNEL_OPEN_FAILURE: 1 prohibited, 2 failed, 3 unknown type, 4 no resources. */
  refuse(reason: number, message: string): void;
}

export interface AgentSession {
  /** Client auth id that logged in. */
  readonly authId: string;
  /** Address of the TCP peer, without port; IPv4-mapped addresses in their IPv4 form. */
  readonly remoteAddress: string;
  readonly closed: boolean;
  /** Bytes queued towards the agent and not yet taken by the kernel. */
  readonly bufferedBytes: number;
  /** Replaces the handlers. Requests that came before the first call are delivered then. */
  handle(handlers: SessionHandlers): void;
  /**
   * Sends a global request that wants a reply. One is on the wire at a time, others wait in order. A reply
   * after the time-out is consumed and dropped. Rejects with `SessionError`.
   */
  request(name: string, payload: Buffer | string, timeoutMs: number): Promise<RequestReply>;
  /** Whether a request is on the wire or waiting; one whose time is over does not count. */
  readonly requestPending: boolean;
  /** Sends a global request that wants no reply. */
  notify(name: string, payload: Buffer | string): void;
  /** Opens a channel of type `rport`; `target` is the raw type-specific data, such as `127.0.0.1:22`. */
  openChannel(target: string, handlers: ChannelHandlers): Promise<AgentChannel>;
  /** SSH_MSG_DISCONNECT, then close. */
  disconnect(reason: number, message: string): void;
  /** Flushes what is queued (at most `graceMs`, default 0) and closes the connection. */
  close(graceMs?: number): void;
}

export interface ChannelHandlers {
  /** `chunk` belongs to the receiver. Each byte must be returned once through `consumed`. */
  onData(chunk: Buffer): void;
  /** The window or the connection has room again after `write` returned false. */
  onDrain(): void;
  /**
   * The agent ended the stream or the channel or connection is gone. Called once, after all data; not called
   * after the own `close`.
   */
  onClose(): void;
  /** A request on the channel, such as `subsystem`; answers whether it is granted. Absent: refused. */
  onRequest?(name: string, payload: Buffer): boolean;
}

export interface AgentChannel {
  readonly closed: boolean;
  /**
   * Sends or queues all of `chunk` (the channel keeps it). False: stop writing until `onDrain`; at most one
   * chunk is then queued here.
   */
  write(chunk: Buffer): boolean;
  /** Gives the agent credit for bytes that have left towards the user. */
  consumed(bytes: number): void;
  /** Tells the agent that nothing more comes. What is queued is dropped, `write` does nothing afterwards. */
  sendEof(): void;
  /** Sends what is queued, then CHANNEL_CLOSE; nothing after it. */
  close(): void;
}
