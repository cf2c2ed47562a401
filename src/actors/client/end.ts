/** The end of a connection: its tunnels are closed already. Spec 01 §12.2. */

import { instant } from '../../time.js';
import { type Ending, REGISTRAR, type RegistrarMessage } from '../registrar/messages.js';
import { currentRecord } from './save-record.js';
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
  let ending: Ending;
  try {
    ending = await settle(ctx, state);
  } catch (error) {
    // The registrar tries once more. The claim is given back in any case, or the agent would be locked out.
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
  if (record === undefined) return { kind: 'removed' };
  const lastTunnelId = state.tunnels.lastId;
  if (connection.replaced) return { kind: 'replaced', record, lastTunnelId };
  if (deps.server.purgeDisconnectedClients && deps.server.keepDisconnectedClients === 0) {
    await Promise.all([deps.records.remove(id), deps.store.measurements.removeClient(id)]);
    return { kind: 'removed' };
  }
  const at = ctx.clock.now();
  await deps.records.save({ ...record, disconnectedAt: instant(at) });
  return { kind: 'disconnected', at, lastTunnelId };
}
