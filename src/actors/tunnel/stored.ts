/** Tunnels that open by themselves, of one connected client: brought to what the store wants. */

import { AppError } from '../../errors.js';
import type { TunnelId } from '../../ids.js';
import type { AgentSession } from '../../protocol/session.js';
import type { Remote } from '../../tunnels/remote.js';
import { remoteText } from '../../tunnels/remote-text.js';
import { remoteOf, type StoredTunnel } from '../../tunnels/stored/stored-tunnel.js';
import { askTunnelAllowed } from './ask-agent.js';
import { deleteTunnel, setTunnelAcl } from './change.js';
import { connectFailureText } from './connect.js';
import { startTunnel, type TunnelDeps, type TunnelParent } from './create.js';
import type { TunnelList } from './list.js';

interface OpenedTunnel {
  readonly tunnel: TunnelId;
  readonly stored: StoredTunnel;
}

/** What one connection knows of its client's stored tunnels. */
export interface StoredTunnelList {
  /** By id of the stored tunnel. */
  readonly opened: Map<string, OpenedTunnel>;
  /** Revisions of those that a user has closed; they come back with a change, or with the next connection. */
  readonly closed: Map<string, number>;
  /** Why one could not be opened last time, so that the log says it once. */
  readonly failures: Map<string, string>;
}

export const newStoredTunnelList = (): StoredTunnelList => ({
  opened: new Map(),
  closed: new Map(),
  failures: new Map(),
});

export interface StoredTunnelsSynced {
  /** The list of tunnels is another one. */
  readonly changed: boolean;
  /** Something could not be opened. */
  readonly failed: boolean;
}

/**
 * Closes what is no longer wanted, changes what is wanted otherwise, opens what is missing. What cannot be opened is
 * skipped and logged. Must not run twice at a time for one client.
 */
export async function syncStoredTunnels(
  ctx: TunnelParent,
  deps: TunnelDeps,
  list: TunnelList,
  stored: StoredTunnelList,
  session: AgentSession,
  wanted: readonly StoredTunnel[],
): Promise<StoredTunnelsSynced> {
  const wantedById = new Map(wanted.map((one) => [one.id, one]));
  let changed = false;
  let failed = false;
  for (const [id, opened] of stored.opened) {
    const next = wantedById.get(id);
    if (next?.revision === opened.stored.revision) continue;
    changed = true;
    if (next === undefined || !isSameAddress(opened.stored, next)) {
      await close(ctx, list, opened.tunnel);
      stored.opened.delete(id);
    } else {
      await adjust(ctx, list, opened.tunnel, next);
      // Unless a user has closed it at the same moment.
      if (list.running.has(opened.tunnel)) stored.opened.set(id, { ...opened, stored: next });
    }
  }
  for (const one of wanted) {
    if (stored.opened.has(one.id) || stored.closed.get(one.id) === one.revision) continue;
    if (session.closed) break;
    const remote: Remote = { ...remoteOf(one), storedId: one.id };
    try {
      await askTunnelAllowed(session, remote);
      const record = await startTunnel(ctx, deps, list, session, remote, null);
      stored.opened.set(one.id, { tunnel: record.id, stored: one });
      stored.failures.delete(one.id);
      changed = true;
    } catch (error) {
      failed = true;
      const reason = connectFailureText(error);
      if (session.closed || stored.failures.get(one.id) === reason) continue;
      stored.failures.set(one.id, reason);
      deps.log.error(`client ${ctx.self.id}: stored tunnel ${remoteText(remote)} not opened: ${reason}`);
    }
  }
  return { changed, failed };
}

/** A user has closed one of them, or it has ended: it stays closed until it is changed or the client reconnects. */
export function storedTunnelClosed(stored: StoredTunnelList, tunnel: TunnelId): void {
  for (const [id, opened] of stored.opened) {
    if (opened.tunnel !== tunnel) continue;
    stored.opened.delete(id);
    stored.closed.set(id, opened.stored.revision);
  }
}

const isSameAddress = (one: StoredTunnel, other: StoredTunnel): boolean =>
  remoteText({ ...remoteOf(one), acl: null }) === remoteText({ ...remoteOf(other), acl: null });

/** With its connections: nobody wants it any more. */
async function close(ctx: TunnelParent, list: TunnelList, tunnel: TunnelId): Promise<void> {
  try {
    await deleteTunnel(ctx, list, tunnel, true);
  } catch (error) {
    // A user has closed it at the same moment.
    if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
  }
}

/** Without touching its connections. */
async function adjust(
  ctx: TunnelParent,
  list: TunnelList,
  tunnel: TunnelId,
  wanted: StoredTunnel,
): Promise<void> {
  const { name, scheme, owner, acl } = remoteOf(wanted);
  const before = list.running.get(tunnel)?.record.acl;
  if (before !== undefined && before !== acl) await setTunnelAcl(ctx, list, tunnel, acl);
  const running = list.running.get(tunnel);
  if (running) list.running.set(tunnel, { ...running, record: { ...running.record, name, scheme, owner } });
}
