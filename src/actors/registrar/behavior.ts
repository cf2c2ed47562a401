/** The registrar: which session owns which client. Spec 01 §6.5, §6.8, §12; see `messages.ts`. */

import type { ClientRecords } from '../../clients/read-model.js';
import type { ClientRecord } from '../../clients/record.js';
import type { ServerConfig } from '../../config/types.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ClientId } from '../../ids.js';
import type { Logger } from '../../logging/logger.js';
import type { Store } from '../../store/types.js';
import type { Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { ActorContext, ActorRef, ActorSystem, Behavior, Sender } from '../runtime/types.js';
import { AuthIds, authIdsOf } from './auth-ids.js';
import { type Claim, highestTunnelId, type Known, storedOf, unknown, type Waiting } from './known.js';
import {
  type ClaimReply,
  connectionsRef,
  type Ending,
  REGISTRAR,
  type RegistrarMessage,
} from './messages.js';
import { isObsolete } from './obsolete.js';
import { markDisconnected, removeClients } from './records.js';

export interface RegistrarDeps {
  readonly server: Pick<
    ServerConfig,
    'authMultiuseCreds' | 'purgeDisconnectedClients' | 'keepDisconnectedClients'
  >;
  readonly records: ClientRecords;
  readonly store: Pick<Store, 'clients' | 'measurements' | 'flushed'>;
  readonly log: Pick<Logger, 'error' | 'info' | 'debug'>;
}

/** A claimant waits 20 s in all; ending a connection takes milliseconds unless its shard hangs. */
const TAKE_OVER_TIMEOUT: Milliseconds = 10_000;
/** Connections of one agent waiting for one another; more are no honest agent. */
const MOST_WAITING = 8;
/** Records written between two turns of the event loop. */
const BATCH = 500;

type Message =
  | RegistrarMessage
  | { readonly type: 'thread-lost'; readonly thread: number }
  | {
      readonly type: 'overtaken';
      readonly id: ClientId;
      readonly attempt: string;
      readonly ending: Ending | null;
    }
  | {
      readonly type: 'settled';
      readonly ids: readonly ClientId[];
      /** As stored now; `null` when they could not be written. */
      readonly records: ReadonlyMap<ClientId, ClientRecord> | null;
    }
  | { readonly type: 'settle'; readonly ids: readonly ClientId[] }
  | {
      readonly type: 'removed';
      readonly ids: readonly ClientId[];
      readonly error: Error | null;
      readonly reply: (error: Error | null) => void;
    };

interface State {
  readonly deps: RegistrarDeps;
  readonly known: Map<ClientId, Known>;
  readonly authIds: AuthIds;
  epoch: number;
  /** Changes of the store under way. */
  readonly writing: Set<Promise<unknown>>;
  readonly unsubscribe: () => void;
}

type Context = ActorContext<Message>;

/** On main, after `disconnectStored` and before the first shard. */
export function spawnRegistrar(system: ActorSystem, deps: RegistrarDeps): ActorRef {
  return system.spawn(registrarBehavior, REGISTRAR.id, deps, { epoch: 1 });
}

const registrarBehavior: Behavior<Message, State, RegistrarDeps> = {
  kind: REGISTRAR.kind,
  // A claim, a confirmation and a release for each session that is open; those are bounded elsewhere. A release
  // lost here would lock its agent out.
  mailboxLimit: 1_000_000,

  preStart(ctx, deps) {
    const unsubscribe = ctx.system.onThreadLost((thread) => {
      ctx.system.tell(ctx.self, { type: 'thread-lost', thread });
    });
    const state: State = {
      deps,
      known: new Map(),
      authIds: new AuthIds(),
      epoch: 0,
      writing: new Set(),
      unsubscribe,
    };
    for (const record of deps.store.clients.all()) {
      change(state, record.id, (known) => {
        known.stored = storedOf(record);
      });
    }
    return state;
  },

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'claim':
        claim(ctx, state, { claim: message, sender });
        return;
      case 'connected':
        connected(state, message.id, message.attempt);
        return;
      case 'release':
        release(ctx, state, message.id, message.attempt, message.ending);
        return;
      case 'delete':
        remove(ctx, state, message.id, sender);
        return;
      case 'purge':
        purge(ctx, state, message.limit, sender);
        return;
      case 'thread-lost':
        threadLost(ctx, state, message.thread);
        return;
      case 'overtaken':
        // A shard that does not answer in time is as good as gone: the new epoch ends its actor.
        ended(state, message.id, message.attempt, message.ending ?? { kind: 'never-connected' });
        proceed(ctx, state, message.id);
        return;
      case 'settle':
        settle(ctx, state, message.ids);
        return;
      case 'settled':
        for (const id of message.ids) {
          settled(ctx, state, id, message.records);
          proceed(ctx, state, id);
        }
        return;
      case 'removed':
        for (const id of message.ids) {
          if (message.error === null) change(state, id, forget);
          proceed(ctx, state, id);
        }
        message.reply(message.error);
        return;
    }
  },

  // The store is closed after the actors: nobody may be using it then.
  async postStop(_ctx, state) {
    state.unsubscribe();
    await Promise.allSettled(state.writing);
  },
};

