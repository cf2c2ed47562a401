/** What becomes of the session that holds a client, and of a client that nobody holds. Spec 01 §6.8 and §12. */

import type { ClientRecord } from '../../clients/record.js';
import { AppError } from '../../errors.js';
import type { ClientId } from '../../ids.js';
import { refuse } from '../ask.js';
import { decide } from './claim.js';
import { highestTunnelId, storedOf } from './known.js';
import type { Ending } from './messages.js';
import { markDisconnected } from './records.js';
import { type Context, change, forget, type State, writing } from './state.js';

/** Records written between two turns of the event loop. */
const BATCH = 500;

/** The connection has stored its record. */
export function connected(state: State, id: ClientId, attempt: string): void {
  if (state.known.get(id)?.holder?.attempt !== attempt) return;
  change(state, id, (known) => {
    const { holder } = known;
    if (holder === null) return;
    holder.connected = true;
    known.stored = { authId: holder.authId, name: holder.name, disconnectedAt: null };
    known.takenOver = null;
  });
}

/** The connection has ended, or no longer wants the client. */
export function release(ctx: Context, state: State, id: ClientId, attempt: string, ending: Ending): void {
  const known = state.known.get(id);
  if (known === undefined) return;
  if (known.holder?.attempt === attempt) {
    ended(state, id, attempt, ending);
    if (!known.busy) proceed(ctx, state, id);
    return;
  }
  const given = known.waiting?.findIndex((waiting) => waiting.claim.attempt === attempt) ?? -1;
  if (given < 0) return;
  for (const { sender } of known.waiting?.splice(given, 1) ?? []) refuse(sender, new AppError('timeout'));
}

/** Takes over what the ended connection left. */
export function ended(state: State, id: ClientId, attempt: string, ending: Ending): void {
  if (state.known.get(id)?.holder?.attempt !== attempt) return;
  change(state, id, (known) => {
    const { holder } = known;
    known.holder = null;
    switch (ending.kind) {
      case 'never-connected':
        // Lost, rather, when its actor did not answer: the store says what there is.
        if (holder?.connected) known.takenOver = null;
        return;
      case 'removed':
        forget(known);
        return;
      case 'replaced':
        known.stored = storedOf(ending.record);
        known.takenOver = ending.record;
        known.lastTunnelId = ending.lastTunnelId;
        return;
      case 'disconnected':
        if (holder !== null) {
          known.stored = { authId: holder.authId, name: holder.name, disconnectedAt: ending.at };
        }
        known.takenOver = null;
        known.lastTunnelId = ending.lastTunnelId;
        return;
    }
  });
}

/** The client is free for the next claim; without one, its record must not go on saying connected. */
export function proceed(ctx: Context, state: State, id: ClientId): void {
  const known = state.known.get(id);
  if (known === undefined) return;
  known.busy = false;
  while (!known.busy) {
    const next = known.waiting?.shift();
    if (next === undefined) break;
    decide(ctx, state, next);
  }
  if (known.waiting?.length === 0) known.waiting = null;
  if (known.busy || known.holder !== null) return;
  if (known.stored?.disconnectedAt === null) settle(ctx, state, [id]);
  else if (known.stored === null) change(state, id, () => undefined);
}

/** All connections of a dead shard have ended. Their agents come back by themselves. */
export function threadLost(ctx: Context, state: State, thread: number): void {
  const lost: ClientId[] = [];
  for (const known of state.known.values()) {
    if (known.holder?.thread !== thread) continue;
    const { attempt } = known.holder;
    ended(state, known.id, attempt, { kind: 'never-connected' });
    // A take-over under way ends with an error of its own.
    if (!known.busy) lost.push(known.id);
  }
  if (lost.length > 0) state.deps.log.error(`thread ${thread} is lost with ${lost.length} clients`);
  for (const id of lost) {
    const known = state.known.get(id);
    if (known !== undefined) known.busy = true;
  }
  settle(ctx, state, lost);
}

/** Marks clients as disconnected now, some at a time; claims of theirs wait until it is stored. */
export function settle(ctx: Context, state: State, ids: readonly ClientId[]): void {
  const batch = ids.slice(0, BATCH);
  if (batch.length === 0) return;
  for (const id of batch) {
    const known = state.known.get(id);
    if (known !== undefined) known.busy = true;
  }
  ctx.pipeToSelf(writing(state, markDisconnected(state.deps, batch, ctx.clock.now())), (outcome) => {
    if (!outcome.ok) state.deps.log.error(`failed to mark clients as disconnected: ${outcome.error.message}`);
    return { type: 'settled', ids: batch, records: outcome.ok ? outcome.value : null };
  });
  if (ids.length > BATCH) ctx.schedule(0, { type: 'settle', ids: ids.slice(BATCH) });
}

/** The records are written, or could not be. */
export function settled(
  ctx: Context,
  state: State,
  id: ClientId,
  records: ReadonlyMap<ClientId, ClientRecord> | null,
): void {
  change(state, id, (known) => {
    known.takenOver = null;
    const record = records?.get(id);
    if (record !== undefined) {
      // The shard may have stored more than it had time to tell.
      known.stored = storedOf(record);
      known.lastTunnelId = Math.max(known.lastTunnelId, highestTunnelId(record));
    } else if (records !== null) {
      known.stored = null;
    } else if (known.stored !== null) {
      // The record says otherwise until the client returns or the server restarts.
      known.stored = { ...known.stored, disconnectedAt: known.stored.disconnectedAt ?? ctx.clock.now() };
    }
  });
}
