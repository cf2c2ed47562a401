/**
 * One request and its answer on the engine. With `server.ts`, `engine-socket.ts` and `engine-cork.ts` this is the whole
 * engine adapter; nothing else knows these objects. Contract: architecture §6.
 */

import { STATUS_CODES } from 'node:http';
import { AppError } from '../errors.js';
import type { ByteSocket, ByteSocketHandlers } from '../protocol/byte-socket.js';
import type { Clock, Milliseconds, Timer } from '../time.js';
import type { EngineRequest, EngineResponse, ResponseStream } from './engine.js';
import { EngineSocket } from './engine-socket.js';

type HeaderLines = readonly (readonly [string, string])[];

/** What the adapter needs of the engine's response; the engine's own type satisfies it. */
export interface RawResponse {
  writeStatus(status: string): unknown;
  writeHeader(name: string, value: string): unknown;
  write(chunk: Uint8Array): boolean;
  end(body?: string | Uint8Array, closeConnection?: boolean): unknown;
  endWithoutBody(): unknown;
  cork(work: () => void): unknown;
  close(): unknown;
  pause(): void;
  resume(): void;
  onWritable(handler: (offset: number) => boolean): unknown;
}

/** Switches a raw response over to a WebSocket; made by the adapter for requests that are valid upgrades. */
export type RawUpgrade = (socket: EngineSocket, protocol: string) => void;

/** Body bytes kept for a handler that has not asked yet; reading stops above it. */
const HELD_BODY_BYTES = 64 * 1024;
/** An unread rest of a body up to this size is read and dropped, so that the peer sees the answer. */
const DRAINED_BODY_BYTES = 1024 * 1024;
/**
 * How long more of a larger body is waited for before the answer, which closes the connection then. Whoever still sends
 * when it is closed is told of a broken pipe, and may never see the answer that was on its way.
 */
const LINGER: Milliseconds = 500;
/** However much still comes. */
const LONGEST_LINGER: Milliseconds = 10_000;

const NO_BYTES = Buffer.alloc(0);

/** Lines the engine writes itself, or that describe a hop. */
const ENGINE_HEADERS = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive', 'date']);
const UNSAFE_IN_HEADER = /[\r\n\0]/;

const statusLines = new Map<number, string>();

function statusLine(status: number): string {
  let line = statusLines.get(status);
  if (line === undefined) {
    line = `${status} ${STATUS_CODES[status] ?? 'Status'}`;
    statusLines.set(status, line);
  }
  return line;
}

export class Request implements EngineRequest {
  constructor(
    readonly method: string,
    readonly path: string,
    readonly rawQuery: string,
    readonly headers: HeaderLines,
    readonly remoteAddress: string,
    readonly receivedAt: Milliseconds,
  ) {}

  header(name: string): string {
    for (const line of this.headers) if (line[0] === name) return line[1];
    return '';
  }
}

type BodyReader =
  | {
      readonly kind: 'whole';
      readonly limit: number;
      resolve(body: Buffer): void;
      reject(error: AppError): void;
    }
  | { readonly kind: 'chunks'; readonly callback: (chunk: Buffer, last: boolean) => void };

/** `lingering`: the answer is there, and waits for the end of the body. */
type State = 'open' | 'lingering' | 'streaming' | 'finished' | 'upgraded';

export class Response implements EngineResponse {
  #state: State = 'open';
  /** Inside the engine's own callback, which is corked already. */
  #corked = true;
  #abortCallbacks: (() => void)[] = [];
  #aborted = false;
  #reader: BodyReader | null = null;
  #chunks: Buffer[] = [];
  #receivedBytes = 0;
  #bodyComplete: boolean;
  #paused = false;
  #linger: { readonly answer: () => void; timer: Timer } | null = null;

  /** `bodyLength` is `null` for a chunked body and 0 for none; `upgrade` is `null` unless it is one. */
  constructor(
    private readonly raw: RawResponse,
    private readonly request: Request,
    private readonly bodyLength: number | null,
    private readonly rawUpgrade: RawUpgrade | null,
    /** Of `EngineCork`. */
    private readonly corkOfAnother: (work: () => void) => void,
    private readonly onError: (error: unknown) => void,
    private readonly onFinished: (response: Response) => void,
    private readonly clock: Clock,
  ) {
    this.#bodyComplete = bodyLength === 0;
  }

  get done(): boolean {
    return this.#state === 'finished' || this.#state === 'upgraded';
  }

  /** An answer was begun, so nobody needs to be reminded of it. */
  get answered(): boolean {
    return this.#state !== 'open';
  }

  get receivedAt(): Milliseconds {
    return this.request.receivedAt;
  }

