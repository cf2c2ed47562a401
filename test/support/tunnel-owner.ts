/** Plays the client's actor: owns a list of tunnels and hears when one ends. */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { createActorSystem } from '../../src/actors/runtime/system.js';
import type { ActorContext, Behavior, Log } from '../../src/actors/runtime/types.js';
import { createTunnel, type TunnelDeps } from '../../src/actors/tunnel/create.js';
import { newTunnelList, type TunnelList } from '../../src/actors/tunnel/list.js';
import type { TunnelEvent } from '../../src/actors/tunnel/messages.js';
import type { AgentSession } from '../../src/protocol/session.js';
import { LocalPorts } from '../../src/tunnels/ports/local-ports.js';
import type { Remote, TunnelRecord } from '../../src/tunnels/remote.js';
import { freePorts } from './free-ports.js';
import { ManualClock } from './manual-clock.js';

export interface TunnelOwner {
  readonly ctx: ActorContext<TunnelEvent>;
  readonly clock: ManualClock;
  readonly deps: TunnelDeps;
  readonly list: TunnelList;
  /** Ports tunnels may use here. */
  readonly allowed: readonly number[];
  readonly events: readonly TunnelEvent[];
  readonly errors: readonly string[];
  create(session: AgentSession, remote: Remote, checkPort?: boolean): Promise<TunnelRecord>;
  /** The next `tunnel-ended`. */
  nextEvent(): Promise<TunnelEvent>;
  stop(): Promise<void>;
}

export async function tunnelOwner(portCount = 4): Promise<TunnelOwner> {
  const clock = new ManualClock();
  const errors: string[] = [];
  const log: Log = { debug: ignore, info: ignore, error: (text) => void errors.push(text) };
  const system = createActorSystem({ thread: 1, clock, log });
  const allowed = await freePorts(portCount);
  const deps: TunnelDeps = {
    ports: new LocalPorts(
      allowed.map((port) => ({ from: port, to: port })),
      clock,
    ),
    checkPortTimeout: 2_000,
    log,
  };
  const list = newTunnelList();
  const events: TunnelEvent[] = [];
  const waiting: ((event: TunnelEvent) => void)[] = [];
  let ctx: ActorContext<TunnelEvent> | null = null;
  const owner: Behavior<TunnelEvent, null, null> = {
    kind: 'owner',
    preStart(context) {
      ctx = context;
      return null;
    },
    receive(_ctx, _state, event) {
      events.push(event);
      waiting.shift()?.(event);
    },
  };
  system.spawn(owner, 'agent', null);
  if (ctx === null) throw new Error('not started');
  const context: ActorContext<TunnelEvent> = ctx;
  return {
    ctx: context,
    clock,
    deps,
    list,
    allowed,
    events,
    errors,
    create: (session, remote, checkPort = true) =>
      createTunnel(context, deps, list, { session, remote, checkPort }),
    nextEvent: () => new Promise((resolve) => void waiting.push(resolve)),
    stop: () => system.shutdown(),
  };
}

/** Connects a user to a tunnel. */
export async function user(port: number | string, host = '127.0.0.1'): Promise<Socket> {
  const socket = connect({ host, port: Number(port), allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** Everything the socket delivers until the other side ends; a reset is an error. */
export async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function ignore(): void {
  // not of interest
}
