/** Claims: which session becomes the client. Spec 01 §6.5. */

import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { refuse } from '../ask.js';
import type { Claim, Waiting } from './known.js';
import { type ClaimReply, connectionsRef, type Ending, TAKE_OVER_TIMEOUT } from './messages.js';
import { type Context, change, isGone, type State } from './state.js';

/** Connections of one agent waiting for one another; more are no honest agent. */
const MOST_WAITING = 8;

/** Decides at once, or when what goes on with the client has ended. */
export function claim(ctx: Context, state: State, waiting: Waiting): void {
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

/** Grants, refuses, or ends the older connection of the same agent process first. */
export function decide(ctx: Context, state: State, waiting: Waiting): void {
  const { claim, sender } = waiting;
  const known = state.known.get(claim.id);
  const holder = known?.holder ?? null;
  if (state.revocations.concern(claim.authId, claim.loggedInAt)) {
    refuse(sender, conflict(`client auth ID has been deleted: ${goQuote(claim.authId)}`));
  } else if (holder !== null && (claim.sessionId === '' || claim.sessionId !== holder.sessionId)) {
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
  const { type: _type, id, loggedInAt: _loggedInAt, ...holder } = claim;
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
