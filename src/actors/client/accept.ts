/** From an authenticated session to the actor of its client. Spec 01 §6. */

import { randomUUID } from 'node:crypto';
import { AppError, type ErrorPayload } from '../../errors.js';
import { type ClientId, clientId } from '../../ids.js';
import type { AgentSession } from '../../protocol/session.js';
import type { Milliseconds } from '../../time.js';
import type { OutputMessage } from '../job/state.js';
import { type ClaimReply, type Ending, REGISTRAR, type RegistrarMessage } from '../registrar/messages.js';
import { ActorError, type Timer } from '../runtime/types.js';
import { RECONNECT_TEXT, tooLargeText, UNKNOWN_REQUEST_TEXT } from './agent-requests.js';
import { clientBehavior } from './behavior.js';
import { REPLY_GRACE } from './connect.js';
import { type AgentRequest, Connection } from './connection.js';
import { type Connections, spawnConnections } from './connections.js';
import { type ConnectionRequest, decodeConnectionRequest } from './decode/connection-request.js';
import { DecodeError } from './decode/go-json.js';
import type { ClientDeps } from './dependencies.js';
import { clientRef } from './messages.js';

/** Silence after the login. Agents wait up to 10 s before their first request. Spec 01 §6.1. */
const FIRST_REQUEST_DEADLINE: Milliseconds = 300_000;
/** Agents wait 30 s for the reply to `new_connection`; a later one does harm (spec 01 §13.3). */
const CLAIM_TIMEOUT: Milliseconds = 20_000;
const NEVER_CONNECTED: Ending = { kind: 'never-connected' };
const LONGEST_LOGGED = 64;

export type { ClientDeps } from './dependencies.js';

export interface ClientGate {
  /** Takes a session that has just logged in. Never throws; everything further happens by itself. */
  accept(session: AgentSession): void;
  /** Sessions that have named their client, connected or nearly so. */
  readonly size: number;
}

/** Once per shard, after the actor system is connected to main and before the listener opens. */
export function openClientGate(
  deps: Omit<ClientDeps, 'newId'> & { readonly newId?: () => string },
): ClientGate {
  const full: ClientDeps = { newId: randomUUID, ...deps };
  const connections: Connections = new Map();
  spawnConnections(full, connections);
  // Listeners of job output may have been there.
  deps.system.onThreadLost(() => {
    const message: OutputMessage = { type: 'outputs-orphaned' };
    for (const { id, connected } of connections.values()) {
      if (id !== null && connected) deps.system.tell(clientRef(id), message, 'system');
    }
  });
  let count = 0;
  return {
    accept(session) {
      count += 1;
      const attempt = `${deps.system.thread}:${count}`;
      const connection = new Connection(attempt, session, () => connections.delete(attempt));
      connection.loggedInAt = deps.system.clock.now();
      awaitFirstRequest(full, connections, connection);
    },
    get size() {
      return connections.size;
    },
  };
}

/** The first thing said must be `new_connection`, within five minutes. */
function awaitFirstRequest(deps: ClientDeps, connections: Connections, connection: Connection): void {
  const { session } = connection;
  const over = (): void => {
    deadline.cancel();
    connection.finish(NEVER_CONNECTED);
  };
  const close = (): void => {
    over();
    session.close();
  };
  const deadline: Timer = deps.system.clock.after(FIRST_REQUEST_DEADLINE, () => {
    deps.log.info(`${session.remoteAddress}: no connection request in time`);
    close();
  });
  connection.receive({
    request: (request) => {
      deadline.cancel();
      connection.served(request);
      firstRequest(deps, connections, connection, request);
    },
    closed: over,
    flooded: close,
    stop: close,
  });
  session.handle(connection);
}

