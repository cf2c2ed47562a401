/** The clients a job runs on. Which ones a request means: `clients/targeting.ts`. */

import type { Principal } from '../auth/principal.js';
import type { ClientIndex } from '../clients/read-model.js';
import type { ClientRecord } from '../clients/record.js';
import { deniedTargets, deniedText, resolveTargets, type Targeting } from '../clients/targeting.js';
import { AppError } from '../errors.js';

/** One client, named as often as it is to run the job. */
export type Target = Pick<ClientRecord, 'id' | 'name' | 'hostname'>;

/** Throws `AppError` 400, or 404 for an unknown client. */
export function targetsOf(
  clients: Pick<ClientIndex, 'get' | 'members' | 'all'>,
  targeting: Targeting,
): readonly Target[] {
  return resolveTargets(targeting, clients).flatMap((id) => clients.get(id) ?? []);
}

/** Throws `AppError` 403 that names every client the caller may not access. */
export function checkTargetAccess(
  clients: Pick<ClientIndex, 'canAccess'>,
  targets: readonly Target[],
  caller: Principal,
): void {
  const denied = deniedTargets(
    targets.map(({ id }) => id),
    caller,
    clients,
  );
  if (denied.length > 0) throw new AppError('forbidden', { title: deniedText(denied) });
}
