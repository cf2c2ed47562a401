/**
 * A closed-loop HTTP/1.1 load: each caller sends its next request when the answer to the last one is complete.
 * Written on plain sockets because on a two-core machine the generator must cost less than the server it
 * measures.
 */

import { connect, type Socket } from 'node:net';
import { quantile } from '../report/statistics.js';

export interface HttpLoad {
  readonly port: number;
  /** Path with query. */
  readonly path: string;
  /** A function is asked for each request. */
  readonly authorization: string | (() => string);
  readonly callers: number;
  readonly requests: number;
  /** Ends the load early: no request is begun once it is aborted. */
  readonly signal?: AbortSignal;
}

export interface HttpLoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Answers with a status other than 200, and broken connections. Must be zero. */
  readonly failed: number;
  readonly bytesPerAnswer: number;
}

export async function runHttpLoad(load: HttpLoad): Promise<HttpLoadResult> {
  const { path, authorization } = load;
  const requestWith = (value: string): Buffer =>
    Buffer.from(`GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${value}\r\n\r\n`);
  const fixed = typeof authorization === 'string' ? requestWith(authorization) : Buffer.alloc(0);
  const requestOf = (): Buffer => (typeof authorization === 'string' ? fixed : requestWith(authorization()));
  const latencies: number[] = [];
  let left = load.requests;
  let failed = 0;
  let bytes = 0;
  const started = process.hrtime.bigint();

  const caller = (): Promise<void> =>
    new Promise((resolve) => {
      const socket: Socket = connect(load.port, '127.0.0.1');
      socket.setNoDelay(true);
      const parser = new AnswerParser();
      let sentAt = 0n;
      const next = (): void => {
        if (left <= 0 || load.signal?.aborted === true) {
          socket.destroy();
          resolve();
          return;
        }
        left -= 1;
        sentAt = process.hrtime.bigint();
        socket.write(requestOf());
      };
      socket.on('connect', next);
      socket.on('data', (chunk) => {
        const answer = parser.push(chunk);
        if (answer === null) return;
        latencies.push(Number(process.hrtime.bigint() - sentAt) / 1e6);
        bytes += answer.length;
        if (answer.status !== 200) failed += 1;
        next();
      });
      socket.on('error', () => {
        failed += 1;
        resolve();
      });
      socket.on('close', () => resolve());
    });

  await Promise.all(Array.from({ length: load.callers }, caller));
  const seconds = Number(process.hrtime.bigint() - started) / 1e9;
  return {
    requestsPerSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    failed,
    bytesPerAnswer: latencies.length === 0 ? 0 : bytes / latencies.length,
  };
}

/** Finds the end of one answer at a time; understands `Content-Length` and chunked bodies. */
class AnswerParser {
  #buffered: Buffer = Buffer.alloc(0);

  push(chunk: Buffer): { readonly status: number; readonly length: number } | null {
    this.#buffered = this.#buffered.length === 0 ? chunk : Buffer.concat([this.#buffered, chunk]);
    const headEnd = this.#buffered.indexOf('\r\n\r\n');
    if (headEnd < 0) return null;
    const head = this.#buffered.toString('latin1', 0, headEnd).toLowerCase();
    const length = /\r\ncontent-length: *(\d+)/.exec(head);
    let end: number;
    if (length !== null) {
      end = headEnd + 4 + Number(length[1]);
    } else if (head.includes('transfer-encoding: chunked')) {
      const tail = this.#buffered.indexOf('\r\n0\r\n\r\n', headEnd + 2);
      if (tail < 0) return null;
      end = tail + 7;
    } else {
      end = headEnd + 4;
    }
    if (this.#buffered.length < end) return null;
    this.#buffered = this.#buffered.subarray(end);
    return { status: Number(head.slice(9, 12)), length: end };
  }
}