function firstRequest(
  deps: ClientDeps,
  connections: Connections,
  connection: Connection,
  request: AgentRequest,
): void {
  const { session } = connection;
  const { maxRequestBytesClient: limit } = deps.server;
  const fail = (text: string): void => {
    deps.log.info(`${session.remoteAddress}: ${text}`);
    connection.finish(NEVER_CONNECTED);
    refuseAndClose(session, request, text);
  };
  if (request.name !== 'new_connection') {
    fail('expecting connection request');
    return;
  }
  if (request.payload.length > limit) {
    fail(tooLargeText(limit, request.payload.length));
    return;
  }
  let decoded: ConnectionRequest;
  try {
    decoded = decodeConnectionRequest(request.payload);
  } catch (error) {
    if (!(error instanceof DecodeError)) deps.log.error(`connection request: ${String(error)}`);
    fail('invalid connection request: Invalid JSON config');
    return;
  }
  if (decoded.version !== deps.version) {
    const version = JSON.stringify(decoded.version.slice(0, LONGEST_LOGGED));
    deps.log.info(
      `${session.remoteAddress}: client version ${version} differs from server version ${deps.version}`,
    );
  }
  const id = chooseId(deps, decoded, session.authId);
  connection.id = id;
  connections.set(connection.attempt, connection);
  waitForClaim(deps, connection, id);
  void claim(deps, connection, id, decoded, request);
}

/** Spec 01 §6.5 step 2. */
function chooseId(deps: ClientDeps, request: ConnectionRequest, authId: string): ClientId {
  if (request.id !== '') return clientId(request.id);
  const { authMultiuseCreds, equateClientauthidClientid } = deps.server;
  return clientId(!authMultiuseCreds && equateClientauthidClientid ? authId : deps.newId());
}

/** While the registrar decides. */
function waitForClaim(deps: ClientDeps, connection: Connection, id: ClientId): void {
  const { session } = connection;
  const giveUp = (): void => {
    connection.finish(NEVER_CONNECTED);
    release(deps, connection, id);
  };
  const close = (): void => {
    giveUp();
    session.close();
  };
  connection.receive({
    request: (request) => {
      connection.served(request);
      if (request.name === 'ping') request.answer?.(true);
      else if (request.name !== 'new_connection') request.answer?.(false, UNKNOWN_REQUEST_TEXT);
      else {
        giveUp();
        refuseAndClose(session, request, RECONNECT_TEXT);
      }
    },
    closed: giveUp,
    flooded: close,
    stop: close,
  });
}

async function claim(
  deps: ClientDeps,
  connection: Connection,
  id: ClientId,
  request: ConnectionRequest,
  asked: AgentRequest,
): Promise<void> {
  const { attempt, session } = connection;
  const message: RegistrarMessage = {
    type: 'claim',
    id,
    authId: session.authId,
    sessionId: request.sessionId,
    name: request.name,
    thread: deps.system.thread,
    attempt,
    loggedInAt: connection.loggedInAt,
  };
  try {
    const granted = await deps.system.ask<ClaimReply>(REGISTRAR, message, { timeoutMs: CLAIM_TIMEOUT });
    // Closed or overtaken meanwhile; the claim was given back then.
    if (connection.ended) return;
    const args = {
      deps,
      id,
      connection,
      request,
      answer: asked.answer,
      takenOver: granted.takenOver,
      lastTunnelId: granted.lastTunnelId,
    };
    deps.system.spawn(clientBehavior, id, args, { epoch: granted.epoch });
  } catch (error) {
    if (connection.ended) return;
    connection.finish(NEVER_CONNECTED);
    const refused = error instanceof ActorError && error.code === 'refused';
    if (!refused) release(deps, connection, id);
    const text = refused ? (error.data as ErrorPayload).title : new AppError('overloaded').title;
    deps.log.info(`client ${id} refused: ${refused ? text : String(error)}`);
    refuseAndClose(session, asked, text);
  }
}

function release(deps: ClientDeps, connection: Connection, id: ClientId): void {
  const message: RegistrarMessage = {
    type: 'release',
    id,
    attempt: connection.attempt,
    ending: NEVER_CONNECTED,
  };
  deps.system.tell(REGISTRAR, message);
}

/** The failure text, and time for it to arrive: only then does the agent say why in its log. Spec 01 §6.6. */
function refuseAndClose(session: AgentSession, request: AgentRequest, text: string): void {
  request.answer?.(false, text);
  session.close(REPLY_GRACE);
}
