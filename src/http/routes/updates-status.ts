/** `POST /clients/{client_id}/updates-status`. Spec 06 §4.3. */

import { askClient } from '../../actors/client/messages.js';
import type { Milliseconds } from '../../time.js';
import { connectedClient } from '../connected-client.js';
import { MONITORING_TAG, ofMonitoredClient } from '../monitored-client.js';
import type { Route } from '../route.js';

/** The agent has 30 s, of which the actor tells; this is for an actor that does not answer at all. */
const TIMEOUT: Milliseconds = 35_000;

export const updatesStatusRoutes: readonly Route[] = [
  {
    method: 'POST',
    path: '/clients/{client_id}/updates-status',
    access: ofMonitoredClient,
    docs: {
      tag: MONITORING_TAG,
      summary: 'Have a client look for updates of its system again',
      description:
        'Answers when the client has begun; what it finds is shown as `updates_status` of the client some time later.',
      errors: {
        404: 'The client is unknown or not connected',
        500: 'The client failed, or could not be asked within 30 seconds',
      },
    },
    responses: { 204: null },
    async handler(request, context) {
      const { id } = connectedClient(request, context);
      await askClient(context.actors, id, { type: 'refresh-updates' }, TIMEOUT);
      return { status: 204, empty: true };
    },
  },
];
