/**
 * Storing changes of a connected client. At most one write is under way; what changes meanwhile goes into the next
 * one, so an agent that reports without end costs one write at a time.
 */

import type { ClientRecord } from '../../clients/record.js';
import type { AnyClientMessage, ClientContext, ClientState } from './state.js';

/** @param done told when the change is on disk, or why not; absent: a commit is enough */
export function changeRecord(
  ctx: ClientContext,
  state: ClientState,
  change: Partial<ClientRecord>,
  done?: (error: Error | null) => void,
): void {
  if (state.record === null) return;
  state.record = { ...state.record, ...change };
  if (done !== undefined) state.awaitingDisk.push(done);
  if (state.saving) state.unsaved = true;
  else write(ctx, state, state.record);
}

export function recordSaved(
  ctx: ClientContext,
  state: ClientState,
  message: Extract<AnyClientMessage, { type: 'saved' }>,
): void {
  state.saving = false;
  if (message.error !== null) {
    state.deps.log.error(`failed to save client ${state.id}: ${message.error.message}`);
  }
  for (const done of message.done) done(message.error);
  if (state.unsaved && state.record !== null) write(ctx, state, state.record);
}

function write(ctx: ClientContext, state: ClientState, record: ClientRecord): void {
  const { records, store } = state.deps;
  const done = state.awaitingDisk;
  state.awaitingDisk = [];
  state.saving = true;
  state.unsaved = false;
  const commit = records.save(record);
  const durable = done.length === 0 ? commit : commit.then(() => store.flushed());
  ctx.pipeToSelf(durable, (outcome) => ({
    type: 'saved',
    error: outcome.ok ? null : outcome.error,
    done,
  }));
}
