/** The whole route table of the API. */

import { API_PREFIX } from '../prefix.js';
import type { Route } from '../route.js';
import { clientDeletionRoutes } from './client-deletion.js';
import { clientTagRoutes } from './client-tags.js';
import { clientRoutes } from './clients.js';
import { docsRoutes } from './docs.js';
import { loginRoutes } from './login.js';
import { meRoutes } from './me.js';
import { myTokenRoutes } from './me-tokens.js';
import { statusRoutes } from './status.js';
import { tunnelRoutes } from './tunnels.js';
import { userSessionRoutes } from './user-sessions.js';

export const routes: readonly Route[] = [
  ...loginRoutes,
  ...meRoutes,
  ...myTokenRoutes,
  ...userSessionRoutes,
  ...statusRoutes,
  ...clientRoutes,
  ...clientDeletionRoutes,
  ...clientTagRoutes,
  ...tunnelRoutes,
  ...docsRoutes(() => routes, API_PREFIX),
];
