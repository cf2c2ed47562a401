/** The tunnels of one connected client: owned by its actor, changed only by the functions of this folder. */

import { type TunnelId, tunnelId } from '../../ids.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import type { ActorRef } from '../runtime/types.js';

export interface RunningTunnel {
  readonly record: TunnelRecord;
  readonly ref: ActorRef;
}

export interface TunnelList {
  /** Listening tunnels in the order of their creation. */
  readonly running: Map<TunnelId, RunningTunnel>;
  /** Past the duplicate check and not yet listening. */
  readonly starting: Set<Remote>;
  /** Highest id given out. A failed start uses up an id. Spec 05 §2.3. */
  lastId: number;
}

/** `lastId` of the client's previous connection in this process; 0 after a server start. */
export const newTunnelList = (lastId = 0): TunnelList => ({
  running: new Map(),
  starting: new Set(),
  lastId,
});

/** What is stored and shown, in creation order. */
export const tunnelRecords = (list: TunnelList): TunnelRecord[] =>
  Array.from(list.running.values(), (tunnel) => tunnel.record);

export function nextTunnelId(list: TunnelList): TunnelId {
  list.lastId += 1;
  return tunnelId(String(list.lastId));
}
