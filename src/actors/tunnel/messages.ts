/** The tunnel actor: a child of its client's actor, in the same thread. */

import type { AgentSession } from '../../protocol/session.js';
import type { LocalPorts } from '../../tunnels/ports/local-ports.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import type { ActorRef, Log } from '../runtime/types.js';

export const TUNNEL_KIND = 'tunnel';

/** Handed over at spawn; stays in the thread. */
export interface TunnelArgs {
  /** With its id. Without `lhost` and `lport` a port is chosen when it starts. */
  readonly record: TunnelRecord;
  /** Tried first when the port is chosen here: the one a restored tunnel had before. */
  readonly preferredPort: number | null;
  readonly session: AgentSession;
  readonly ports: LocalPorts;
  /** Told what happens to the tunnel. */
  readonly owner: ActorRef;
  readonly log: Log;
}

/** From the client's actor. Use the functions of `create.ts`, `change.ts` and `connect.ts` instead of sending these. */
export type TunnelMessage =
  /** Replies the final `TunnelRecord` once it listens, or refuses with an `AppError` payload. */
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
