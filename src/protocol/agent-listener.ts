/**
 * The listener agents connect to: plain HTTP/1.1 whose WebSocket upgrades with the protocol `rport-v1` become
 * agent sessions; everything else is refused or handed to the configured web server. Spec 01 §2.
 */

import { performance } from 'node:perf_hooks';
import { createCallerIp, forwardedFor } from '../auth/caller-ip.js';
import type { AgentLogin, Guard } from '../auth/guard.js';
import { banKey } from '../auth/ip-address.js';
import type { ServerConfig } from '../config/types.js';
import type { EngineRequest, EngineResponse, Listen, Listening } from '../http/engine.js';
import { queryError } from '../http/query-string.js';
import { upgradeFault } from '../http/upgrade-check.js';
import type { Logger } from '../logging/logger.js';
import type { Clock, Milliseconds } from '../time.js';
import { type AcceptedAgent, acceptAgent } from './accept-agent.js';
import { Admission, AUTOMATIC_MAX_HANDSHAKES, type Ticket } from './admission.js';
import type { ByteSocket } from './byte-socket.js';
import type { HostKey } from './host-key.js';
import { type AccessLog, accessLog, answerBadUpgrade, answerEmpty, answerText } from './plain-answer.js';
import { createReverseProxy } from './reverse-proxy.js';
import type { AgentSession } from './session.js';
import { disconnectReason } from './ssh/messages.js';

/** The one WebSocket subprotocol of agents. */
const PROTOCOL = 'rport-v1';
const PROTOCOL_FAMILY = 'rport-';

/** From the 101 to the end of authentication. */
const HANDSHAKE_TIMEOUT: Milliseconds = 30_000;

/**
 * A handshake that takes longer waits for its peer, not for the CPU: its slot goes to the next, or a few who open
 * connections and say nothing would keep all agents out. Five round trips of 400 ms.
 */
const SLOT_TIMEOUT: Milliseconds = 2_000;

/** Largest packet of an agent and some framing (spec 01 §4.5); agents send one packet per message at most. */
const MAX_MESSAGE_BYTES = 33 * 1024 * 1024;

/** Slack above `max_request_bytes_client` for the head of a request, as Go adds it. */
const HEADER_SLACK_BYTES = 4096;

/** Longest protocol name of a refused agent that is logged. */
const LOGGED_PROTOCOL = 100;

/** The settings this listener reads. */
export interface AgentListenerConfig {
  readonly server: Pick<
    ServerConfig,
    'maxRequestBytesClient' | 'maxConcurrentSshHandshakes' | 'trustedProxies' | 'proxy'
  >;
}

export interface AgentListenerOptions {
  readonly config: AgentListenerConfig;
  readonly listen: Listen;
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Threads that share the configured number of handshake slots. */
  readonly shards: number;
  readonly login: AgentLogin;
  readonly guard: Guard;
  readonly hostKey: HostKey;
  /** An authenticated agent; `handle` must be called on it. Its connection request is to come within 5 min. */
  readonly onSession: (session: AgentSession) => void;
  readonly log: Logger;
  readonly clock: Clock;
  /** Share of time this thread was busy since the last call. Default: the event loop's own measure. */
  readonly utilization?: () => number;
}

export interface AgentListener {
  readonly port: number;
  /** For metrics: handshakes running and waiting, the present limit, and agent connections in all. */
  stats(): AgentListenerStats;
  /** Refuses new connections; the present ones stay. */
  stopAccepting(): void;
  /** Tells every agent that the server goes down, so that it waits before it tries again. Spec 01 §12.6. */
  disconnectAll(text: string): void;
  /** Refuses new ones and closes all. */
  close(): void;
}

export interface AgentListenerStats {
  readonly handshakes: number;
  readonly waiting: number;
  readonly limit: number;
  readonly connections: number;
}

