/** A tunnel somebody has written down for a client. Spec 03 §9. */

import type { ClientId } from '../../ids.js';
import type { Instant } from '../../time.js';
import { ANY_HOST } from '../parse-remote.js';
import type { Remote } from '../remote.js';

/** What callers give. Nothing of it is checked unless the tunnel is to open by itself. */
export interface StoredTunnelInput {
  readonly name: string;
  readonly scheme: string | null;
  readonly remoteIp: string | null;
  readonly remotePort: number | null;
  readonly publicPort: number | null;
  readonly acl: string | null;
  /** JSON text as it was given, without white space; `null` = none. */
  readonly furtherOptions: string | null;
  /** Opens whenever the client connects, on `publicPort`, which nothing else gets meanwhile. */
  readonly autoOpen: boolean;
}

export interface StoredTunnel extends StoredTunnelInput {
  /** UUID v4. */
  readonly id: string;
  readonly clientId: ClientId;
  readonly createdAt: Instant;
  /** Who stored it last; the owner of the tunnel that opens by itself. */
  readonly owner: string;
  /** Grows with every change. */
  readonly revision: number;
}

/** In the store or told between threads: which stored tunnel has a port for itself. */
export interface PortHolder {
  readonly clientId: ClientId;
  readonly id: string;
}

/** Topic under which `ReservationChange`s are published between threads. */
export const STORED_TUNNELS_TOPIC = 'stored-tunnels';

/** Ports whose reservation may have changed; the store says how. */
export interface ReservationChange {
  readonly ports: readonly number[];
}

const LOOPBACK = '127.0.0.1';

/** The tunnel to open for it; without a public port it is one whose port is to be chosen. Never idle. */
export function remoteOf(stored: StoredTunnelInput & Pick<StoredTunnel, 'owner'>): Remote {
  const { publicPort } = stored;
  return {
    name: stored.name,
    protocol: 'tcp',
    lhost: publicPort === null ? '' : ANY_HOST,
    lport: publicPort === null ? '' : String(publicPort),
    lportRandom: false,
    owner: stored.owner,
    rhost: stored.remoteIp || LOOPBACK,
    rport: String(stored.remotePort ?? 0),
    scheme: stored.scheme || null,
    acl: stored.acl || null,
    idleTimeoutMinutes: 0,
    autoClose: 0,
    httpProxy: false,
    hostHeader: '',
    authUser: '',
    authPassword: '',
    tunnelUrl: '',
  };
}
