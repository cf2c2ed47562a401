/** The actor of one tunnel: its port, its users' connections and the clocks that end it. Spec 05 §8 to §10. */

import type { Server, Socket } from 'node:net';
import { AppError } from '../../errors.js';
import { parseGoInteger } from '../../go/integer.js';
import type { Milliseconds } from '../../time.js';
import { type Acl, parseAcl } from '../../tunnels/acl.js';
import { type OpenPort, PortError } from '../../tunnels/ports/local-ports.js';
import type { Remote, TunnelRecord } from '../../tunnels/remote.js';
import { isLocalSpecified, targetAddress } from '../../tunnels/remote-text.js';
import { refuse } from '../ask.js';
import type { ActorContext, Behavior, Sender } from '../runtime/types.js';
import { Connection } from './forward-connection.js';
import { TUNNEL_KIND, type TunnelArgs, type TunnelEvent, type TunnelMessage } from './messages.js';

type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: Error };

type InternalMessage =
  | TunnelMessage
  | { readonly type: 'opened'; readonly outcome: Outcome<OpenPort>; readonly asker: Sender }
  | { readonly type: 'check-idle' }
  | { readonly type: 'auto-close' }
  | { readonly type: 'closed'; readonly report: () => void };

type Context = ActorContext<InternalMessage>;

interface TunnelState {
  readonly args: TunnelArgs;
  readonly target: string;
  record: TunnelRecord;
  acl: Acl | null;
  server: Server | null;
  readonly connections: Set<Connection>;
  /** When the last connection ended, whole seconds; 0 = there was none. */
  lastEndedAt: Milliseconds;
  /** Set once: resolves when the port is free and every connection gone. */
  closing: Promise<void> | null;
  /** Of the listener, so far. */
  acceptErrors: number;
}

const MINUTE: Milliseconds = 60_000;
const NANOSECONDS_PER_MILLISECOND = 1_000_000;
/** `errors[].code` of a local port that is taken; `create.ts` recognises it. */
export const LOCAL_PORT_IN_USE = 'ERR_CODE_LOCAL_PORT_IN_USE';
/** A listener out of file descriptors fails once per waiting connection; the log shows every hundredth. */
const ACCEPT_ERRORS_PER_LINE = 100;

export const tunnelBehavior: Behavior<InternalMessage, TunnelState, TunnelArgs> = {
  kind: TUNNEL_KIND,

  preStart: (_ctx, args) => ({
    args,
    target: targetAddress(args.record),
    record: args.record,
    acl: null,
    server: null,
    connections: new Set(),
    lastEndedAt: 0,
    closing: null,
    acceptErrors: 0,
  }),

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'start':
        start(ctx, state, sender);
        break;
      case 'opened':
        opened(ctx, state, message.outcome, message.asker);
        break;
      case 'set-acl':
        setAcl(state, message.acl, sender);
        break;
      case 'terminate':
        terminate(ctx, state, message.force, sender);
        break;
      case 'check-idle':
        checkIdle(ctx, state);
        break;
      case 'auto-close':
        end(ctx, state, 'auto-close');
        break;
      case 'closed':
        message.report();
        ctx.stopSelf();
        break;
    }
  },

  postStop: (_ctx, state) => close(state),
};

function start(ctx: Context, state: TunnelState, sender: Sender): void {
  const { record } = state.args;
  const acl = parseAcl(record.acl);
  let refusal: AppError | null = null;
  if (!acl.ok) refusal = new AppError('bad_request', { title: acl.error });
  else if (record.protocol !== 'tcp') refusal = unableToStart(`unsupported protocol "${record.protocol}"`);
  if (refusal) {
    refuse(sender, refusal);
    return;
  }
  state.acl = acl.ok ? acl.value : null;
  ctx.pipeToSelf(
    openPort(ctx, state).then((open) => {
      state.server = open.server;
      open.server.on('error', (error) => logAcceptError(state, error));
      // The actor may have been stopped meanwhile: then nobody else would close the port.
      if (state.closing) open.server.close();
      return open;
    }),
    (outcome) => ({ type: 'opened', outcome, asker: sender }),
  );
}

async function openPort(ctx: Context, state: TunnelState): Promise<OpenPort> {
  const { record, ports, preferredPort } = state.args;
  const onSocket = (socket: Socket): void => accept(ctx, state, socket);
  if (!isLocalSpecified(record)) return ports.openAny(preferredPort, onSocket);
  const port = parseGoInteger(record.lport);
  if (!port.ok) throw invalidPort(record, port.error);
  return ports.open(record.lhost, port.value, onSocket, record.storedId);
}

