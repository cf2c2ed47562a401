/** Deletion of clients that are not connected. Spec 01 §12.4. */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import type { ClientId } from '../../ids.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import type { Known } from './known.js';
import { removeClients } from './records.js';
import { type Context, isGone, type State, writing } from './state.js';

/** One client, for a user. */
export function remove(ctx: Context, state: State, id: ClientId, sender: Sender): void {
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

/** Up to `limit` obsolete ones; replies their number. */
export function purge(ctx: Context, state: State, limit: number, sender: Sender): void {
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

/** Gone from the store, and from what every thread answers. */
async function removedEverywhere(ctx: Context, state: State, ids: readonly ClientId[]): Promise<void> {
  await removeClients(state.deps, ids);
  await ctx.system.published();
}

/** None of them has a connection. `reply` is called when they are gone, or could not be removed. */
export function removeAll(
  ctx: Context,
  state: State,
  all: readonly Known[],
  reply: (error: Error | null) => void,
): void {
  for (const known of all) known.busy = true;
  const ids = all.map(({ id }) => id);
  ctx.pipeToSelf(writing(state, removedEverywhere(ctx, state, ids)), (outcome) => ({
    type: 'removed',
    ids,
    error: outcome.ok ? null : outcome.error,
    reply,
  }));
}
