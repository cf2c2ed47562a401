/** Channels that agents open on their own account. Spec 01 §10.4 to §10.6. */

import type { IncomingChannel } from '../../protocol/session.js';
import { outputOpened } from '../job/output.js';
import { heartbeat } from './agent-requests.js';
import { refuseChannel } from './connection.js';
import type { ClientContext, ClientState } from './state.js';

/** Requests for a file come by the thousand; one heartbeat a second tells as much. */
const HEARTBEAT_STEP = 1_000;

/** Called by the session, outside of the actor's turns: data of the channel may be right behind. */
export function agentChannel(ctx: ClientContext, state: ClientState, incoming: IncomingChannel): void {
  switch (incoming.type) {
    case 'session':
      state.transfers.channels.offer(incoming, () => {
        // While an agent fetches a file it answers nothing else (spec 04 §16.8).
        if (ctx.clock.now() - state.connection.lastHeartbeat >= HEARTBEAT_STEP) heartbeat(ctx, state);
      });
      return;
    case 'stdout':
    case 'stderr':
      outputOpened(ctx, state, incoming.type, incoming);
      return;
    default:
      refuseChannel(incoming);
  }
}
