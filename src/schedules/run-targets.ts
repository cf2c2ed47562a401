/** The clients of a run, as they are when it begins. Spec 04 §15.5. */

import type { Principal } from '../auth/principal.js';
import type { ClientIndex } from '../clients/read-model.js';
import type { Targeting } from '../clients/targeting.js';
import { AppError } from '../errors.js';
import { type ClientId, clientId } from '../ids.js';
import { type Target, targetsOf } from '../jobs/targets.js';

export interface RunTargets {
  readonly targets: readonly Target[];
  /** Clients and client groups that are named and do not exist any more. */
  readonly unknown: readonly string[];
  /** Clients that one of the users may not access. */
  readonly denied: readonly ClientId[];
}

type Clients = Pick<ClientIndex, 'get' | 'members' | 'all' | 'canAccess'>;

/**
 * Who is not there is left out, unlike in a request: a client that was removed must not keep the others from being
 * served. `users`: each of them has to have access.
 */
export function runTargets(clients: Clients, targeting: Targeting, users: readonly Principal[]): RunTargets {
  const { clientIds, groupIds, tags } = targeting;
  const knownClients = clientIds?.filter((id) => clients.get(clientId(id)) !== undefined) ?? null;
  const knownGroups = groupIds?.filter((id) => clients.members(id) !== undefined) ?? null;
  const unknown = [
    ...(clientIds ?? []).filter((id) => !knownClients?.includes(id)),
    ...(groupIds ?? []).filter((id) => !knownGroups?.includes(id)),
  ];
  const targets: Target[] = [];
  const denied: ClientId[] = [];
  for (const target of present(clients, { clientIds: knownClients, groupIds: knownGroups, tags })) {
    if (users.every((user) => clients.canAccess(target.id, user))) targets.push(target);
    else denied.push(target.id);
  }
  return { targets, unknown, denied };
}

/** Nobody where a request would be refused for that: the choice itself made sense when it was stored. */
function present(clients: Clients, targeting: Targeting): readonly Target[] {
  try {
    return targetsOf(clients, targeting);
  } catch (error) {
    if (error instanceof AppError) return [];
    throw error;
  }
}
