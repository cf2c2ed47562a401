/** The agent is to look for updates of its system again. Spec 06 §4.3. */

import type { Milliseconds } from '../../time.js';
import { clientError, replyText, sendFailure } from '../agent-reply.js';
import { refuse } from '../ask.js';
import type { Sender } from '../runtime/types.js';
import type { AnyClientMessage, ClientContext, ClientState } from './state.js';

/** The agent answers at once, in order with other requests; what it finds comes later, as a request of its own. */
export const REFRESH_TIMEOUT: Milliseconds = 30_000;

export function refreshUpdates(ctx: ClientContext, state: ClientState, sender: Sender): void {
  const refresh = state.connection.session.request('refresh_updates_status', 'null', REFRESH_TIMEOUT);
  ctx.pipeToSelf(refresh, (outcome) => ({ type: 'refreshed', outcome, sender }));
}

export function refreshed({ outcome, sender }: Extract<AnyClientMessage, { type: 'refreshed' }>): void {
  if (!outcome.ok) refuse(sender, sendFailure(outcome.error));
  else if (!outcome.value.ok) refuse(sender, clientError(500, replyText(outcome.value)));
  else sender.reply(null);
}
