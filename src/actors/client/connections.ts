/**
 * The connections of one shard and the actor that looks after all of them: take-overs asked for by the registrar,
 * and the status check of spec 01 §11.2. One timer here instead of one per client.
 */

import type { Milliseconds } from '../../time.js';
import { connectionsRef, type Ending, type TakeOverMessage } from '../registrar/messages.js';
import type { ActorRef, Behavior } from '../runtime/types.js';
import type { Connection } from './connection.js';
import type { ClientDeps } from './dependencies.js';
import { checkAll } from './status-check.js';

/** Claimed connections by attempt. Bounded by the number of open sessions. */
export type Connections = Map<string, Connection>;

/** Shorter intervals are raised to this. Spec 01 §11.2. */
const SHORTEST_INTERVAL: Milliseconds = 120_000;
const NEVER_CONNECTED: Ending = { kind: 'never-connected' };

type ConnectionsMessage = TakeOverMessage | { readonly type: 'check' } | { readonly type: 'checked' };

interface Args {
  readonly deps: ClientDeps;
  readonly connections: Connections;
}

interface State extends Args {
  checking: boolean;
}

/** Starts the actor of this thread; before any session is accepted. */
export function spawnConnections(deps: ClientDeps, connections: Connections): ActorRef {
  const { id } = connectionsRef(deps.system.thread);
  return deps.system.spawn(connectionsBehavior, id, { deps, connections }, { epoch: 1 });
}

const connectionsBehavior: Behavior<ConnectionsMessage, State, Args> = {
  kind: connectionsRef(0).kind,
  // Asked once per take-over; a whole fleet may take over at once.
  mailboxLimit: 100_000,

  preStart(ctx, { deps, connections }) {
    ctx.schedule(checkInterval(deps), { type: 'check' });
    return { deps, connections, checking: false };
  },

  receive(ctx, state, message, sender) {
    switch (message.type) {
      case 'take-over': {
        const connection = state.connections.get(message.attempt);
        if (connection === undefined) sender.reply(NEVER_CONNECTED);
        else void connection.takeOver().then((ending) => sender.reply(ending));
        return;
      }
      case 'check': {
        const interval = checkInterval(state.deps);
        ctx.schedule(interval, { type: 'check' });
        if (state.checking) return;
        state.checking = true;
        ctx.pipeToSelf(checkAll(state.deps, state.connections.values(), interval), () => ({
          type: 'checked',
        }));
        return;
      }
      case 'checked':
        state.checking = false;
        return;
    }
  },
};

const checkInterval = ({ server }: ClientDeps): Milliseconds =>
  Math.max(server.checkClientsConnectionInterval, SHORTEST_INTERVAL);