  /** Somebody reads the body, and there is more to come. */
  get receiving(): boolean {
    return this.#reader !== null && !this.#bodyComplete && this.#state === 'open';
  }

  onAborted(callback: () => void): void {
    if (this.#aborted) callback();
    else if (!this.done && this.#state !== 'lingering') this.#abortCallbacks.push(callback);
  }

  send(status: number, headers: HeaderLines, body: string | Uint8Array = ''): void {
    if (this.#state !== 'open') return;
    if (this.#mustCloseAfter()) this.#lingerBefore(() => this.#answer(status, headers, body));
    else this.#answer(status, headers, body);
  }

  #answer(status: number, headers: HeaderLines, body: string | Uint8Array): void {
    const close = this.#mustCloseAfter();
    this.#finish();
    this.#withCork(() => {
      this.raw.writeStatus(statusLine(status));
      let closeAsked = close;
      for (const [name, value] of headers) closeAsked = this.#writeHeader(name, value) || closeAsked;
      const isHead = this.request.method === 'HEAD';
      if (status !== 204 && status !== 304 && !isHead) {
        this.raw.end(body, closeAsked);
        return;
      }
      if (isHead) this.raw.writeHeader('Content-Length', headLength(headers, body));
      // The engine's own way to close here would add a wrong length; the peer closes instead.
      if (closeAsked) this.raw.writeHeader('Connection', 'close');
      this.raw.endWithoutBody();
    });
  }

  start(status: number, headers: HeaderLines): ResponseStream {
    if (this.#state !== 'open') return closedStream;
    if (this.request.method === 'HEAD') {
      this.send(status, headers);
      return closedStream;
    }
    this.#state = 'streaming';
    let close = this.#mustCloseAfter();
    this.#withCork(() => {
      this.raw.writeStatus(statusLine(status));
      for (const [name, value] of headers) close = this.#writeHeader(name, value) || close;
    });
    return this.#stream(() => close);
  }

