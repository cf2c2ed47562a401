/** Routes that need the agent of a client. */

import type { AuditDetails } from '../audit/audit-log.js';
import type { ClientRecord } from '../clients/record.js';
import { AppError } from '../errors.js';
import { type ClientId, clientId } from '../ids.js';
import type { ApiContext } from './context.js';
import type { ApiRequest } from './route.js';

/**
 * The client of the path. The caller's access was checked by the route table, which lets known but disconnected
 * clients pass; for those it throws `AppError` 404.
 */
export function connectedClient(
  request: ApiRequest,
  context: Pick<ApiContext, 'clients'>,
  missingTitle: (id: ClientId) => string = (id) => `client with id ${id} not found`,
): ClientRecord {
  const id = clientId(request.params.client_id ?? '');
  const client = context.clients.get(id);
  if (!client || client.disconnectedAt !== null) {
    throw new AppError('not_found', { title: missingTitle(id) });
  }
  return client;
}

/** What the audit log keeps of a client. */
export const auditedClient = ({
  id,
  hostname,
}: ClientRecord): Pick<AuditDetails, 'clientId' | 'clientHostname'> => ({
  clientId: id,
  clientHostname: hostname,
});
