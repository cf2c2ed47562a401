/**
 * The client end of a WebSocket, only as much as a simulated agent needs: no extensions, binary messages out,
 * any message in. Ten thousand of them must fit into one process, which is why no general library is used.
 */

import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';

export interface WebSocketClientHandlers {
  onOpen(): void;
  /** Payload bytes, a private copy. */
  onBytes(bytes: Buffer): void;
  onDrain(): void;
  onClose(cause: string): void;
}

export interface WebSocketClientOptions {
  readonly host: string;
  readonly port: number;
  readonly path?: string;
  readonly protocol: string;
}

const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export class WebSocketClient {
  readonly #socket: Socket;
  readonly #handlers: WebSocketClientHandlers;
  #open = false;
  #closed = false;
  #buffered: Buffer = Buffer.alloc(0);

  constructor(options: WebSocketClientOptions, handlers: WebSocketClientHandlers) {
    this.#handlers = handlers;
    this.#socket = connect({ host: options.host, port: options.port, noDelay: true });
    this.#socket.on('connect', () => {
      this.#socket.write(
        [
          `GET ${options.path ?? '/'} HTTP/1.1`,
          `Host: ${options.host}:${options.port}`,
          'User-Agent: rport 0.9.15',
          'Connection: Upgrade',
          `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
          `Sec-WebSocket-Protocol: ${options.protocol}`,
          'Sec-WebSocket-Version: 13',
          'Upgrade: websocket',
          '\r\n',
        ].join('\r\n'),
      );
    });
    this.#socket.on('data', (chunk) => this.#receive(chunk));
    this.#socket.on('drain', () => handlers.onDrain());
    this.#socket.on('error', (error) => this.#end(error.message));
    this.#socket.on('close', () => this.#end('connection closed'));
  }

  /** False: wait for `onDrain`. */
  send(bytes: Uint8Array): boolean {
    return this.#frame(OPCODE.binary, bytes);
  }

  /** Closes TCP without a word, as agents do. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** Masked with zeros, which every server must undo and which costs this side nothing. */
  #frame(opcode: number, payload: Uint8Array): boolean {
    const extended = payload.length < 126 ? 0 : payload.length < 65_536 ? 2 : 8;
    const frame = Buffer.allocUnsafe(2 + extended + 4 + payload.length);
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (extended === 0 ? payload.length : extended === 2 ? 126 : 127);
    if (extended === 2) frame.writeUInt16BE(payload.length, 2);
    if (extended === 8) frame.writeBigUInt64BE(BigInt(payload.length), 2);
    frame.writeUInt32BE(0, 2 + extended);
    frame.set(payload, 6 + extended);
    return this.#socket.write(frame);
  }

  #receive(chunk: Buffer): void {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    if (!this.#open && !this.#readUpgrade()) return;
    while (!this.#closed && this.#readFrame());
  }

  #readUpgrade(): boolean {
    const end = this.#buffered.indexOf('\r\n\r\n');
    if (end < 0) return false;
    const status = this.#buffered.toString('latin1', 9, 12);
    this.#buffered = this.#buffered.subarray(end + 4);
    if (status !== '101') {
      this.#end(`upgrade refused with ${status}`);
      this.#socket.destroy();
      return false;
    }
    this.#open = true;
    this.#handlers.onOpen();
    return true;
  }

  #readFrame(): boolean {
    const { length } = this.#buffered;
    if (length < 2) return false;
    const opcode = (this.#buffered[0] ?? 0) & 0x0f;
    let size = (this.#buffered[1] ?? 0) & 0x7f;
    let at = 2;
    if (size === 126) {
      if (length < 4) return false;
      size = this.#buffered.readUInt16BE(2);
      at = 4;
    } else if (size === 127) {
      if (length < 10) return false;
      size = Number(this.#buffered.readBigUInt64BE(2));
      at = 10;
    }
    if (length < at + size) return false;
    const payload = this.#buffered.subarray(at, at + size);
    this.#buffered = length === at + size ? Buffer.alloc(0) : this.#buffered.subarray(at + size);
    if (opcode <= OPCODE.binary) this.#handlers.onBytes(Buffer.from(payload));
    else if (opcode === OPCODE.ping) this.#frame(OPCODE.pong, payload);
    else if (opcode === OPCODE.close) this.#socket.destroy();
    return true;
  }

  #end(cause: string): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handlers.onClose(cause);
  }
}