  body(limit: number): Promise<Buffer> {
    if (this.#reader !== null) return Promise.reject(new AppError('internal', { detail: 'body read twice' }));
    if (this.#aborted || this.#state === 'lingering' || this.done) {
      return Promise.reject(new AppError('aborted'));
    }
    if (this.bodyLength !== null && this.bodyLength > limit) {
      return Promise.reject(new AppError('body_too_large'));
    }
    if (this.#receivedBytes > limit) return Promise.reject(new AppError('body_too_large'));
    if (this.#bodyComplete) return Promise.resolve(this.#takeChunks());
    return new Promise((resolve, reject) => {
      this.#reader = { kind: 'whole', limit, resolve, reject };
      this.resumeBody();
    });
  }

  onBody(callback: (chunk: Buffer, last: boolean) => void): void {
    if (this.#reader !== null || this.#state === 'lingering' || this.done) return;
    this.#reader = { kind: 'chunks', callback };
    const held = this.#takeChunks();
    if (held.length > 0 || this.#bodyComplete) {
      const last = this.#bodyComplete;
      queueMicrotask(() => this.#guard(() => callback(held, last)));
    }
    this.resumeBody();
  }

  pauseBody(): void {
    if (this.#paused || this.#bodyComplete || this.#state === 'lingering' || this.done) return;
    this.#paused = true;
    this.raw.pause();
  }

  resumeBody(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.done) this.raw.resume();
  }

  upgrade(makeHandlers: (socket: ByteSocket) => ByteSocketHandlers, protocol: string | null): void {
    const upgrade = this.rawUpgrade;
    if (this.#state !== 'open') return;
    if (upgrade === null) throw new Error('upgrade of a request that is none');
    this.#state = 'upgraded';
    this.#settle();
    const socket = new EngineSocket(this.request.remoteAddress, makeHandlers, this.onError);
    if (this.#corked) upgrade(socket, protocol ?? '');
    else this.corkOfAnother(() => upgrade(socket, protocol ?? ''));
  }

  close(): void {
    if (this.done) return;
    // The engine answers with its abort callback, from within the call.
    this.raw.close();
  }

  /** Engine callback: a part of the body, valid during this call only. */
  received(bytes: ArrayBuffer, last: boolean): void {
    this.#receivedBytes += bytes.byteLength;
    if (last) this.#bodyComplete = true;
    if (last && this.#linger !== null) this.#linger.answer();
    if (this.done || this.#state === 'lingering') return;
    const reader = this.#reader;
    if (reader?.kind === 'chunks') {
      const chunk = Buffer.from(new Uint8Array(bytes));
      this.#guard(() => reader.callback(chunk, last));
      return;
    }
    const limit = reader?.limit ?? Number.POSITIVE_INFINITY;
    if (this.#receivedBytes > limit) {
      this.#chunks = [];
      this.#reader = null;
      reader?.reject(new AppError('body_too_large'));
      return;
    }
    if (bytes.byteLength > 0) this.#chunks.push(Buffer.from(new Uint8Array(bytes)));
    if (reader === null) {
      if (this.#receivedBytes > HELD_BODY_BYTES) this.pauseBody();
    } else if (last) {
      this.#reader = null;
      reader.resolve(this.#takeChunks());
    }
  }

  /** What is still to come of the body is dropped. */
  #lingerBefore(answer: () => void): void {
    this.#state = 'lingering';
    this.#abortCallbacks = [];
    const until = this.clock.now() + LONGEST_LINGER;
    this.#linger = { answer, timer: this.#lingerOn(answer, until) };
    this.#dropBody();
    this.resumeBody();
  }

  /** Until a while passes without a byte. Those that came while this thread was busy are looked at first. */
  #lingerOn(answer: () => void, until: Milliseconds): Timer {
    const seen = this.#receivedBytes;
    const look = (): void => {
      if (this.#linger === null) return;
      if (this.#receivedBytes === seen || this.clock.now() >= until) answer();
      else this.#linger.timer = this.#lingerOn(answer, until);
    };
    return this.clock.after(LINGER, () => void setImmediate(look));
  }

  /** Engine callback: the peer is gone. The engine also says so after some answers. */
  aborted(): void {
    if (this.done) return;
    this.#aborted = true;
    const callbacks = this.#abortCallbacks;
    this.#finish();
    for (const callback of callbacks) this.#guard(callback);
  }

  /** The engine's callback returns; from here on writes need a cork of their own. */
  leftCallback(): void {
    this.#corked = false;
  }

  /** Answers for a handler that did not: `status` with an empty body, or an end in the middle of a stream. */
  fail(status: number): void {
    if (this.#state === 'streaming') this.close();
    else this.send(status, []);
  }

  #stream(closeAfter: () => boolean): ResponseStream {
    let writable: (() => void) | null = null;
    this.raw.onWritable(() => {
      if (writable !== null) this.#guard(writable);
      return true;
    });
    return {
      write: (chunk) => {
        if (this.#state !== 'streaming' || chunk.length === 0) return true;
        let ok = true;
        this.#withCork(() => {
          ok = this.raw.write(chunk);
        });
        return ok;
      },
      onWritable: (callback) => {
        writable = callback;
      },
      end: () => {
        if (this.#state !== 'streaming') return;
        this.#finish();
        this.#withCork(() => this.raw.end('', closeAfter()));
      },
    };
  }

  /** Writes one line; true when it asks for the end of the connection. */
  #writeHeader(name: string, value: string): boolean {
    const lower = name.toLowerCase();
    if (ENGINE_HEADERS.has(lower)) return lower === 'connection' && value.toLowerCase() === 'close';
    const safe = UNSAFE_IN_HEADER.test(value) ? value.split(UNSAFE_IN_HEADER).join(' ') : value;
    this.raw.writeHeader(name, safe);
    return false;
  }

  /** Whether what the peer still sends is too much, or of unknown length, to read it for nothing. */
  #mustCloseAfter(): boolean {
    if (this.#bodyComplete) return false;
    return this.bodyLength === null || this.bodyLength - this.#receivedBytes > DRAINED_BODY_BYTES;
  }

  #takeChunks(): Buffer {
    const chunks = this.#chunks;
    this.#chunks = [];
    const first = chunks[0];
    if (first === undefined) return NO_BYTES;
    return chunks.length === 1 ? first : Buffer.concat(chunks);
  }

  /** No further write or callback. A body that nobody waits for any more flows on and is dropped. */
  #finish(): void {
    if (!this.#aborted && this.#paused) this.raw.resume();
    this.#paused = false;
    this.#state = 'finished';
    this.#settle();
  }

  #settle(): void {
    this.#abortCallbacks = [];
    this.#linger?.timer.cancel();
    this.#linger = null;
    this.#dropBody();
    this.onFinished(this);
  }

  #dropBody(): void {
    this.#chunks = [];
    const reader = this.#reader;
    this.#reader = null;
    if (reader?.kind === 'whole') reader.reject(new AppError('aborted'));
  }

  #withCork(work: () => void): void {
    if (this.#corked) work();
    else this.raw.cork(work);
  }

  #guard(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.onError(error);
      this.fail(500);
    }
  }
}

const closedStream: ResponseStream = { write: () => true, onWritable: () => undefined, end: () => undefined };

/** Length a GET would have had: what the handler says (a proxied answer), else that of its body. */
function headLength(headers: HeaderLines, body: string | Uint8Array): string {
  const told = headers.find(([name]) => name.toLowerCase() === 'content-length');
  return told?.[1] ?? String(Buffer.byteLength(body));
}