function opened(ctx: Context, state: TunnelState, outcome: Outcome<OpenPort>, asker: Sender): void {
  const { record } = state.args;
  if (!outcome.ok) {
    refuse(asker, startError(record, outcome.error));
    return;
  }
  const { host, port } = outcome.value;
  if (!isLocalSpecified(record)) {
    state.record = { ...record, lhost: host, lport: String(port), lportRandom: true };
  }
  const idleTimeout = idleTimeoutOf(record);
  if (idleTimeout > 0) ctx.schedule(idleTimeout, { type: 'check-idle' });
  if (record.autoClose > 0) {
    ctx.schedule(Math.ceil(record.autoClose / NANOSECONDS_PER_MILLISECOND), { type: 'auto-close' });
  }
  asker.reply(state.record);
}

function logAcceptError(state: TunnelState, error: Error): void {
  state.acceptErrors += 1;
  const { log, record } = state.args;
  if (state.acceptErrors % ACCEPT_ERRORS_PER_LINE === 1) log.error(`tunnel ${record.id}: ${error.message}`);
}

function accept(ctx: Context, state: TunnelState, socket: Socket): void {
  const { session } = state.args;
  const allowed = state.acl === null || state.acl.allows(socket.remoteAddress ?? '');
  if (!allowed || session.closed || state.closing) {
    socket.destroy();
    return;
  }
  const connection = new Connection({
    socket,
    session,
    target: state.target,
    clock: ctx.clock,
    onEnded: (ended) => {
      state.connections.delete(ended);
      state.lastEndedAt = Math.floor(ctx.clock.now() / 1000) * 1000;
    },
  });
  state.connections.add(connection);
}

function setAcl(state: TunnelState, text: string | null, sender: Sender): void {
  const acl = parseAcl(text);
  if (!acl.ok) {
    refuse(sender, new AppError('bad_request', { title: acl.error }));
    return;
  }
  state.acl = acl.value;
  state.record = { ...state.record, acl: text };
  sender.reply(text);
}

function terminate(ctx: Context, state: TunnelState, force: boolean, sender: Sender): void {
  const active = state.connections.size;
  if (!force && active > 0) {
    refuse(sender, new AppError('conflict', { title: `tunnel has ${active} active connection(s)` }));
    return;
  }
  finish(ctx, state, () => sender.reply(null));
}

/** Idle means that no connection is open; how much flows through one does not matter. */
function checkIdle(ctx: Context, state: TunnelState): void {
  const timeout = idleTimeoutOf(state.record);
  const now = ctx.clock.now();
  const idle = now - (state.connections.size > 0 ? now : state.lastEndedAt);
  if (idle > timeout) end(ctx, state, 'idle');
  // At least a step on: the limit itself is not yet "more than".
  else ctx.schedule(Math.max(timeout - idle, 1), { type: 'check-idle' });
}

function end(ctx: Context, state: TunnelState, cause: TunnelEvent['cause']): void {
  const { owner, record } = state.args;
  const event: TunnelEvent = { type: 'tunnel-ended', id: record.id, cause };
  finish(ctx, state, () => ctx.tell(owner, event));
}

function finish(ctx: Context, state: TunnelState, report: () => void): void {
  ctx.pipeToSelf(close(state), () => ({ type: 'closed', report }));
}

function close(state: TunnelState): Promise<void> {
  state.closing ??= new Promise((resolve) => {
    if (!state.server) return resolve();
    state.server.close(() => resolve());
    for (const connection of state.connections) connection.destroy();
  });
  return state.closing;
}

/** Values of the agent are not range-checked. */
const idleTimeoutOf = (remote: Remote): Milliseconds => {
  const timeout = remote.idleTimeoutMinutes * MINUTE;
  return Number.isSafeInteger(timeout) && timeout > 0 ? timeout : 0;
};

const invalidPort = (remote: Remote, reason: string): AppError =>
  new AppError('bad_request', { title: `Invalid local port: ${remote.lport}.`, detail: reason });

/** #21 of spec 05 §3.3. */
const unableToStart = (cause: string): AppError =>
  new AppError('conflict', { title: `unable to start tunnel: ${cause}` });

/** #18 to #21 of spec 05 §3.3. */
function startError(remote: Remote, error: Error): AppError {
  if (error instanceof AppError) return error;
  if (!(error instanceof PortError)) return unableToStart(error.message);
  const port = Number(remote.lport);
  switch (error.code) {
    case 'not_allowed':
      return new AppError('bad_request', { title: `Local port ${port} is not among allowed ports.` });
    case 'in_use':
      return new AppError('conflict', {
        title: `Local port ${port} already in use.`,
        apiCode: LOCAL_PORT_IN_USE,
      });
    case 'exhausted':
      return new AppError('internal', { title: error.message });
    case 'bind_failed':
      return unableToStart(error.message);
  }
}
