/** Deletion of a credential, as far as the clients are concerned that use it. Spec 03 §8.2. */

import { boundCredential } from '../../auth/agents/refusals.js';
import { AppError } from '../../errors.js';
import type { ClientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import type { Known } from './known.js';
import { connectionsRef, type Ending, type RegistrarMessage, TAKE_OVER_TIMEOUT } from './messages.js';
import { ended, proceed } from './release.js';
import { removeAll } from './remove.js';
import { type Context, isGone, type State } from './state.js';

/** For all clients of a credential to be disconnected and removed. */
const EXPULSION_TIMEOUT: Milliseconds = 30_000;
/** Clients disconnected and removed side by side. */
const BATCH = 500;
/** Until a client may be free that something else is going on with. */
const BUSY_DELAY: Milliseconds = 50;

export interface Expulsion {
  readonly authId: string;
  readonly sender: Sender;
  readonly until: Milliseconds;
  /** Clients removed so far. */
  removed: number;
}

/** One connection that was told to end; `ending` is `null` when its shard did not say so in time. */
export interface Expelled {
  readonly id: ClientId;
  readonly attempt: string;
  readonly ending: Ending | null;
}

type Revoke = Extract<RegistrarMessage, { type: 'revoke' }>;

/**
 * From now on the credential opens no client, until `revoked` tells how it ended. With clients bound to it: refused
 * with 409, or with `force` all of them are disconnected and removed first.
 */
export function revoke(ctx: Context, state: State, { authId, force }: Revoke, sender: Sender): void {
  const count = bound(ctx, state, authId).length;
  if (count > 0 && !force) {
    refuse(sender, boundCredential(count));
    return;
  }
  state.revocations.begin(authId);
  expel(ctx, state, { authId, sender, until: ctx.clock.now() + EXPULSION_TIMEOUT, removed: 0 });
}

/** The next clients of the credential, or the answer when there are none left. */
export function expel(ctx: Context, state: State, expulsion: Expulsion): void {
  const { authId, sender } = expulsion;
  const left = bound(ctx, state, authId);
  if (left.length === 0) {
    sender.reply(expulsion.removed);
    return;
  }
  if (ctx.clock.now() >= expulsion.until) {
    refuse(sender, new AppError('timeout'));
    return;
  }
  const batch = left.filter(({ busy }) => !busy).slice(0, BATCH);
  if (batch.length === 0) {
    ctx.schedule(BUSY_DELAY, { type: 'expel', expulsion });
    return;
  }
  for (const known of batch) known.busy = true;
  const ids = batch.map(({ id }) => id);
  const endings = batch.map((known) => ending(ctx, known));
  ctx.pipeToSelf(Promise.all(endings), (outcome) => ({
    type: 'expelled',
    expulsion,
    ids,
    endings: outcome.ok ? outcome.value : [],
  }));
}

async function ending(ctx: Context, { id, holder }: Known): Promise<Expelled | null> {
  if (holder === null) return null;
  const { thread, attempt } = holder;
  const asked = ctx.ask<Ending>(
    connectionsRef(thread),
    { type: 'take-over', attempt },
    { timeoutMs: TAKE_OVER_TIMEOUT },
  );
  return { id, attempt, ending: await asked.catch(() => null) };
}

/** The connections of the batch have ended: its records can go. */
export function expelled(
  ctx: Context,
  state: State,
  expulsion: Expulsion,
  ids: readonly ClientId[],
  endings: readonly (Expelled | null)[],
): void {
  for (const one of endings) {
    if (one?.ending) ended(state, one.id, one.attempt, one.ending);
  }
  const free: Known[] = [];
  for (const id of ids) {
    const known = state.known.get(id);
    if (known?.holder === null) free.push(known);
    // Its shard hangs: tried again, until the time is over.
    else proceed(ctx, state, id);
  }
  const next = { type: 'expel', expulsion } as const;
  if (free.length === 0) {
    ctx.schedule(BUSY_DELAY, next);
    return;
  }
  removeAll(ctx, state, free, (error) => {
    if (error !== null) {
      refuse(expulsion.sender, error);
      return;
    }
    expulsion.removed += free.length;
    ctx.tell(ctx.self, next);
  });
}

/** Who connected with the credential last, and may still be seen. */
function bound(ctx: Context, state: State, authId: string): Known[] {
  const now = ctx.clock.now();
  const found: Known[] = [];
  for (const id of state.authIds.using(authId)) {
    const known = state.known.get(id);
    if (known === undefined || isGone(state, known, now)) continue;
    if ((known.holder ?? known.stored)?.authId === authId) found.push(known);
  }
  return found;
}
