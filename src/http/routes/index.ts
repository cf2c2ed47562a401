/** The whole route table of the API. */

import { API_PREFIX } from '../prefix.js';
import type { Route } from '../route.js';
import type { WebSocketRoute } from '../ws/websocket-route.js';
import { auditLogRoutes } from './audit-log.js';
import { authProviderRoutes } from './auth-provider.js';
import { clientAclRoutes } from './client-acl.js';
import { clientAttributesRoutes } from './client-attributes.js';
import { clientCommandRoutes } from './client-commands.js';
import { clientDeletionRoutes } from './client-deletion.js';
import { clientGroupRoutes } from './client-groups.js';
import { clientTagRoutes } from './client-tags.js';
import { clientRoutes } from './clients.js';
import { clientsAuthRoutes } from './clients-auth.js';
import { commandRoutes } from './commands.js';
import { docsRoutes } from './docs.js';
import { fileRoutes } from './files.js';
import { graphMetricsRoutes } from './graph-metrics.js';
import { libraryRoutes } from './library.js';
import { loginRoutes } from './login.js';
import { meRoutes } from './me.js';
import { myTokenRoutes } from './me-tokens.js';
import { measurementListRoutes } from './measurement-lists.js';
import { oauthRoutes } from './oauth.js';
import { plusRoutes } from './plus.js';
import { scheduleRoutes } from './schedules.js';
import { statusRoutes } from './status.js';
import { storedTunnelRoutes } from './stored-tunnels.js';
import { testPageRoutes } from './test-pages.js';
import { totpRoutes } from './totp.js';
import { tunnelRoutes } from './tunnels.js';
import { updatesStatusRoutes } from './updates-status.js';
import { userGroupRoutes } from './user-groups.js';
import { userSessionRoutes } from './user-sessions.js';
import { userRoutes } from './users.js';
import { vaultRoutes } from './vault.js';
import { vaultAdminRoutes } from './vault-admin.js';
import { verifySecondFactorRoutes } from './verify-2fa.js';
import { webhookRoutes } from './webhooks.js';
import { commandSocketRoutes } from './ws-commands.js';
import { eventStreamRoutes } from './ws-events.js';
import { uploadSocketRoutes } from './ws-uploads.js';

export const routes: readonly Route[] = [
  ...loginRoutes,
  ...verifySecondFactorRoutes,
  ...authProviderRoutes,
  ...oauthRoutes,
  ...plusRoutes,
  ...meRoutes,
  ...myTokenRoutes,
  ...totpRoutes,
  ...userRoutes,
  ...userSessionRoutes,
  ...userGroupRoutes,
  ...statusRoutes,
  ...clientRoutes,
  ...clientDeletionRoutes,
  ...clientAclRoutes,
  ...clientAttributesRoutes,
  ...clientTagRoutes,
  ...clientGroupRoutes,
  ...clientsAuthRoutes,
  ...tunnelRoutes,
  ...vaultAdminRoutes,
  ...vaultRoutes,
  ...libraryRoutes,
  ...measurementListRoutes,
  ...graphMetricsRoutes,
  ...updatesStatusRoutes,
  ...auditLogRoutes,
  ...storedTunnelRoutes,
  ...webhookRoutes,
  ...fileRoutes,
  ...clientCommandRoutes,
  ...commandRoutes,
  ...scheduleRoutes,
  ...docsRoutes(() => [...routes, ...webSocketRoutes], API_PREFIX),
  ...testPageRoutes,
];

/** Those that turn a connection into a WebSocket. */
export const webSocketRoutes: readonly WebSocketRoute[] = [
  ...eventStreamRoutes,
  ...commandSocketRoutes,
  ...uploadSocketRoutes,
];
