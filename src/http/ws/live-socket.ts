/** One open WebSocket: the engine's byte stream on one side, a route's handlers on the other. */

import type { Principal } from '../../auth/principal.js';
import type { Logger } from '../../logging/logger.js';
import type { ByteSocket, ByteSocketHandlers } from '../../protocol/byte-socket.js';
import type { Clock, Milliseconds, Timer } from '../../time.js';
import { type ApiSocket, type Conversation, closeCodes, type SocketHandlers } from './websocket-route.js';

/** Bytes a reader may leave in this server before the next message. A handler that heeds `send` stays below 256 KiB. */
const MOST_BUFFERED = 1024 * 1024;
/** A peer that is told to go gets this long to read what is left. */
const CLOSE_GRACE: Milliseconds = 5_000;
/** RFC 6455 §5.5: a control frame has 125 bytes, two of them are the code. */
const LONGEST_REASON = 123;

export interface LiveSocketOptions {
  readonly socket: ByteSocket;
  readonly principal: Principal;
  readonly maxMessageBytes: number;
  readonly clock: Clock;
  readonly log: Pick<Logger, 'error'>;
}

export class LiveSocket implements ApiSocket, ByteSocketHandlers {
  principal: Principal;
  readonly #options: LiveSocketOptions;
  #handlers: SocketHandlers = {};
  #onEnd: () => void = () => undefined;
  #closing: Timer | null = null;
  #ended = false;

  constructor(options: LiveSocketOptions) {
    this.#options = options;
    this.principal = options.principal;
  }

  /** Nothing more is sent or heard. */
  get ended(): boolean {
    return this.#ended || this.#closing !== null;
  }

  onEnd(callback: () => void): void {
    this.#onEnd = callback;
  }

  begin(conversation: Conversation): void {
    this.#guard(() => {
      this.#handlers = conversation(this);
    });
  }

  send(text: string | Uint8Array): boolean {
    if (this.ended) return true;
    const { socket } = this.#options;
    if (socket.bufferedBytes() > MOST_BUFFERED) {
      this.close(closeCodes.tooSlow, 'too slow');
      return true;
    }
    return socket.send(typeof text === 'string' ? Buffer.from(text) : text, true);
  }

  bufferedBytes(): number {
    return this.ended ? 0 : this.#options.socket.bufferedBytes();
  }

  close(code: number, reason = ''): void {
    if (this.ended) return;
    const { socket, clock } = this.#options;
    this.#closing = clock.after(CLOSE_GRACE, () => socket.close(false));
    socket.close(true, code, fitting(reason));
  }

  onBytes(bytes: Buffer): void {
    if (this.ended) return;
    if (bytes.length > this.#options.maxMessageBytes) {
      this.close(closeCodes.tooLong, 'message too long');
      return;
    }
    this.#guard(() => this.#handlers.onMessage?.(bytes.toString('utf8')));
  }

  onDrain(): void {
    if (!this.ended) this.#guard(() => this.#handlers.onDrain?.());
  }

  onClose(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#closing?.cancel();
    this.#onEnd();
    this.#guard(() => this.#handlers.onClose?.());
  }

  /** A handler that throws is in an unknown state: its socket ends, nothing else does. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#options.log.error(
        `WebSocket: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
      );
      this.close(closeCodes.internal, 'internal error');
    }
  }
}

/** As many whole characters as a Close frame holds. */
function fitting(reason: string): string {
  let text = reason;
  while (Buffer.byteLength(text) > LONGEST_REASON) text = text.slice(0, -1);
  return text;
}
