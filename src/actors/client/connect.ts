/** From an accepted claim to a connected client. Spec 01 §6.5 steps 5 to 10. */

import type { ClientRecord } from '../../clients/record.js';
import type { Happening } from '../../events/event.js';
import { instant, type Milliseconds } from '../../time.js';
import { remoteToJson } from '../../tunnels/remote-json.js';
import { REGISTRAR, type RegistrarMessage } from '../registrar/messages.js';
import { isObsolete } from '../registrar/obsolete.js';
import { connectFailureText, openTunnelsAtConnect } from '../tunnel/connect.js';
import { tunnelRecords } from '../tunnel/list.js';
import type { ConnectionRequest } from './decode/connection-request.js';
import { writeChanges } from './save-record.js';
import type { AnyClientMessage, ClientArgs, ClientContext, ClientState, Connected } from './state.js';
import { openStoredTunnels } from './stored-tunnels.js';

type ConnectDone = Extract<AnyClientMessage, { type: 'connect-done' }>;

/** Time for the agent to take the last reply before its connection goes. Spec 01 §6.6. */
export const REPLY_GRACE: Milliseconds = 3_000;
/** Agents need a moment to finish with the reply to `new_connection` (spec 01 §9.2). */
const ASK_UPDATES_AFTER: Milliseconds = 1_500;
/** Highest version of each that this server understands. Spec 01 §7. */
const MONITORING_VERSION = 1;
const IP_ADDRESSES_VERSION = 1;

/**
 * Starts the tunnels and stores the record. Nothing is stored before everything the agent asked for runs, so a
 * failure leaves the record as it was. Resolves with the remotes for the reply.
 */
export async function connect(ctx: ClientContext, state: ClientState, args: ClientArgs): Promise<Connected> {
  const { deps, connection } = state;
  const previous = previousRecord(args);
  // Children may not be started before `preStart` has returned.
  await Promise.resolve();
  // What was kept of a client that is obsolete by now must not come back with a new one of its id.
  if (previous === null && deps.store.clients.get(state.id) !== undefined)
    await deps.records.remove(state.id);
  const { remotes } = await openTunnelsAtConnect(ctx, deps.tunnels, state.tunnels, {
    session: connection.session,
    version: args.request.version,
    requested: args.request.remotes,
    old: previous === null ? null : previous.tunnels,
  });
  if (connection.ended || connection.session.closed) throw new Error('connection closed');
  const record = buildRecord(state, args.request, previous, instant(ctx.clock.now()));
  const save = deps.records.save(record, happeningsAtConnect(previous, record)).then(() => {
    state.committed = true;
  });
  state.firstSave = save.catch(() => undefined);
  try {
    await save;
  } catch (error) {
    throw new Error(`failed to save client: ${(error as Error).message}`, { cause: error });
  }
  return { remotes, needsUpdates: record.updatesStatus === null };
}

/** The reply, then `put_capabilities` once; or the failure text and the end. */
export function connectDone(ctx: ClientContext, state: ClientState, message: ConnectDone): void {
  const { deps, connection, id } = state;
  const { outcome, answer } = message;
  if (!outcome.ok) {
    const text = connectFailureText(outcome.error);
    deps.log.info(`client ${id} refused: ${text}`);
    answer?.(false, text);
    connection.session.close(REPLY_GRACE);
    state.closing = true;
    ctx.stopSelf();
    return;
  }
  connection.connected = true;
  const connected: RegistrarMessage = { type: 'connected', id, attempt: connection.attempt };
  ctx.tell(REGISTRAR, connected);
  const { remotes, needsUpdates } = outcome.value;
  answer?.(true, JSON.stringify(remotes.length === 0 ? null : remotes.map(remoteToJson)));
  // A second one on the same connection would double the agent's measurements (spec 01 §7).
  connection.session.notify(
    'put_capabilities',
    JSON.stringify({
      ServerVersion: deps.version,
      MonitoringVersion: deps.monitoring.enabled ? MONITORING_VERSION : 0,
      IPAddressesVersion: IP_ADDRESSES_VERSION,
    }),
  );
  deps.log.debug(`client ${id} connected from ${connection.session.remoteAddress}`);
  // A status computed before the connection came up would be missing until the agent's next round (hours).
  if (needsUpdates) ctx.schedule(ASK_UPDATES_AFTER, { type: 'ask-updates' });
  // A tunnel may have ended while the record was being stored.
  writeChanges(ctx, state);
  openStoredTunnels(ctx, state);
}

function previousRecord({ deps, id, takenOver }: ClientArgs): ClientRecord | null {
  if (takenOver !== null) return takenOver;
  const stored = deps.store.clients.get(id);
  if (stored === undefined) return null;
  const since = stored.disconnectedAt === null ? null : Date.parse(stored.disconnectedAt);
  return isObsolete(since, deps.server, deps.system.clock.now()) ? null : stored;
}

/**
 * When the record still says connected, this connection takes over, whether from one that lives or from one whose
 * end could not be stored: the client was never gone, but its tunnels were.
 */
function happeningsAtConnect(previous: ClientRecord | null, record: ClientRecord): Happening[] {
  const resumed = previous !== null && previous.disconnectedAt === null;
  const replaced = resumed ? previous.tunnels : [];
  return [
    ...replaced.map((tunnel): Happening => ({ type: 'tunnel.closed', tunnel, cause: 'replaced' })),
    { type: 'client.connected', resumed },
    ...record.tunnels.map((tunnel): Happening => ({ type: 'tunnel.opened', tunnel, atConnect: true })),
  ];
}

/** Field by field: a record made of the rest of another object would be slow to read and to compare. */
function buildRecord(
  state: ClientState,
  request: ConnectionRequest,
  previous: ClientRecord | null,
  now: string,
): ClientRecord {
  return {
    id: state.id,
    clientAuthId: state.connection.session.authId,
    name: request.name,
    address: state.connection.session.remoteAddress,
    hostname: request.hostname,
    version: request.version,
    os: request.os,
    osFullName: request.osFullName,
    osVersion: request.osVersion,
    osArch: request.osArch,
    osFamily: request.osFamily,
    osKernel: request.osKernel,
    osVirtualizationSystem: request.osVirtualizationSystem,
    osVirtualizationRole: request.osVirtualizationRole,
    numCpus: request.numCpus,
    cpuFamily: request.cpuFamily,
    cpuModel: request.cpuModel,
    cpuModelName: request.cpuModelName,
    cpuVendor: request.cpuVendor,
    memTotal: request.memTotal,
    timezone: request.timezone,
    ipv4: request.ipv4,
    ipv6: request.ipv6,
    tags: request.tags,
    labels: request.labels,
    allowedUserGroups: previous?.allowedUserGroups ?? null,
    updatesStatus: previous?.updatesStatus ?? null,
    extIpAddresses: previous?.extIpAddresses ?? null,
    tunnels: tunnelRecords(state.tunnels),
    clientConfiguration: request.clientConfiguration,
    disconnectedAt: null,
    connectedAt: now,
  };
}
