/**
 * Tunnels as API requests change them. Creations of one client run one after another, because each is checked
 * against the tunnels there are; the others wait for nothing but their own tunnel. Each is answered when on disk.
 */

import { checkTunnelAcl } from '../../auth/restrictions/check-tunnel.js';
import { AppError } from '../../errors.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import { deleteTunnel, forgetTunnel, setTunnelAcl } from '../tunnel/change.js';
import { createTunnel } from '../tunnel/create.js';
import { tunnelRecords } from '../tunnel/list.js';
import type { TunnelEvent } from '../tunnel/messages.js';
import { storedTunnelClosed } from '../tunnel/stored.js';
import type { ClientRequests } from './messages.js';
import { changeRecord } from './save-record.js';
import type { AnyClientMessage, ClientContext, ClientState } from './state.js';

/** Creations waiting for an agent that answers slowly; each may take it half a minute. */
const MOST_WAITING = 32;
const FOREIGN_TUNNEL = 'You are not allowed to terminate tunnels of other users';

export function create(
  ctx: ClientContext,
  state: ClientState,
  message: ClientRequests['create-tunnel']['request'],
  sender: Sender,
): void {
  if (state.creates.length >= MOST_WAITING) {
    refuse(sender, new AppError('overloaded'));
    return;
  }
  state.creates.push({ message, sender });
  createNext(ctx, state);
}

export function created(
  ctx: ClientContext,
  state: ClientState,
  { outcome, sender }: Extract<AnyClientMessage, { type: 'created' }>,
): void {
  state.creating = false;
  createNext(ctx, state);
  if (outcome.ok) saveTunnels(ctx, state, sender, outcome.value);
  else refuse(sender, outcome.error);
}

export function remove(
  ctx: ClientContext,
  state: ClientState,
  message: ClientRequests['delete-tunnel']['request'],
  sender: Sender,
): void {
  const { id, force, onlyOf } = message;
  const owner = state.tunnels.running.get(id)?.record.owner;
  if (onlyOf !== undefined && owner !== undefined && owner !== onlyOf) {
    refuse(sender, new AppError('forbidden', { title: FOREIGN_TUNNEL }));
    return;
  }
  const removal = deleteTunnel(ctx, state.tunnels, id, force).then(() =>
    storedTunnelClosed(state.stored.list, id),
  );
  ctx.pipeToSelf(removal, (outcome) => ({ type: 'changed', outcome, sender }));
}

export function setAcl(
  ctx: ClientContext,
  state: ClientState,
  message: ClientRequests['set-tunnel-acl']['request'],
  sender: Sender,
): void {
  const { id, acl, restrictions } = message;
  const tunnel = state.tunnels.running.get(id)?.record;
  try {
    if (tunnel !== undefined) checkTunnelAcl(restrictions, { ...tunnel, acl });
  } catch (error) {
    refuse(sender, error);
    return;
  }
  const change = setTunnelAcl(ctx, state.tunnels, id, acl);
  ctx.pipeToSelf(change, (outcome) => ({ type: 'changed', outcome, sender }));
}

export function changed(
  ctx: ClientContext,
  state: ClientState,
  { outcome, sender }: Extract<AnyClientMessage, { type: 'changed' }>,
): void {
  if (outcome.ok) saveTunnels(ctx, state, sender, null);
  else refuse(sender, outcome.error);
}

/** A tunnel ended by itself. While connecting, what has ended is simply not in the first record. */
export function tunnelEnded(ctx: ClientContext, state: ClientState, event: TunnelEvent): void {
  if (!forgetTunnel(state.tunnels, event)) return;
  storedTunnelClosed(state.stored.list, event.id);
  state.tunnelEnds.set(event.id, event.cause === 'auto-close' ? 'auto_close' : event.cause);
  state.deps.log.debug(`client ${state.id}: tunnel ${event.id} ended (${event.cause})`);
  changeRecord(ctx, state, { tunnels: tunnelRecords(state.tunnels) });
}

function createNext(ctx: ClientContext, state: ClientState): void {
  if (state.creating) return;
  const next = state.creates.shift();
  if (next === undefined) return;
  state.creating = true;
  const { message, sender } = next;
  const { session } = state.connection;
  const request = { session, remote: message.remote, checkPort: message.checkPort };
  ctx.pipeToSelf(createTunnel(ctx, state.deps.tunnels, state.tunnels, request), (outcome) => ({
    type: 'created',
    outcome,
    sender,
  }));
}

function saveTunnels(ctx: ClientContext, state: ClientState, sender: Sender, reply: unknown): void {
  changeRecord(ctx, state, { tunnels: tunnelRecords(state.tunnels) }, (error) => {
    if (error === null) sender.reply(reply);
    else refuse(sender, new AppError('internal', { title: `failed to save client: ${error.message}` }));
  });
}
