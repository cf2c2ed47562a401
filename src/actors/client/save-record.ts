/**
 * Storing changes of a connected client. At most one write is under way; what changes meanwhile goes into the next
 * one, so an agent that reports without end costs one write at a time. Between writes the record is in the store
 * only: it has several KiB, and most clients change once a day.
 */

import type { ClientRecord } from '../../clients/record.js';
import type { Happening } from '../../events/event.js';
import type { TunnelRecord } from '../../tunnels/remote.js';
import type { AnyClientMessage, ClientContext, ClientState } from './state.js';

/** @param done told when the change is on disk, or why not; absent: a commit is enough */
export function changeRecord(
  ctx: ClientContext,
  state: ClientState,
  change: Partial<ClientRecord>,
  done?: (error: Error | null) => void,
): void {
  // Before the first record is made, there is nothing to change: it will hold what is then.
  if (state.firstSave === null) return;
  state.changes = { ...state.changes, ...change };
  if (done !== undefined) state.awaitingDisk.push(done);
  writeChanges(ctx, state);
}

/** Begins a write if there is something to write and none is under way. */
export function writeChanges(ctx: ClientContext, state: ClientState): void {
  const { changes } = state;
  if (changes === null || state.writing !== null || !state.committed) return;
  const done = state.awaitingDisk;
  state.awaitingDisk = [];
  state.changes = null;
  const write = save(state, changes, done.length > 0);
  state.writing = write.catch(() => undefined);
  ctx.pipeToSelf(write, (outcome) => ({
    type: 'saved',
    error: outcome.ok ? null : outcome.error,
    changes,
    done,
  }));
}

export function recordSaved(
  ctx: ClientContext,
  state: ClientState,
  message: Extract<AnyClientMessage, { type: 'saved' }>,
): void {
  state.writing = null;
  if (message.error !== null) {
    state.deps.log.error(`failed to save client ${state.id}: ${message.error.message}`);
  }
  for (const done of message.done) done(message.error);
  const newer = state.changes;
  // The next change, or the end, takes the failed one along.
  if (message.error !== null) state.changes = { ...message.changes, ...newer };
  if (newer !== null) writeChanges(ctx, state);
}

/** The record with everything that has changed; `undefined` when somebody has removed it. */
export function currentRecord({ deps, id, changes }: ClientState): ClientRecord | undefined {
  const stored = deps.store.clients.get(id);
  return stored === undefined ? undefined : { ...stored, ...changes };
}

/** What has become of the tunnels between two states of the record, whoever has opened and closed them. */
export function tunnelHappenings(state: ClientState, before: ClientRecord, after: ClientRecord): Happening[] {
  if (before.tunnels === after.tunnels) return [];
  const missingIn = (record: ClientRecord, tunnels: readonly TunnelRecord[]): TunnelRecord[] => {
    const ids = new Set(record.tunnels.map(({ id }) => id));
    return tunnels.filter(({ id }) => !ids.has(id));
  };
  return [
    ...missingIn(after, before.tunnels).map(
      (tunnel): Happening => ({
        type: 'tunnel.closed',
        tunnel,
        cause: state.tunnelEnds.get(tunnel.id) ?? 'deleted',
      }),
    ),
    ...missingIn(before, after.tunnels).map(
      (tunnel): Happening => ({ type: 'tunnel.opened', tunnel, atConnect: false }),
    ),
  ];
}

async function save(state: ClientState, changes: Partial<ClientRecord>, toDisk: boolean): Promise<void> {
  const { deps, id } = state;
  const stored = deps.store.clients.get(id);
  if (stored === undefined) throw new Error('its record is gone');
  const record = { ...stored, ...changes };
  const happenings = tunnelHappenings(state, stored, record);
  await deps.records.save(record, happenings);
  for (const happening of happenings) {
    if (happening.type === 'tunnel.closed') state.tunnelEnds.delete(happening.tunnel.id);
  }
  // Whoever is told of the change finds it on disk, and in every thread that may answer the next request.
  if (toDisk) await Promise.all([deps.store.flushed(), deps.system.published()]);
}
