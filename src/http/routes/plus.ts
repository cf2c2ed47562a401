/** State of the closed add-on that this server does without. Spec 02 §20.9. */

import Type from 'typebox';
import type { Route } from '../route.js';

/**
 * There is no add-on and no licence here: its features are part of the server. Clients take `is_enabled` for a loaded
 * plugin, and go on to show its version, its licence and a limit of clients and users, all of which would be made up.
 * Which features there are they learn from the features themselves (`/auth/provider`, `/me`).
 */
const status = {
  is_enabled: false,
  is_trial: true,
  valid_license: false,
  lic_info: { max_clients: 0, max_users: 0 },
  plus_version: '',
  build_time: '',
  local_build: '',
  rport_git_ref: '',
  rport_commit_id: '',
};

const getStatus: Route = {
  method: 'GET',
  path: '/plus/status',
  access: { kind: 'open' },
  limits: false,
  docs: {
    tag: 'Plus',
    summary: 'Show that no add-on is loaded',
    description:
      'Always the same: what the add-on of rportd offers is part of this server, without a licence.',
    errors: { 423: 'The address is banned after too many failed logins' },
  },
  responses: {
    200: Type.Object(
      {
        is_enabled: Type.Boolean(),
        is_trial: Type.Boolean(),
        valid_license: Type.Boolean(),
        lic_info: Type.Object({ max_clients: Type.Integer(), max_users: Type.Integer() }),
        plus_version: Type.String(),
        build_time: Type.String(),
        local_build: Type.String(),
        rport_git_ref: Type.String(),
        rport_commit_id: Type.String(),
      },
      { title: 'PlusStatusResponse' },
    ),
  },
  handler: () => ({ status: 200, data: status }),
};

export const plusRoutes: readonly Route[] = [getStatus];
