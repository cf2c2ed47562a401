/** `DELETE /clients/{client_id}`. Spec 03 §4.4. */

import { askActor } from '../../actors/ask.js';
import { REGISTRAR, type RegistrarMessage } from '../../actors/registrar/messages.js';
import { clientId } from '../../ids.js';
import type { Milliseconds } from '../../time.js';
import type { Route } from '../route.js';

/** The registrar answers when the removal is on disk. */
const TIMEOUT: Milliseconds = 30_000;

export const clientDeletionRoutes: readonly Route[] = [
  {
    method: 'DELETE',
    path: '/clients/{client_id}',
    access: { kind: 'user', client: true },
    docs: {
      summary: 'Delete a disconnected client',
      description:
        'Removes the client, its jobs and its measurements. Its credentials stay valid: an agent that connects again is a new client.',
      tag: 'Clients and Tunnels',
      errors: {
        400: 'The client is connected.',
        403: 'The caller may not access the client.',
        404: 'There is no client of that id.',
      },
    },
    audit: { application: 'client', action: 'delete' },
    responses: { 204: null },
    async handler(request, context) {
      const id = clientId(request.params.client_id ?? '');
      const message: RegistrarMessage = { type: 'delete', id };
      // The registrar decides, so that an agent that connects at this moment either keeps its record or is new.
      await askActor(context.actors, REGISTRAR, message, TIMEOUT, `Client with id="${id}" not found.`);
      return { status: 204, empty: true, audit: { affectedId: id } };
    },
  },
];