/** Opens the listener. Rejects when the address cannot be bound or a setting is invalid. */
export const createAgentListener = async (options: AgentListenerOptions): Promise<AgentListener> => {
  const { config, guard, log, clock } = options;
  const limit = config.server.maxRequestBytesClient;
  const callerIp = createCallerIp(config.server.trustedProxies);
  const configured = config.server.maxConcurrentSshHandshakes;
  const admission = new Admission({
    max:
      configured === null ? AUTOMATIC_MAX_HANDSHAKES : Math.floor(configured / Math.max(1, options.shards)),
    clock,
    utilization: options.utilization ?? measureUtilization(),
  });
  const proxy =
    config.server.proxy === '' ? null : createReverseProxy({ target: config.server.proxy, limit, log });
  const connections = new Set<AcceptedAgent>();
  let stopped = false;

  const report = (error: unknown): void =>
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));

  const handle = (request: EngineRequest, response: EngineResponse): void => {
    const access = accessLog(request, log, clock);
    const ip = callerIp(request.remoteAddress, forwardedFor(request.headers));
    if (guard.isBanned('client', ip)) {
      answerText(response, access, 423, 'Too many bad attempts. Please try later.');
      return;
    }
    const problem = problemOf(request, limit);
    if (problem !== null) {
      answerText(response, access, 400, `Request data exceeds the limit of ${limit} bytes: ${problem}`);
      return;
    }
    if (isAgent(request)) {
      const fault = upgradeFault(request);
      if (fault === null) admit(response, access, ip);
      else answerBadUpgrade(response, access, fault);
    } else if (proxy === null) {
      answerEmpty(response, access, 404);
    } else {
      proxy.forward(request, response, access, upgradeFault(request) === null);
    }
  };

  const isAgent = (request: EngineRequest): boolean => {
    if (request.header('upgrade').toLowerCase() !== 'websocket') return false;
    const protocol = request.header('sec-websocket-protocol');
    if (protocol === PROTOCOL) return true;
    if (protocol.startsWith(PROTOCOL_FAMILY)) {
      const named = JSON.stringify(protocol.slice(0, LOGGED_PROTOCOL));
      log.info(`ignored client connection using protocol ${named}, expected "${PROTOCOL}"`);
    }
    return false;
  };

  /** Waits for a handshake slot, then answers 101. */
  const admit = (response: EngineResponse, access: AccessLog, ip: string): void => {
    if (stopped) {
      answerEmpty(response, access, 503);
      return;
    }
    const ticket = admission.request((slot) => {
      if (response.done) {
        slot.release();
        return;
      }
      try {
        response.upgrade((socket) => connect(socket, slot, access, ip), PROTOCOL);
      } catch (error) {
        slot.release();
        report(error);
        answerBadUpgrade(response, access, 400);
      }
    }, banKey(ip));
    if (ticket === null) {
      answerText(response, access, 503, 'Too many connections are waiting. Please try later.', [
        ['Connection', 'close'],
      ]);
      return;
    }
    response.onAborted(() => ticket.release());
  };

  const connect = (socket: ByteSocket, slot: Ticket, access: AccessLog, ip: string): AcceptedAgent => {
    const deadline = clock.after(HANDSHAKE_TIMEOUT, () => accepted.giveUp('authentication took too long'));
    const slotDeadline = clock.after(SLOT_TIMEOUT, () => slot.release());
    const finishHandshake = (): void => {
      deadline.cancel();
      slotDeadline.cancel();
      slot.release();
    };
    const accepted = acceptAgent({
      socket,
      hostKey: options.hostKey,
      login: options.login,
      ip,
      clock,
      onSession(session) {
        finishHandshake();
        options.onSession(session);
      },
      onEnd(cause, authenticated) {
        finishHandshake();
        connections.delete(accepted);
        access(200, 0);
        if (!authenticated) log.info(`Failed to handshake (${ip}): ${cause}`);
        else log.debug(`connection from ${ip} ended: ${cause}`);
      },
      onError: report,
    });
    connections.add(accepted);
    return accepted;
  };

  const listening: Listening = await options.listen({
    host: options.host,
    port: options.port,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    maxHeaderBytes: limit + HEADER_SLACK_BYTES,
    clock,
    onError: report,
    onRequest: handle,
    onUpgrade: handle,
  });

  const stop = (): void => {
    stopped = true;
    admission.stop();
  };
  return {
    port: listening.port,
    stats: () => ({
      handshakes: admission.taken,
      waiting: admission.waiting,
      limit: admission.limit,
      connections: connections.size,
    }),
    stopAccepting() {
      stop();
      listening.stopAccepting();
    },
    disconnectAll(text) {
      stop();
      for (const connection of [...connections]) connection.disconnect(disconnectReason.byApplication, text);
    },
    close() {
      stop();
      listening.close();
      proxy?.close();
    },
  };
};

/** What is wrong with the request's data; `null` when nothing is. Spec 01 §2.1, step 3. */
const problemOf = (request: EngineRequest, limit: number): string | null => {
  if (Number(request.header('content-length')) > limit) return 'http: request body too large';
  return queryError(request.rawQuery) ?? null;
};

const measureUtilization = (): (() => number) => {
  let last = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, last);
    last = now;
    return utilization;
  };
};
