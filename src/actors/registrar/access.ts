/**
 * Which user groups may access a client. Whoever owns the record at that moment saves the change: the actor of a
 * connected client, the registrar otherwise; in between the change waits. So it can neither be overwritten by what
 * the actor saves nor get lost between two connections. Spec 03 §4.5.
 */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ClientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import { askActor, refuse } from '../ask.js';
import { clientRef } from '../client/messages.js';
import type { Sender } from '../runtime/types.js';
import { proceed } from './release.js';
import { type Context, isGone, type State, writing } from './state.js';

export interface AccessChange {
  readonly id: ClientId;
  readonly allowedUserGroups: readonly string[];
  readonly sender: Sender;
}

/** The actor may be busy; the change itself takes one write. */
const ACTOR_TIMEOUT: Milliseconds = 20_000;
/** Of one client; people do not click faster. */
const MOST_WAITING = 32;

export function setAccess(ctx: Context, state: State, change: AccessChange): void {
  const known = state.known.get(change.id);
  if (known === undefined || isGone(state, known, ctx.clock.now()))
    refuse(change.sender, notFound(change.id));
  else if (known.busy || known.holder?.connected === false) wait(state, change);
  else if (known.holder !== null) askHolder(ctx, change, known.holder.attempt);
  else saveStored(ctx, state, change);
}

/** Something has happened to the client: changes that waited for it go on, or wait for the next thing. */
export function resumeAccess(ctx: Context, state: State, id: ClientId): void {
  const changes = state.waitingAccess.get(id);
  if (changes === undefined) return;
  state.waitingAccess.delete(id);
  for (const change of changes) setAccess(ctx, state, change);
}

/** The client's actor has answered, or is gone. */
export function accessAsked(
  ctx: Context,
  state: State,
  { change, attempt, error }: { change: AccessChange; attempt: string; error: Error | null },
): void {
  if (error === null) {
    change.sender.reply(null);
  } else if (!(error instanceof AppError) || error.code !== 'not_found') {
    refuse(change.sender, error);
  } else if (state.known.get(change.id)?.holder?.attempt === attempt) {
    // Its connection has ended, and the release is on its way.
    wait(state, change);
  } else {
    setAccess(ctx, state, change);
  }
}

/** The record of a client that is not connected is written, or could not be. */
export function accessSaved(
  ctx: Context,
  state: State,
  { change, error }: { change: AccessChange; error: Error | null },
): void {
  if (error === null) {
    change.sender.reply(null);
  } else {
    state.deps.log.error(`failed to save client ${change.id}: ${error.message}`);
    refuse(change.sender, error);
  }
  proceed(ctx, state, change.id);
}

function wait(state: State, change: AccessChange): void {
  const changes = state.waitingAccess.get(change.id) ?? [];
  if (changes.length >= MOST_WAITING) {
    refuse(change.sender, new AppError('overloaded'));
    return;
  }
  changes.push(change);
  state.waitingAccess.set(change.id, changes);
}

function askHolder(ctx: Context, change: AccessChange, attempt: string): void {
  const { id, allowedUserGroups } = change;
  const message = { type: 'set-access', allowedUserGroups };
  const asked = askActor(ctx.system, clientRef(id), message, ACTOR_TIMEOUT, notFound(id).title);
  ctx.pipeToSelf(asked, (outcome) => ({
    type: 'access-asked',
    change,
    attempt,
    error: outcome.ok ? null : outcome.error,
  }));
}

function saveStored(ctx: Context, state: State, change: AccessChange): void {
  const known = state.known.get(change.id);
  if (known !== undefined) known.busy = true;
  ctx.pipeToSelf(writing(state, save(ctx, state, change)), (outcome) => ({
    type: 'access-saved',
    change,
    error: outcome.ok ? null : outcome.error,
  }));
}

/** Resolves when it is on disk, and all threads go by it. */
async function save(ctx: Context, { deps }: State, { id, allowedUserGroups }: AccessChange): Promise<void> {
  const record = deps.store.clients.get(id);
  if (record === undefined) throw notFound(id);
  await deps.records.save({ ...record, allowedUserGroups });
  await Promise.all([deps.store.flushed(), ctx.system.published()]);
}

const notFound = (id: ClientId): AppError =>
  new AppError('not_found', { title: `Client with id=${goQuote(id)} not found.` });
