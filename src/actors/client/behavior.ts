/** The actor of one connected client: it owns the session, the tunnels and the record. Architecture §2. */

import { AppError } from '../../errors.js';
import type { ConnectionEnd } from '../../events/event-types.js';
import { refuse } from '../ask.js';
import { outputMessage } from '../job/output.js';
import { jobReported } from '../job/report.js';
import { jobAnswered, jobStored, runJob } from '../job/run.js';
import { newClientJobs } from '../job/state.js';
import type { Behavior, Sender } from '../runtime/types.js';
import { newTunnelList } from '../tunnel/list.js';
import { agentChannel } from './agent-channels.js';
import { agentRequest, heartbeat } from './agent-requests.js';
import { connect, connectDone } from './connect.js';
import { endConnection } from './end.js';
import { CLIENT_KIND, type ClientMessage } from './messages.js';
import { REFRESH_TIMEOUT, refreshed, refreshUpdates } from './refresh-updates.js';
import { currentRecord, recordSaved } from './save-record.js';
import { setAccess } from './set-access.js';
import { attributesSet, setAttributes } from './set-attributes.js';
import type { AnyClientMessage, ClientArgs, ClientContext, ClientState, Outcome } from './state.js';
import { isAlive } from './status-check.js';
import {
  newStoredSync,
  retryStoredTunnels,
  storedTunnelsChanged,
  storedTunnelsSynced,
} from './stored-tunnels.js';
import { changed, create, created, remove, setAcl, tunnelEnded } from './tunnel-changes.js';
import { newTransfers, transferNews, transferred, upload } from './uploads.js';

export const clientBehavior: Behavior<AnyClientMessage, ClientState, ClientArgs> = {
  kind: CLIENT_KIND,

  preStart(ctx, args) {
    const { deps, id, connection } = args;
    const state: ClientState = {
      deps,
      id,
      connection,
      tunnels: newTunnelList(args.lastTunnelId),
      stored: newStoredSync(),
      firstSave: null,
      committed: false,
      changes: null,
      tunnelEnds: new Map(),
      endCause: null,
      writing: null,
      awaitingDisk: [],
      jobs: newClientJobs(args.request.hostname),
      creating: false,
      creates: [],
      transfers: newTransfers(deps.serveFiles),
      closing: false,
    };
    listen(ctx, state);
    const { answer } = args;
    ctx.pipeToSelf(connect(ctx, state, args), (outcome) => ({ type: 'connect-done', outcome, answer }));
    return state;
  },

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'agent-request':
        if (message.attempt === state.connection.attempt) agentRequest(ctx, state, message.request);
        return;
      case 'session-closed':
        if (message.attempt === state.connection.attempt) stopFor(ctx, state, 'connection_lost');
        return;
      case 'connect-done':
        connectDone(ctx, state, message);
        return;
      case 'saved':
        recordSaved(ctx, state, message);
        return;
      case 'created':
        created(ctx, state, message);
        return;
      case 'changed':
        changed(ctx, state, message);
        return;
      case 'tunnel-ended':
        tunnelEnded(ctx, state, message);
        return;
      case 'probe':
        if (message.attempt === state.connection.attempt) probe(ctx, state, sender);
        else sender.reply(null);
        return;
      case 'probed':
        probed(ctx, state, message.outcome);
        message.sender.reply(null);
        return;
      case 'refreshed':
        refreshed(message);
        return;
      case 'attributes-set':
        attributesSet(ctx, state, message);
        return;
      case 'transfer-news':
        transferNews(state, message);
        return;
      case 'transferred':
        transferred(ctx, state, message);
        return;
      case 'ask-updates':
        askUpdates(ctx, state);
        return;
      case 'retry-stored-tunnels':
        retryStoredTunnels(ctx, state);
        return;
      case 'stored-tunnels-synced':
        storedTunnelsSynced(ctx, state, message.outcome);
        return;
      case 'nothing':
        return;
      case 'job-answered':
        jobAnswered(ctx, state, message);
        return;
      case 'job-stored':
        jobStored(state, message);
        return;
      case 'job-reported':
        jobReported(state, message);
        return;
      case 'output-taken':
      case 'output-released':
      case 'outputs-orphaned':
        outputMessage(state, message);
        return;
      default:
        apiRequest(ctx, state, message, sender);
    }
  },

  postStop: endConnection,
};

