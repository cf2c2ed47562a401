/** An agent listener on a real port, with a login and a guard of the test. */

import type { TestContext } from 'node:test';
import type { AgentLogin, Guard } from '../../src/auth/guard.js';
import { listen } from '../../src/http/server.js';
import {
  type AgentListener,
  type AgentListenerConfig,
  createAgentListener,
} from '../../src/protocol/agent-listener.js';
import type { AgentSession } from '../../src/protocol/session.js';
import { type Clock, systemClock } from '../../src/time.js';
import { MemoryLogger } from './memory-logger.js';
import { testHostKey } from './transport-pair.js';

export interface TestListener {
  readonly listener: AgentListener;
  readonly port: number;
  readonly log: MemoryLogger;
  readonly sessions: AgentSession[];
  readonly guard: { banned: Set<string> };
  /** Resolves with the next agent that logs in. */
  nextSession(): Promise<AgentSession>;
}

export interface TestListenerOptions {
  readonly server?: Partial<AgentListenerConfig['server']>;
  readonly login?: AgentLogin;
  readonly clock?: Clock;
  readonly onSession?: (session: AgentSession) => void;
}

export const testListener = async (
  test: TestContext,
  options: TestListenerOptions = {},
): Promise<TestListener> => {
  const log = new MemoryLogger();
  const banned = new Set<string>();
  const guard: Guard = {
    isBanned: (_listener, ip) => banned.has(ip),
    mustWait: () => false,
    waitLeft: () => 0,
    failed: async () => undefined,
    succeeded: () => undefined,
  };
  const sessions: AgentSession[] = [];
  const waiting: ((session: AgentSession) => void)[] = [];
  const listener = await createAgentListener({
    config: {
      server: {
        maxRequestBytesClient: 524_288,
        maxConcurrentSshHandshakes: null,
        trustedProxies: [],
        proxy: '',
        ...options.server,
      },
    },
    listen,
    host: '127.0.0.1',
    port: 0,
    shards: 1,
    login: options.login ?? {
      verify: async (id, password) => (id === 'agent-1' && password === 'secret' ? id : null),
    },
    guard,
    hostKey: testHostKey,
    onSession(session) {
      sessions.push(session);
      options.onSession?.(session);
      waiting.shift()?.(session);
    },
    log,
    clock: options.clock ?? systemClock,
  });
  test.after(() => listener.close());
  return {
    listener,
    port: listener.port,
    log,
    sessions,
    guard: { banned },
    nextSession: () => new Promise((resolve) => waiting.push(resolve)),
  };
};
