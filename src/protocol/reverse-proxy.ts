/** `server.proxy`: hands requests that are not of agents to another web server. Spec 01 §2.5. */

import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import type { EngineRequest, EngineResponse } from '../http/engine.js';
import type { Logger } from '../logging/logger.js';
import { bridgeWebSocket } from './bridge-websocket.js';
import { type AccessLog, answerEmpty, answerText } from './plain-answer.js';

/** Connections kept open to the web server; further requests wait for one. */
const MAX_UPSTREAM_SOCKETS = 256;

/** Lines that describe one hop only (RFC 9110 §7.6.1), as Go's reverse proxy drops them. */
const HOP_HEADERS = new Set([
  'connection',
  'proxy-connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

export interface ReverseProxyOptions {
  /** Absolute URL; only scheme, host and port count. */
  readonly target: string;
  /** Longest request body, bytes. */
  readonly limit: number;
  readonly log: Logger;
}

export interface ReverseProxy {
  /** Forwards one request; answers it in every case. `isUpgrade`: it is a valid WebSocket upgrade. */
  forward(request: EngineRequest, response: EngineResponse, access: AccessLog, isUpgrade: boolean): void;
  close(): void;
}

export type OutgoingHeaders = Record<string, string | string[]>;

/** Throws `Error` when `target` is not an absolute http or https URL. */
export const createReverseProxy = ({ target, limit, log }: ReverseProxyOptions): ReverseProxy => {
  const url = parseTarget(target);
  const secure = url.protocol === 'https:';
  const agentOptions = { keepAlive: true, maxSockets: MAX_UPSTREAM_SOCKETS };
  const agent = secure ? new HttpsAgent(agentOptions) : new HttpAgent(agentOptions);

  const forwardPlain = (request: EngineRequest, response: EngineResponse, access: AccessLog): void => {
    let upstream: ClientRequest;
    try {
      upstream = (secure ? httpsRequest : httpRequest)({
        agent,
        method: request.method,
        protocol: url.protocol,
        hostname: url.hostname.replace(/^\[|\]$/g, ''),
        port: url.port,
        path: targetOf(request),
        headers: outgoingHeaders(request, url.host),
      });
    } catch (error) {
      log.error(`reverse proxy: ${String(error)}`);
      answerEmpty(response, access, 502);
      return;
    }
    let started = false;
    response.onAborted(() => {
      upstream.destroy();
      access(499, 0);
    });
    upstream.on('error', (error) => {
      if (response.done) return;
      log.error(`reverse proxy: ${error.message}`);
      if (started) response.close();
      else answerEmpty(response, access, 502);
    });
    upstream.on('response', (incoming) => {
      started = true;
      sendBack(incoming, response, access);
    });
    sendBody(request, response, upstream, limit, access);
  };

  return {
    forward(request, response, access, isUpgrade) {
      if (!isUpgrade) {
        forwardPlain(request, response, access);
        return;
      }
      bridgeWebSocket({
        url: `${secure ? 'wss' : 'ws'}://${url.host}${targetOf(request)}`,
        headers: outgoingHeaders(request, url.host),
        request,
        response,
        access,
        log,
        sendBack,
      });
    },
    close: () => agent.destroy(),
  };
};

const parseTarget = (target: string): URL => {
  const url = URL.canParse(target) ? new URL(target) : null;
  if (url === null || url.host === '' || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new Error(`missing protocol: ${target}`);
  }
  return url;
};

const targetOf = (request: EngineRequest): string =>
  request.rawQuery === '' ? request.path : `${request.path}?${request.rawQuery}`;

const outgoingHeaders = (request: EngineRequest, host: string): OutgoingHeaders => {
  const dropped = new Set(HOP_HEADERS);
  const forwardedFor: string[] = [];
  for (const name of request.header('connection').split(',')) dropped.add(name.trim().toLowerCase());
  const headers = new Map<string, string[]>();
  for (const [name, value] of request.headers) {
    if (name === 'x-forwarded-for') forwardedFor.push(value);
    else if (!dropped.has(name) && name !== 'host') headers.set(name, [...(headers.get(name) ?? []), value]);
  }
  headers.set('host', [host]);
  headers.set('x-forwarded-for', [[...forwardedFor, request.remoteAddress].join(', ')]);
  const plain: OutgoingHeaders = {};
  for (const [name, values] of headers) plain[name] = values.length === 1 ? (values[0] ?? '') : values;
  return plain;
};

const sendBody = (
  request: EngineRequest,
  response: EngineResponse,
  upstream: ClientRequest,
  limit: number,
  access: AccessLog,
): void => {
  if (request.header('content-length') === '' && request.header('transfer-encoding') === '') {
    upstream.end();
    return;
  }
  // The body is never held back: `limit` bounds what may wait for a slow web server, and a request whose body was
  // paused and resumed while its answer streamed back sometimes stood still until the engine gave it up.
  let received = 0;
  response.onBody((chunk, last) => {
    received += chunk.length;
    if (received > limit) {
      upstream.destroy();
      const text = `Request data exceeds the limit of ${limit} bytes: http: request body too large`;
      answerText(response, access, 400, text);
      return;
    }
    if (chunk.length > 0) upstream.write(chunk);
    if (last) upstream.end();
  });
};

/** Streams the web server's answer to the caller. */
const sendBack = (incoming: IncomingMessage, response: EngineResponse, access: AccessLog): void => {
  const headers: [string, string][] = [];
  for (let at = 0; at + 1 < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at] ?? '';
    if (!HOP_HEADERS.has(name.toLowerCase())) headers.push([name, incoming.rawHeaders[at + 1] ?? '']);
  }
  const status = incoming.statusCode ?? 502;
  if (status === 204 || status === 304) {
    response.send(status, headers);
    access(status, 0);
    incoming.resume();
    return;
  }
  const stream = response.start(status, headers);
  let size = 0;
  stream.onWritable(() => incoming.resume());
  incoming.on('data', (chunk: Buffer) => {
    size += chunk.length;
    if (!stream.write(chunk)) incoming.pause();
  });
  incoming.on('end', () => {
    stream.end();
    access(status, size);
  });
  incoming.on('error', () => response.close());
  response.onAborted(() => incoming.destroy());
};