// --- claims --------------------------------------------------------------------------------------------------

function claim(ctx: Context, state: State, waiting: Waiting): void {
  const known = state.known.get(waiting.claim.id);
  if (!known?.busy) {
    decide(ctx, state, waiting);
  } else if ((known.waiting?.length ?? 0) >= MOST_WAITING) {
    refuse(waiting.sender, new AppError('overloaded'));
  } else {
    known.waiting ??= [];
    known.waiting.push(waiting);
  }
}

function decide(ctx: Context, state: State, waiting: Waiting): void {
  const { claim, sender } = waiting;
  const known = state.known.get(claim.id);
  const holder = known?.holder ?? null;
  if (holder !== null && (claim.sessionId === '' || claim.sessionId !== holder.sessionId)) {
    const name = holder.connected ? holder.name : (known?.stored?.name ?? holder.name);
    refuse(sender, conflict(`client is already connected: ${name} [${claim.id}]`));
  } else if (!state.deps.server.authMultiuseCreds && isUsedByAnother(ctx, state, claim)) {
    refuse(sender, conflict(`client auth ID is already in use: ${goQuote(claim.authId)}`));
  } else if (known !== undefined && holder !== null) {
    known.busy = true;
    known.waiting = [waiting, ...(known.waiting ?? [])];
    const { thread, attempt } = holder;
    const end = ctx.ask<Ending>(
      connectionsRef(thread),
      { type: 'take-over', attempt },
      { timeoutMs: TAKE_OVER_TIMEOUT },
    );
    ctx.pipeToSelf(end, (outcome) => ({
      type: 'overtaken',
      id: claim.id,
      attempt,
      ending: outcome.ok ? outcome.value : null,
    }));
  } else {
    grant(state, waiting);
  }
}

function grant(state: State, { claim, sender }: Waiting): void {
  const { type: _type, id, ...holder } = claim;
  state.epoch += 1;
  const known = change(state, id, (entry) => {
    entry.holder = { ...holder, connected: false };
  });
  const reply: ClaimReply = {
    epoch: state.epoch,
    takenOver: known.takenOver,
    lastTunnelId: known.lastTunnelId,
  };
  sender.reply(reply);
}

function isUsedByAnother(ctx: Context, state: State, claim: Claim): boolean {
  const now = ctx.clock.now();
  for (const id of state.authIds.using(claim.authId)) {
    const other = id === claim.id ? undefined : state.known.get(id);
    if (other !== undefined && !isGone(state, other, now)) return true;
  }
  return false;
}

const conflict = (title: string): AppError => new AppError('conflict', { title });

// --- what becomes of the holder --------------------------------------------------------------------------------

function connected(state: State, id: ClientId, attempt: string): void {
  if (state.known.get(id)?.holder?.attempt !== attempt) return;
  change(state, id, (known) => {
    const { holder } = known;
    if (holder === null) return;
    holder.connected = true;
    known.stored = { authId: holder.authId, name: holder.name, disconnectedAt: null };
    known.takenOver = null;
  });
}

function release(ctx: Context, state: State, id: ClientId, attempt: string, ending: Ending): void {
  const known = state.known.get(id);
  if (known === undefined) return;
  if (known.holder?.attempt === attempt) {
    ended(state, id, attempt, ending);
    if (!known.busy) proceed(ctx, state, id);
    return;
  }
  const given = known.waiting?.findIndex((waiting) => waiting.claim.attempt === attempt) ?? -1;
  if (given < 0) return;
  for (const { sender } of known.waiting?.splice(given, 1) ?? []) refuse(sender, new AppError('timeout'));
}

/** Takes over what the ended connection left. */
function ended(state: State, id: ClientId, attempt: string, ending: Ending): void {
  if (state.known.get(id)?.holder?.attempt !== attempt) return;
  change(state, id, (known) => {
    const { holder } = known;
    known.holder = null;
    switch (ending.kind) {
      case 'never-connected':
        // Lost, rather, when its actor did not answer: the store says what there is.
        if (holder?.connected) known.takenOver = null;
        return;
      case 'removed':
        forget(known);
        return;
      case 'replaced':
        known.stored = storedOf(ending.record);
        known.takenOver = ending.record;
        known.lastTunnelId = ending.lastTunnelId;
        return;
      case 'disconnected':
        if (holder !== null) {
          known.stored = { authId: holder.authId, name: holder.name, disconnectedAt: ending.at };
        }
        known.takenOver = null;
        known.lastTunnelId = ending.lastTunnelId;
        return;
    }
  });
}

/** The client is free for the next claim; without one, its record must not go on saying connected. */
function proceed(ctx: Context, state: State, id: ClientId): void {
  const known = state.known.get(id);
  if (known === undefined) return;
  known.busy = false;
  while (!known.busy) {
    const next = known.waiting?.shift();
    if (next === undefined) break;
    decide(ctx, state, next);
  }
  if (known.waiting?.length === 0) known.waiting = null;
  if (known.busy || known.holder !== null) return;
  if (known.stored?.disconnectedAt === null) settle(ctx, state, [id]);
  else if (known.stored === null) change(state, id, () => undefined);
}

