/** Who may call a route, once it is known who calls. Spec 03 §1.1 and §5.1. */

import { ADMINISTRATORS, type Principal } from '../auth/principal.js';
import { AppError } from '../errors.js';
import { goQuote } from '../go/quote.js';
import { clientId } from '../ids.js';
import type { ApiContext } from './context.js';
import type { Access } from './route.js';

/**
 * Checks client access, then the permission, then the administrator rule.
 * Throws `AppError` 404 (no such client) or 403.
 */
export function checkAccess(
  access: Access,
  params: Readonly<Record<string, string>>,
  principal: Principal,
  context: Pick<ApiContext, 'clients'>,
): void {
  if (access.kind !== 'user') return;
  if (access.client === true) checkClient(params.client_id ?? '', principal, context);
  if (access.permission !== undefined && !principal.permissions.has(access.permission)) {
    throw new AppError('forbidden', { title: `user does not have "${access.permission}" permission` });
  }
  if (access.admin === true && !principal.admin) {
    throw new AppError('forbidden', {
      title: `current user should belong to ${ADMINISTRATORS} group to access this resource`,
    });
  }
}

function checkClient(id: string, principal: Principal, context: Pick<ApiContext, 'clients'>): void {
  const known = clientId(id);
  if (context.clients.get(known) === undefined) {
    throw new AppError('not_found', { title: `Client with id=${goQuote(id)} not found.` });
  }
  if (!context.clients.canAccess(known, principal)) {
    throw new AppError('forbidden', { title: `Access denied to client(s) with ID(s): ${id}` });
  }
}
