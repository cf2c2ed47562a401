/**
 * Brute-force protection shared by all shards: waits per identity and bans per IP, kept by the `guard` actor
 * on main and replicated to every thread. Spec 01 §2.4 and §4.8, 02 §4.
 */

import type { Milliseconds } from '../time.js';

/** Where the attempt came in; each listener has its own thresholds and lists. */
export type Listener = 'client' | 'api';

export interface Guard {
  /** Whether this address is banned at the moment; answered from the local replica. */
  isBanned(listener: Listener, ip: string): boolean;
  /** Whether this identity must wait after a failed attempt; answered from the local replica. */
  mustWait(listener: Listener, identity: string, ip: string): boolean;
  /** How much longer `mustWait` says so; 0 when it does not. */
  waitLeft(listener: Listener, identity: string, ip: string): Milliseconds;
  /** Resolves when main and the replicas of all threads have it. Answer the peer only then. */
  failed(listener: Listener, identity: string | null, ip: string): Promise<void>;
  /** The same; `undefined` when nothing was known against the address. Never rejects. */
  succeeded(listener: Listener, identity: string | null, ip: string): Promise<void> | undefined;
}

/** Checks agent logins (spec 01 §4.8, all four steps, the guard included). */
export interface AgentLogin {
  /** The client auth id as it is kept, which is what the agent's clients are bound to; `null`: refused. */
  verify(authId: string, password: string, ip: string): Promise<string | null>;
}