// --- records ---------------------------------------------------------------------------------------------------

/** All connections of a dead shard have ended. Their agents come back by themselves. */
function threadLost(ctx: Context, state: State, thread: number): void {
  const lost: ClientId[] = [];
  for (const known of state.known.values()) {
    if (known.holder?.thread !== thread) continue;
    const { attempt } = known.holder;
    ended(state, known.id, attempt, { kind: 'never-connected' });
    // A take-over under way ends with an error of its own.
    if (!known.busy) lost.push(known.id);
  }
  if (lost.length > 0) state.deps.log.error(`thread ${thread} is lost with ${lost.length} clients`);
  for (const id of lost) {
    const known = state.known.get(id);
    if (known !== undefined) known.busy = true;
  }
  settle(ctx, state, lost);
}

/** Marks clients as disconnected now, some at a time; claims of theirs wait until it is stored. */
function settle(ctx: Context, state: State, ids: readonly ClientId[]): void {
  const batch = ids.slice(0, BATCH);
  if (batch.length === 0) return;
  for (const id of batch) {
    const known = state.known.get(id);
    if (known !== undefined) known.busy = true;
  }
  ctx.pipeToSelf(writing(state, markDisconnected(state.deps, batch, ctx.clock.now())), (outcome) => {
    if (!outcome.ok) state.deps.log.error(`failed to mark clients as disconnected: ${outcome.error.message}`);
    return { type: 'settled', ids: batch, records: outcome.ok ? outcome.value : null };
  });
  if (ids.length > BATCH) ctx.schedule(0, { type: 'settle', ids: ids.slice(BATCH) });
}

function settled(
  ctx: Context,
  state: State,
  id: ClientId,
  records: ReadonlyMap<ClientId, ClientRecord> | null,
): void {
  change(state, id, (known) => {
    known.takenOver = null;
    const record = records?.get(id);
    if (record !== undefined) {
      // The shard may have stored more than it had time to tell.
      known.stored = storedOf(record);
      known.lastTunnelId = Math.max(known.lastTunnelId, highestTunnelId(record));
    } else if (records !== null) {
      known.stored = null;
    } else if (known.stored !== null) {
      // The record says otherwise until the client returns or the server restarts.
      known.stored = { ...known.stored, disconnectedAt: known.stored.disconnectedAt ?? ctx.clock.now() };
    }
  });
}

function remove(ctx: Context, state: State, id: ClientId, sender: Sender): void {
  const known = state.known.get(id);
  if (known === undefined || isGone(state, known, ctx.clock.now())) {
    refuse(sender, new AppError('not_found', { title: `Client with id=${goQuote(id)} not found.` }));
  } else if (known.holder !== null || known.busy) {
    refuse(sender, new AppError('bad_request', { title: 'Client is active, should be disconnected' }));
  } else {
    removeAll(ctx, state, [known], (error) => {
      if (error === null) sender.reply(null);
      else refuse(sender, error);
    });
  }
}

function purge(ctx: Context, state: State, limit: number, sender: Sender): void {
  const now = ctx.clock.now();
  const obsolete: Known[] = [];
  for (const known of state.known.values()) {
    if (obsolete.length >= limit) break;
    if (known.stored !== null && !known.busy && isGone(state, known, now)) obsolete.push(known);
  }
  if (obsolete.length === 0) {
    sender.reply(0);
    return;
  }
  removeAll(ctx, state, obsolete, (error) => {
    if (error === null) sender.reply(obsolete.length);
    else refuse(sender, error);
  });
}

function removeAll(
  ctx: Context,
  state: State,
  all: readonly Known[],
  reply: (error: Error | null) => void,
): void {
  for (const known of all) known.busy = true;
  const ids = all.map(({ id }) => id);
  ctx.pipeToSelf(writing(state, removeClients(state.deps, ids)), (outcome) => ({
    type: 'removed',
    ids,
    error: outcome.ok ? null : outcome.error,
    reply,
  }));
}

function writing<Value>(state: State, operation: Promise<Value>): Promise<Value> {
  state.writing.add(operation);
  const done = (): void => {
    state.writing.delete(operation);
  };
  operation.then(done, done);
  return operation;
}

// --- the table -------------------------------------------------------------------------------------------------

/** No connection, and no record that anybody may still see. */
function isGone(state: State, { holder, stored }: Known, now: Milliseconds): boolean {
  if (holder !== null) return false;
  return stored === null || isObsolete(stored.disconnectedAt, state.deps.server, now);
}

function forget(known: Known): void {
  known.stored = null;
  known.takenOver = null;
  known.lastTunnelId = 0;
}

/** Changes what is known of a client, keeps the index of auth ids right, and drops entries with nothing in them. */
function change(state: State, id: ClientId, edit: (known: Known) => void): Known {
  const known = state.known.get(id) ?? unknown(id);
  const before = authIdsOf(known);
  edit(known);
  state.authIds.changed(id, before, known);
  if (known.stored === null && known.holder === null && !known.busy) state.known.delete(id);
  else state.known.set(id, known);
  return known;
}
