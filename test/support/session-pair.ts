/** A server session and a simulated agent, authenticated with each other in memory. */

import type { AgentLogin } from '../../src/auth/guard.js';
import { type AcceptedAgent, acceptAgent } from '../../src/protocol/accept-agent.js';
import { joinAsAgent } from '../../src/protocol/join-as-agent.js';
import type { AgentSession, ChannelHandlers, SessionHandlers } from '../../src/protocol/session.js';
import type { Session } from '../../src/protocol/session-core.js';
import type { OfferChoice } from '../../src/protocol/ssh/algorithms.js';
import { type Clock, systemClock } from '../../src/time.js';
import { type MemorySocket, socketPair } from './socket-pair.js';
import { testHostKey } from './transport-pair.js';

export const acceptAll: AgentLogin = { verify: async (authId) => authId };

export interface SessionPairOptions {
  readonly login?: AgentLogin;
  readonly clock?: Clock;
  readonly offer?: OfferChoice;
  readonly password?: string;
  readonly fingerprint?: string;
  readonly cut?: (bytes: Buffer) => Buffer[];
}

export interface SessionPair {
  readonly server: AgentSession;
  readonly agent: Session;
  readonly serverSocket: MemorySocket;
  readonly agentSocket: MemorySocket;
  readonly accepted: AcceptedAgent;
  /** Why each side's session ended; the promise of the server's side. */
  readonly ended: Promise<string>;
}

/** Rejects with the cause when either side gives up. */
export const sessionPair = (options: SessionPairOptions = {}): Promise<SessionPair> => {
  const clock = options.clock ?? systemClock;
  const [serverSocket, agentSocket] = socketPair();
  if (options.cut !== undefined) {
    serverSocket.cut = options.cut;
    agentSocket.cut = options.cut;
  }
  return new Promise((resolve, reject) => {
    let server: AgentSession | null = null;
    let agent: Session | null = null;
    let markEnded: (cause: string) => void = () => undefined;
    const ended = new Promise<string>((done) => {
      markEnded = done;
    });
    const fail = (error: unknown): void => reject(error);
    const both = (): void => {
      if (server && agent) resolve({ server, agent, serverSocket, agentSocket, accepted, ended });
    };
    const accepted = acceptAgent({
      socket: serverSocket,
      hostKey: testHostKey,
      login: options.login ?? acceptAll,
      ip: '127.0.0.1',
      clock,
      onSession(session) {
        server = session;
        both();
      },
      onEnd(cause, authenticated) {
        markEnded(cause);
        if (!authenticated) reject(new Error(cause));
      },
      onError: fail,
    });
    serverSocket.handlers = accepted;
    agentSocket.handlers = joinAsAgent({
      socket: agentSocket,
      authId: 'agent-1',
      password: options.password ?? 'secret',
      fingerprint: options.fingerprint ?? '',
      clock,
      ...(options.offer === undefined ? {} : { offer: options.offer }),
      onJoined(session) {
        agent = session;
        both();
      },
      onEnd(cause, joined) {
        if (!joined) reject(new Error(cause));
      },
      onError: fail,
    });
  });
};

/** Session handlers that refuse and ignore everything not given. */
export const sessionHandlers = (given: Partial<SessionHandlers> = {}): SessionHandlers => ({
  onRequest: (_name, _payload, answer) => answer?.(false, 'unknown request'),
  onClose: () => undefined,
  ...given,
});

/** Channel handlers that ignore everything not given. */
export const channelHandlers = (given: Partial<ChannelHandlers> = {}): ChannelHandlers => ({
  onData: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
  ...given,
});
