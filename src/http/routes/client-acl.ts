/** Which user groups may access a client. Spec 02 §16, 03 §4.5. */

import Type from 'typebox';
import { askActor } from '../../actors/ask.js';
import { REGISTRAR, type RegistrarMessage } from '../../actors/registrar/messages.js';
import { ADMINISTRATORS } from '../../auth/principal.js';
import type { UserProvider } from '../../auth/users/provider.js';
import { AppError } from '../../errors.js';
import { goQuote } from '../../go/quote.js';
import { clientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import type { Route } from '../route.js';

/** The registrar may have to wait until a connection of the client has begun or ended, then for the disk. */
const TIMEOUT: Milliseconds = 30_000;

const aclBody = Type.Object({
  allowed_user_groups: Type.Optional(
    Type.Union([Type.Array(Type.String()), Type.Null()], {
      description:
        'Replaces the list. Missing, null or empty: only administrators, and whom client groups let in',
    }),
  ),
});

const setAcl: Route = {
  method: 'POST',
  path: '/clients/{client_id}/acl',
  access: { kind: 'user', client: true, admin: true },
  docs: {
    tag: 'Clients and Tunnels',
    summary: 'Replace which user groups may access a client, connected or not',
    errors: { 400: 'Missing or invalid body', 404: 'There is no such client, or no such user group' },
  },
  audit: { application: 'client.acl', action: 'update' },
  body: aclBody,
  responses: { 204: null },
  async handler(request, { users, actors }) {
    const { allowed_user_groups: given } = request.body as { allowed_user_groups?: readonly string[] | null };
    const allowedUserGroups = given ?? [];
    await checkGroups(allowedUserGroups, users);
    const id = clientId(request.params.client_id ?? '');
    const message: RegistrarMessage = { type: 'set-access', id, allowedUserGroups };
    await askActor(actors, REGISTRAR, message, TIMEOUT, `Client with id=${goQuote(id)} not found.`);
    return {
      status: 204,
      empty: true,
      audit: { affectedId: id, request: { allowed_user_groups: allowedUserGroups } },
    };
  },
};

export const clientAclRoutes: readonly Route[] = [setAcl];

/** A name nobody has is most likely a typing error. Throws `AppError` 404. */
async function checkGroups(names: readonly string[], users: UserProvider): Promise<void> {
  if (names.length === 0) return;
  const known = new Set([ADMINISTRATORS, ...(await users.groupNames())]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length > 0) {
    throw new AppError('not_found', { title: `user groups not found: ${unknown.join(', ')}` });
  }
}
