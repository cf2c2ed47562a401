/**
 * Tunnels as the client's actor uses them. It keeps one `TunnelList` (`list.ts`) in its state and calls, with its
 * own `ActorContext` and through `ctx.pipeToSelf`:
 *
 * - `openTunnelsAtConnect` (`connect.ts`) while it handles `new_connection`, before the reply is sent;
 * - `createTunnel` (this file) for `create-tunnel`;
 * - `deleteTunnel` and `setTunnelAcl` (`change.ts`) for `delete-tunnel` and `set-tunnel-acl`;
 * - `forgetTunnel` (`change.ts`) when a `tunnel-ended` event (`messages.ts`) arrives.
 *
 * Each changes the list itself before it resolves; the caller then saves `tunnelRecords(list)` with the client's
 * record and replies once that is durable. All of them reject with `AppError`. Tunnels are children of the calling
 * actor: when it stops, their ports and connections are closed.
 */

import { AppError } from '../../errors.js';
import { parseGoInteger } from '../../go/integer.js';
import type { AgentSession } from '../../protocol/session.js';
import { instant, type Milliseconds } from '../../time.js';
import type { LocalPorts } from '../../tunnels/ports/local-ports.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import { isLocalSpecified, overlaps, remoteText, sameAcl, targetAddress } from '../../tunnels/remote-text.js';
import { askActor } from '../ask.js';
import type { ActorContext, ActorRef, Log } from '../runtime/types.js';
import { askCheckPort, askTunnelAllowed } from './ask-agent.js';
import { LOCAL_PORT_IN_USE, tunnelBehavior } from './behavior.js';
import { nextTunnelId, type TunnelList } from './list.js';
import type { TunnelArgs } from './messages.js';

/** The part of the client actor's context that is needed here. */
export type TunnelParent = Pick<
  ActorContext<never>,
  'self' | 'clock' | 'system' | 'spawnChild' | 'stopChild'
>;

export interface TunnelDeps {
  /** One per thread. */
  readonly ports: LocalPorts;
  /** `server.check_port_timeout`. */
  readonly checkPortTimeout: Milliseconds;
  readonly log: Log;
}

export interface CreateRequest {
  readonly session: AgentSession;
  readonly remote: Remote;
  readonly checkPort: boolean;
}

/** Binding is immediate, unless a host name has to be resolved first. */
const START_TIMEOUT: Milliseconds = 20_000;

const CUT_OFF = 'unable to start tunnel: the connection ended';

/** Tells apart the actors of tunnels that carry the same number in successive connections of one client. */
let spawned = 0;

/** Steps 10 to 21 of spec 05 §3.3. The tunnel is listening, and in the list, when this resolves. */
export async function createTunnel(
  ctx: TunnelParent,
  deps: TunnelDeps,
  list: TunnelList,
  request: CreateRequest,
): Promise<TunnelRecord> {
  const { session, remote } = request;
  await askTunnelAllowed(session, remote);
  checkDuplicate(list, remote);
  if (request.checkPort && remote.protocol !== 'udp') {
    await askCheckPort(session, remote, deps.checkPortTimeout);
  }
  if (isLocalSpecified(remote)) await checkLocalPortFree(deps.ports, remote.lport);
  // Asking the agent took time: another request may have got here first.
  checkDuplicate(list, remote);
  try {
    return await startTunnel(ctx, deps, list, session, remote, null);
  } catch (error) {
    throw error instanceof AppError && error.apiCode === LOCAL_PORT_IN_USE ? portInUse(remote.lport) : error;
  }
}

/**
 * Starts `remote` without asking the agent and without looking for duplicates of its target; an equal running
 * tunnel is reused (spec 05 §8). Rejects with #18 to #21 of spec 05 §3.3.
 */
export async function startTunnel(
  ctx: TunnelParent,
  deps: TunnelDeps,
  list: TunnelList,
  session: AgentSession,
  remote: Remote,
  preferredPort: number | null,
): Promise<TunnelRecord> {
  const equal = findEqual(list, remote);
  if (equal) return equal;
  const id = nextTunnelId(list);
  const ref = spawn(ctx, {
    record: { ...remote, id, createdAt: instant(ctx.clock.now()) },
    preferredPort,
    session,
    ports: deps.ports,
    owner: ctx.self,
    log: deps.log,
  });
  list.starting.add(remote);
  try {
    const record = await askActor<TunnelRecord>(ctx.system, ref, { type: 'start' }, START_TIMEOUT, CUT_OFF);
    list.running.set(id, { record, ref });
    return record;
  } catch (error) {
    await ctx.stopChild(ref);
    throw error;
  } finally {
    list.starting.delete(remote);
  }
}

function spawn(ctx: TunnelParent, args: TunnelArgs): ActorRef {
  spawned += 1;
  try {
    return ctx.spawnChild(tunnelBehavior, `${ctx.self.id}/${args.record.id}/${spawned}`, args);
  } catch (error) {
    // The client's actor began to stop while it waited for its agent.
    throw new AppError('conflict', { title: CUT_OFF, cause: error });
  }
}

/** #11 and #12 of spec 05 §3.3. Throws 400. */
export function checkDuplicate(list: TunnelList, remote: Remote): void {
  const text = remoteText(remote);
  const target = targetAddress(remote);
  for (const existing of remotes(list)) {
    if (remoteText(existing) === text) {
      throw new AppError('bad_request', { title: 'Tunnel already exist.', apiCode: 'ERR_CODE_TUNNEL_EXIST' });
    }
  }
  for (const existing of remotes(list)) {
    if (
      targetAddress(existing) === target &&
      overlaps(existing.protocol, remote.protocol) &&
      sameAcl(existing.acl, remote.acl)
    ) {
      throw new AppError('bad_request', {
        title: `Tunnel to port ${remote.rport} already exists.`,
        apiCode: 'ERR_CODE_TUNNEL_TO_PORT_EXIST',
      });
    }
  }
}

const portInUse = (port: string): AppError =>
  new AppError('bad_request', { title: `Port ${Number(port)} already in use.`, apiCode: LOCAL_PORT_IN_USE });

/**
 * #14 and #16 of spec 05 §3.3 as far as they can be told without binding. For an allowed port the bind itself
 * decides, so that creating a tunnel costs the same however many sockets this machine has.
 */
async function checkLocalPortFree(ports: LocalPorts, lport: string): Promise<void> {
  const parsed = parseGoInteger(lport);
  if (!parsed.ok)
    throw new AppError('bad_request', { title: `Invalid port: ${lport}.`, detail: parsed.error });
  const busy = ports.isAllowed(parsed.value)
    ? ports.isTaken(parsed.value) || ports.isReserved(parsed.value)
    : await ports.isListening(parsed.value);
  if (busy) throw portInUse(lport);
}

function findEqual(list: TunnelList, remote: Remote): TunnelRecord | undefined {
  const text = remoteText(remote);
  for (const { record } of list.running.values()) if (remoteText(record) === text) return record;
  return undefined;
}

function* remotes(list: TunnelList): Iterable<Remote> {
  for (const { record } of list.running.values()) yield record;
  yield* list.starting;
}
