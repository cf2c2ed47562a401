/** The byte stream side of the engine adapter: one WebSocket as a `ByteSocket`. Architecture §5 and §6. */

import type { ByteSocket, ByteSocketHandlers } from '../protocol/byte-socket.js';

/**
 * `send` asks for a pause above this many bytes that the kernel has not taken. On top of the kernel's own buffers
 * more brings no speed, and the engine moves its whole buffer each time it has written a part of it.
 */
const HIGH_WATER_BYTES = 256 * 1024;
/** `onDrain` comes at this level, so that a paused sender does not flap. */
const LOW_WATER_BYTES = 64 * 1024;

/** RFC 6455 status code of an orderly end. */
const NORMAL_CLOSURE = 1000;

/** What the adapter needs of the engine's WebSocket; the engine's own type satisfies it. */
export interface EngineWebSocket {
  send(message: Uint8Array, isBinary: boolean, compress: boolean): number;
  getBufferedAmount(): number;
  cork(work: () => void): unknown;
  end(code: number, reason?: string): void;
  close(): void;
}

/** `EngineWebSocket.send` says: the frame was dropped because of `maxBackpressure`. */
const DROPPED = 2;
/** `EngineWebSocket.send` says: sent completely. */
const SENT = 1;

export class EngineSocket implements ByteSocket {
  #socket: EngineWebSocket | null = null;
  #handlers: ByteSocketHandlers | null = null;
  #congested = false;
  #lookDue = false;

  constructor(
    readonly remoteAddress: string,
    private readonly makeHandlers: (socket: ByteSocket) => ByteSocketHandlers,
    private readonly onError: (error: unknown) => void,
  ) {}

  send(bytes: Uint8Array, isText = false): boolean {
    const socket = this.#socket;
    if (socket === null) return true;
    const outcome = socket.send(bytes, !isText, false);
    if (outcome === DROPPED) {
      // A hole in the byte stream would corrupt SSH. The limit is far above what senders may buffer.
      this.close(false);
      return false;
    }
    if (outcome !== SENT && socket.getBufferedAmount() > HIGH_WATER_BYTES) this.#congested = true;
    else if (this.#congested) this.#lookAgain();
    return !this.#congested;
  }

  /** A send may empty the engine's buffer on its way, of which the engine says nothing. */
  #lookAgain(): void {
    if (this.#lookDue) return;
    this.#lookDue = true;
    setImmediate(() => {
      this.#lookDue = false;
      this.drained();
    });
  }

  bufferedBytes(): number {
    return this.#socket?.getBufferedAmount() ?? 0;
  }

  cork(work: () => void): void {
    if (this.#socket === null) return;
    // An exception must not travel through the engine.
    this.#socket.cork(() => this.#guard(work));
  }

  close(graceful: boolean, code = NORMAL_CLOSURE, reason = ''): void {
    const socket = this.#socket;
    if (socket === null) return;
    // The engine reports the end from within these calls, through `closed`.
    if (graceful) socket.end(code, reason);
    else socket.close();
  }

  /** The engine's callbacks, called by the adapter only. */
  opened(socket: EngineWebSocket): void {
    this.#socket = socket;
    try {
      this.#handlers = this.makeHandlers(this);
    } catch (error) {
      this.onError(error);
      this.close(false);
    }
  }

  /** `message` is valid during this call only. */
  received(message: ArrayBuffer, isText = false): void {
    const handlers = this.#handlers;
    if (handlers === null) return;
    try {
      if (handlers.onTransientBytes !== undefined) handlers.onTransientBytes(Buffer.from(message));
      else handlers.onBytes(Buffer.from(new Uint8Array(message)), isText);
    } catch (error) {
      this.onError(error);
      this.close(false);
    }
  }

  drained(): void {
    if (!this.#congested || this.bufferedBytes() > LOW_WATER_BYTES) return;
    this.#congested = false;
    this.#guard(() => this.#handlers?.onDrain());
  }

  closed(): void {
    this.#socket = null;
    const handlers = this.#handlers;
    this.#handlers = null;
    if (handlers === null) return;
    try {
      handlers.onClose();
    } catch (error) {
      this.onError(error);
    }
  }

  /** A receiver that throws is in an unknown state: its connection ends, the process does not. */
  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.onError(error);
      this.close(false);
    }
  }
}
