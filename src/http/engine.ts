/**
 * What the HTTP engine adapter (`server.ts`, the only file that touches uWebSockets.js objects) offers to the
 * API and to the agent listener.
 */

import type { ByteSocket, ByteSocketHandlers } from '../protocol/byte-socket.js';
import type { Clock, Milliseconds } from '../time.js';

/** Read completely before the handler is called; safe to use at any time. */
export interface EngineRequest {
  readonly method: string;
  /** Path as received, undecoded, without query. */
  readonly path: string;
  /** Raw query string without `?`. */
  readonly rawQuery: string;
  /** Lower-case name; empty string when absent. */
  header(name: string): string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** TCP peer without port; IPv4-mapped addresses in their IPv4 form. */
  readonly remoteAddress: string;
  /** When the request line was read. */
  readonly receivedAt: Milliseconds;
}

export interface EngineResponse {
  /** The peer went away or the answer was already sent; everything below does nothing then. */
  readonly done: boolean;
  onAborted(callback: () => void): void;
  send(status: number, headers: readonly (readonly [string, string])[], body?: string | Uint8Array): void;
  /** Streams a body of unknown length; `write` false: wait for `onWritable`. */
  start(status: number, headers: readonly (readonly [string, string])[]): ResponseStream;
  /** The whole body, copied. Rejects with `AppError` when it is longer than `limit` bytes or the peer left. */
  body(limit: number): Promise<Buffer>;
  /**
   * Body chunks as they arrive (each a private copy), for proxying. A request without a body gives one empty
   * last chunk. Only one of `body` and `onBody` may be used.
   */
  onBody(callback: (chunk: Buffer, last: boolean) => void): void;
  /** With `onBody`: stops reading from the peer. What has been read already still comes. Resume it before long. */
  pauseBody(): void;
  resumeBody(): void;
  /** Answers 101 and hands the connection over. Only for requests that came as valid upgrades. */
  upgrade(handlers: (socket: ByteSocket) => ByteSocketHandlers, protocol: string | null): void;
  /** Closes TCP without an answer. */
  close(): void;
}

export interface ResponseStream {
  write(chunk: Uint8Array): boolean;
  onWritable(callback: () => void): void;
  end(): void;
}

export interface EngineOptions {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly minVersion: '1.2' | '1.3' };
  /** Largest WebSocket message accepted, bytes. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** A WebSocket whose peer neither sends nor answers a ping for this long is closed. Default 120. */
  readonly idleTimeoutSeconds?: number;
  /**
   * Request line plus headers above this many bytes are answered 431. Only effective below the limit of the
   * process, `UWS_HTTP_MAX_HEADERS_SIZE` (4096 when unset).
   */
  readonly maxHeaderBytes?: number;
  /** A request that is not answered in this time gets 503; a body still arriving does not count. Default 10 minutes. */
  readonly answerWithin?: Milliseconds;
  readonly clock?: Clock;
  /** What a handler or socket callback threw. Default: a process warning. */
  readonly onError?: (error: unknown) => void;
  /**
   * Called for every plain request. Must answer: when it throws, or its promise ends without an answer, the
   * adapter sends an empty 500.
   */
  readonly onRequest: (request: EngineRequest, response: EngineResponse) => void | Promise<void>;
  /**
   * Called for GET requests with a well-formed WebSocket upgrade. May wait before `response.upgrade`.
   * Absent: upgrades go to `onRequest`.
   */
  readonly onUpgrade?: (request: EngineRequest, response: EngineResponse) => void | Promise<void>;
}

export interface Listening {
  readonly port: number;
  /** Stops accepting; open connections stay. */
  stopAccepting(): void;
  /** Stops accepting and closes every connection. */
  close(): void;
}

export type Listen = (options: EngineOptions) => Promise<Listening>;
