/** The whole route table of the API. */

import { API_PREFIX } from '../api.js';
import type { Route } from '../route.js';
import { docsRoutes } from './docs.js';
import { tunnelRoutes } from './tunnels.js';

export const routes: readonly Route[] = [...tunnelRoutes, ...docsRoutes(() => routes, API_PREFIX)];