/** The session's callbacks become messages, in their order: the end stays behind the requests. */
function listen(ctx: ClientContext, state: ClientState): void {
  const { connection, deps, id } = state;
  const { attempt } = connection;
  connection.receive({
    request: (request) => ctx.tellSelf({ type: 'agent-request', attempt, request }),
    closed: (cause) => ctx.tellSelf({ type: 'session-closed', attempt, cause }),
    channel: (incoming) => agentChannel(ctx, state, incoming),
    flooded: () => {
      deps.log.error(`client ${id} sends faster than it can be served, closing its connection`);
      stopFor(ctx, state, 'closed_by_server');
    },
    stop: () => ctx.stopSelf(),
  });
  // It may have closed between the claim and now.
  if (connection.session.closed) ctx.tellSelf({ type: 'session-closed', attempt, cause: '' });
}

function apiRequest(ctx: ClientContext, state: ClientState, message: ClientMessage, sender: Sender): void {
  if (message.type === 'close-connection') {
    state.deps.log.info(`client ${state.id}: closing the connection: ${message.reason}`);
    sender.reply(null);
    stopFor(ctx, state, 'closed_by_server');
    return;
  }
  if (!state.connection.connected) {
    refuse(sender, new AppError('not_found', { title: `client with id ${state.id} not found` }));
    return;
  }
  switch (message.type) {
    case 'create-tunnel':
      create(ctx, state, message, sender);
      return;
    case 'delete-tunnel':
      remove(ctx, state, message, sender);
      return;
    case 'set-tunnel-acl':
      setAcl(ctx, state, message, sender);
      return;
    case 'stored-tunnels-changed':
      storedTunnelsChanged(ctx, state, sender);
      return;
    case 'upload':
      upload(ctx, state, message, sender);
      return;
    case 'run-job':
      runJob(ctx, state, message, sender);
      return;
    case 'set-access':
      setAccess(ctx, state, message.allowedUserGroups, sender);
      return;
    case 'refresh-updates':
      refreshUpdates(ctx, state, sender);
      return;
    case 'set-attributes':
      setAttributes(ctx, state, message.attributes, sender);
      return;
  }
}

/** A ping, unless a request is on its way: its reply, or its time-out, tells as much, and a ping would wait. */
function probe(ctx: ClientContext, state: ClientState, sender: Sender): void {
  const { session } = state.connection;
  if (!state.connection.connected || session.requestPending) {
    sender.reply(null);
    return;
  }
  const ping = session.request('ping', '', state.deps.server.checkClientsConnectionTimeout);
  ctx.pipeToSelf(ping, (outcome) => ({ type: 'probed', outcome, sender }));
}

function probed(
  ctx: ClientContext,
  state: ClientState,
  outcome: Outcome<Parameters<typeof isAlive>[0]>,
): void {
  if (outcome.ok && isAlive(outcome.value)) {
    heartbeat(ctx, state);
    return;
  }
  const reason = outcome.ok ? 'unexpected reply to ping' : outcome.error.message;
  state.deps.log.info(`client ${state.id} does not answer (${reason}), closing its connection`);
  stopFor(ctx, state, 'connection_lost');
}

function stopFor(ctx: ClientContext, state: ClientState, cause: ConnectionEnd): void {
  state.endCause ??= cause;
  ctx.stopSelf();
}

function askUpdates(ctx: ClientContext, state: ClientState): void {
  // It may have come by itself.
  if (currentRecord(state)?.updatesStatus !== null) return;
  const refresh = state.connection.session.request('refresh_updates_status', 'null', REFRESH_TIMEOUT);
  // Old agents do not know it, others have updates switched off: both are fine.
  ctx.pipeToSelf(refresh, () => ({ type: 'nothing' }));
}
