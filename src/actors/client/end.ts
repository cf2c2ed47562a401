/** The end of a connection: its tunnels are closed already. Spec 01 §12.2. */

import { RecordsStopped } from '../../clients/client-records.js';
import { endOfConnection } from '../../events/event.js';
import { instant } from '../../time.js';
import { type Ending, REGISTRAR, type RegistrarMessage } from '../registrar/messages.js';
import { currentRecord, tunnelHappenings } from './save-record.js';
import type { ClientContext, ClientState } from './state.js';

/** SSH_DISCONNECT_BY_APPLICATION: agents begin their back-off at once. Spec 01 §12.6. */
const BY_APPLICATION = 11;

/** Stores that the client is gone, unless a newer connection takes over, and gives up the claim. */
export async function endConnection(ctx: ClientContext, state: ClientState): Promise<void> {
  const { connection, deps, id } = state;
  const { session } = connection;
  connection.connected = false;
  if (!session.closed && !state.closing) session.disconnect(BY_APPLICATION, 'connection closed by server');
  await state.firstSave;
  await state.writing;
  await state.jobs.saves.ended();
  let ending: Ending;
  try {
    ending = await settle(ctx, state);
  } catch (error) {
    // The registrar tries once more. The claim is given back in any case, or the agent would be locked out.
    if (!(error instanceof RecordsStopped))
      deps.log.error(`failed to save the end of client ${id}: ${(error as Error).message}`);
    ending = { kind: 'never-connected' };
  }
  deps.log.debug(`client ${id} ended (${ending.kind})`);
  connection.finish(ending);
  const release: RegistrarMessage = { type: 'release', id, attempt: connection.attempt, ending };
  ctx.tell(REGISTRAR, release);
}

async function settle(ctx: ClientContext, state: ClientState): Promise<Ending> {
  const { connection, deps, id } = state;
  if (!state.committed) return { kind: 'never-connected' };
  const record = currentRecord(state);
  const stored = deps.store.clients.get(id);
  if (record === undefined || stored === undefined) return { kind: 'removed' };
  const untold = tunnelHappenings(state, stored, record);
  const lastTunnelId = state.tunnels.lastId;
  if (connection.replaced) {
    // What nobody has been told of yet; the rest is for the connection that takes over.
    if (untold.length > 0) await deps.records.save(record, untold);
    return { kind: 'replaced', record, lastTunnelId };
  }
  const happenings = [...untold, ...endOfConnection(record, state.endCause ?? 'server_stopped')];
  if (deps.server.purgeDisconnectedClients && deps.server.keepDisconnectedClients === 0) {
    await Promise.all([
      deps.records.remove(id, { record, happenings }),
      deps.store.measurements.removeClient(id),
    ]);
    return { kind: 'removed' };
  }
  const at = ctx.clock.now();
  await deps.records.save({ ...record, disconnectedAt: instant(at) }, happenings);
  return { kind: 'disconnected', at, lastTunnelId };
}
