/** A tunnel as requested, persisted and shown. Spec 05 §2. */

import type { TunnelId } from '../ids.js';
import type { Instant, Nanoseconds } from '../time.js';

export type TunnelProtocol = 'tcp' | 'udp' | 'tcp+udp';

/** Ports are decimal text, as on the wire. "Local specified" means `lhost` and `lport` are both non-empty. */
export interface Remote {
  readonly name: string;
  readonly protocol: TunnelProtocol;
  readonly lhost: string;
  readonly lport: string;
  readonly lportRandom: boolean;
  /** API user that created it; empty for tunnels the agent asked for. */
  readonly owner: string;
  readonly rhost: string;
  readonly rport: string;
  readonly scheme: string | null;
  readonly acl: string | null;
  /** 0 = never idle. */
  readonly idleTimeoutMinutes: number;
  /** 0 = off. */
  readonly autoClose: Nanoseconds;
  readonly httpProxy: boolean;
  readonly hostHeader: string;
  readonly authUser: string;
  readonly authPassword: string;
  readonly tunnelUrl: string;
  /** Of the stored tunnel it was opened for. Not shown. */
  readonly storedId?: string;
}

export interface TunnelRecord extends Remote {
  readonly id: TunnelId;
  readonly createdAt: Instant;
}
