/** Asking agents that have been silent whether they are still there. Spec 01 §11.2. */

import type { RequestReply } from '../../protocol/session.js';
import type { Milliseconds } from '../../time.js';
import type { Connection } from './connection.js';
import type { ClientDeps } from './dependencies.js';
import { clientRef, type ProbeMessage } from './messages.js';

/** Pings on the wire at the same time. */
const PARALLEL = 100;
/** A heartbeat that would be this much short of the interval at the next look counts as old now. */
const EARLY: Milliseconds = 10_000;
/** An ask waits longer than the ping it stands for, to see its outcome. */
const ASK_GRACE: Milliseconds = 5_000;

/** Probes every connected client whose last heartbeat is missing or older than `interval` − 10 s. Never rejects. */
export async function checkAll(
  deps: ClientDeps,
  connections: Iterable<Connection>,
  interval: Milliseconds,
): Promise<void> {
  const oldest = deps.system.clock.now() - (interval - EARLY);
  const due: Connection[] = [];
  for (const connection of connections) {
    if (connection.connected && connection.lastHeartbeat < oldest) due.push(connection);
  }
  let next = 0;
  const work = async (): Promise<void> => {
    for (let connection = due[next++]; connection !== undefined; connection = due[next++]) {
      // It may have pinged, or gone, while others were asked.
      if (!connection.connected || connection.lastHeartbeat >= oldest) continue;
      await probe(deps, connection);
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, due.length) }, work));
}

async function probe(deps: ClientDeps, connection: Connection): Promise<void> {
  if (connection.id === null) return;
  const message: ProbeMessage = { type: 'probe', attempt: connection.attempt };
  const timeoutMs = deps.server.checkClientsConnectionTimeout + ASK_GRACE;
  try {
    await deps.system.ask(clientRef(connection.id), message, { timeoutMs });
  } catch {
    // Stopped meanwhile, or too busy to be dead.
  }
}

/** More bytes than any reply below has. */
const LONGEST_REPLY = 32;

/** Whether the reply to `ping` shows a living agent, old ones with their odd replies included. */
export function isAlive(reply: RequestReply): boolean {
  const text = reply.payload.toString('utf8', 0, LONGEST_REPLY);
  return reply.ok ? text === '' || text === 'null' : text === 'unknown request';
}
