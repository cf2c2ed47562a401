/** A WebSocket of a browser carried on to the web server behind `server.proxy`, message by message. */

import type { IncomingMessage } from 'node:http';
import { WebSocket } from 'ws';
import type { EngineRequest, EngineResponse } from '../http/engine.js';
import type { Logger } from '../logging/logger.js';
import type { ByteSocket, ByteSocketHandlers } from './byte-socket.js';
import { type AccessLog, answerEmpty } from './plain-answer.js';
import type { OutgoingHeaders } from './reverse-proxy.js';

/** Largest message of the web server. */
const MAX_MESSAGE_BYTES = 32 * 1024 * 1024;

/** The caller's side cannot be paused; a web server that takes nothing for so many bytes loses the caller. */
const MAX_UPSTREAM_BACKLOG = 32 * 1024 * 1024;

/** Lines the client library makes itself. */
const HANDSHAKE_HEADERS = new Set([
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-protocol',
  'sec-websocket-extensions',
]);

export interface BridgeOptions {
  readonly url: string;
  readonly headers: OutgoingHeaders;
  readonly request: EngineRequest;
  readonly response: EngineResponse;
  readonly access: AccessLog;
  readonly log: Logger;
  /** Passes on an answer that is no 101. */
  readonly sendBack: (incoming: IncomingMessage, response: EngineResponse, access: AccessLog) => void;
}

/** Connects to the web server first, so that its protocol choice or refusal reaches the caller. */
export const bridgeWebSocket = (options: BridgeOptions): void => {
  const { request, response, access, log } = options;
  const headers: OutgoingHeaders = {};
  for (const [name, value] of Object.entries(options.headers)) {
    if (!HANDSHAKE_HEADERS.has(name)) headers[name] = value;
  }
  const protocols = request
    .header('sec-websocket-protocol')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  let upstream: WebSocket;
  try {
    upstream = new WebSocket(options.url, [...new Set(protocols)], {
      headers,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
    });
  } catch (error) {
    log.error(`reverse proxy: ${String(error)}`);
    answerEmpty(response, access, 502);
    return;
  }
  let socket: ByteSocket | null = null;
  response.onAborted(() => upstream.terminate());
  upstream.on('error', (error) => {
    if (socket === null && !response.done) {
      log.error(`reverse proxy: ${error.message}`);
      answerEmpty(response, access, 502);
    }
    socket?.close(false);
  });
  upstream.on('unexpected-response', (_request, incoming) => {
    if (response.done) incoming.destroy();
    else options.sendBack(incoming, response, access);
  });
  upstream.on('open', () => {
    if (response.done) {
      upstream.terminate();
      return;
    }
    response.upgrade(
      (opened) => {
        socket = opened;
        return carry(opened, upstream, () => access(101, 0));
      },
      upstream.protocol === '' ? null : upstream.protocol,
    );
  });
};

const carry = (socket: ByteSocket, upstream: WebSocket, onEnd: () => void): ByteSocketHandlers => {
  upstream.on('message', (data, isBinary) => {
    const bytes = Array.isArray(data)
      ? Buffer.concat(data)
      : Buffer.isBuffer(data)
        ? data
        : Buffer.from(data);
    if (!socket.send(bytes, !isBinary)) upstream.pause();
  });
  upstream.on('close', () => socket.close(true));
  return {
    onBytes(bytes, isText) {
      if (upstream.readyState !== WebSocket.OPEN) return;
      upstream.send(bytes, { binary: isText !== true });
      if (upstream.bufferedAmount > MAX_UPSTREAM_BACKLOG) socket.close(false);
    },
    onDrain: () => upstream.resume(),
    onClose() {
      upstream.close();
      onEnd();
    },
  };
};
