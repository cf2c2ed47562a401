/** The tunnel actor: a child of its client's actor, in the same thread. */

import type { AgentSession } from '../../protocol/session.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import type { ActorRef } from '../runtime/types.js';

export const TUNNEL_KIND = 'tunnel';

/** Handed over at spawn; stays in the thread. */
export interface TunnelArgs {
  /** With id, `createdAt` and the final local host and port. */
  readonly record: TunnelRecord;
  readonly session: AgentSession;
  /** Told what happens to the tunnel. */
  readonly owner: ActorRef;
}

/** From the client's actor. `start` replies `null` once it listens, or refuses with an `AppError` payload. */
export type TunnelMessage =
  | { readonly type: 'start' }
  /** Replies the acl as stored, or refuses (400) without changing anything. */
  | { readonly type: 'set-acl'; readonly acl: string | null }
  /** Replies `null` when closed; refuses (409) when connections are open and `force` is false. */
  | { readonly type: 'terminate'; readonly force: boolean };

/** From the tunnel's actor to `owner`. */
export type TunnelEvent = {
  readonly type: 'tunnel-ended';
  readonly id: TunnelRecord['id'];
  readonly cause: 'idle' | 'auto-close' | 'failed';
};

export type { Remote };
