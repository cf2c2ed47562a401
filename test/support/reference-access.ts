/**
 * Who may call what: the endpoint table of spec 02 §17, and below it what this server adds. Tests compare the route
 * declarations with it, and call every route in every role.
 */

import type { Permission } from '../../src/auth/principal.js';
import type { Method } from '../../src/http/route.js';

export interface AccessRule {
  readonly method: Method;
  /** Below `/api/v1`; names of path variables do not count. */
  readonly path: string;
  /** `own`: the handler looks at credentials itself. `ws`: a WebSocket upgrade. */
  readonly auth: 'open' | 'own' | 'user' | 'ws';
  readonly permission?: Permission;
  readonly admin?: true;
  readonly client?: true;
  /** Also with the token of a login that has no TOTP secret yet. */
  readonly pending?: true;
  /** API tokens of scope `read`, or `clients-auth`, suffice. `read+write` always does. */
  readonly read?: true;
  readonly clientsAuth?: true;
}

type Need = Omit<AccessRule, 'method' | 'path' | 'read'>;

const user: Need = { auth: 'user' };
const admin: Need = { auth: 'user', admin: true };
const client: Need = { auth: 'user', client: true };
const permitted = (permission: Permission): Need => ({ auth: 'user', permission });
const onClient = (permission: Permission): Need => ({ auth: 'user', client: true, permission });

/** `methods` and `paths` are separated by blanks; GET needs no more than the scope `read`. */
function rules(methods: string, paths: string, need: Need): AccessRule[] {
  return paths.split(' ').flatMap((path) =>
    methods.split(' ').map((method) => ({
      method: method as Method,
      path,
      ...need,
      ...(method === 'GET' && need.auth === 'user' ? { read: true as const } : {}),
    })),
  );
}

export const referenceAccess: readonly AccessRule[] = [
  ...rules('GET POST', '/login', { auth: 'own' }),
  ...rules('DELETE', '/logout', { auth: 'own' }),
  ...rules('POST', '/verify-2fa', { auth: 'own' }),
  ...rules('GET', '/auth/provider /auth/ext/settings /auth/ext/settings/device', { auth: 'open' }),
  ...rules('GET', '/oauth/login /oauth/login/device /plus/status', { auth: 'open' }),
  ...rules('GET', '/status /me /me/ip /me/tokens', user),
  // Other than there, no `read`: the secret is more than something to read.
  { method: 'GET', path: '/me/totp-secret', ...user },
  ...rules('PUT', '/me', user),
  ...rules('GET POST', '/me/token', user),
  ...rules('PUT DELETE', '/me/token/{x} /me/tokens/{prefix}', user),
  ...rules('POST', '/me/tokens', user),
  ...rules('POST', '/me/totp-secret', { auth: 'user', pending: true }),
  ...rules('DELETE', '/me/totp-secret', user),
  ...rules('GET', '/clients', user),
  ...rules('GET DELETE', '/clients/{client_id}', client),
  ...rules('POST', '/clients/{client_id}/acl', { auth: 'user', client: true, admin: true }),
  ...rules('GET PUT', '/clients/{client_id}/attributes', client),
  ...rules('POST', '/clients/{client_id}/scripts', onClient('scripts')),
  ...rules('GET POST', '/clients/{client_id}/commands', onClient('commands')),
  ...rules('GET', '/clients/{client_id}/commands/{job_id}', onClient('commands')),
  ...rules('PUT', '/clients/{client_id}/tunnels', onClient('tunnels')),
  ...rules('DELETE', '/clients/{client_id}/tunnels/{tunnel_id}', onClient('tunnels')),
  ...rules('PUT', '/clients/{client_id}/tunnels/{tunnel_id}/acl', onClient('tunnels')),
  ...rules('GET POST', '/clients/{client_id}/stored-tunnels', onClient('tunnels')),
  ...rules('PUT DELETE', '/clients/{client_id}/stored-tunnels/{tunnel_id}', onClient('tunnels')),
  ...rules('POST', '/clients/{client_id}/updates-status', onClient('monitoring')),
  ...rules(
    'GET',
    '/clients/{client_id}/graph-metrics /clients/{client_id}/graph-metrics/{graph_name} /clients/{client_id}/metrics /clients/{client_id}/processes /clients/{client_id}/mountpoints',
    onClient('monitoring'),
  ),
  ...rules('GET', '/client-tags', user),
  ...rules('GET', '/tunnels', permitted('tunnels')),
  ...rules('GET', '/auditlog', permitted('auditlog')),
  ...rules('POST', '/files', permitted('uploads')),
  ...rules('GET', '/client-groups /client-groups/{group_id}', user),
  ...rules('POST', '/client-groups', admin),
  ...rules('PUT DELETE', '/client-groups/{group_id}', admin),
  ...rules('GET POST', '/users', admin),
  ...rules('PUT DELETE', '/users/{user_id}', admin),
  ...rules('DELETE', '/users/{user_id}/totp-secret', admin),
  ...rules('GET DELETE', '/users/{user_id}/sessions', admin),
  ...rules('DELETE', '/users/{user_id}/sessions/{session_id}', admin),
  ...rules('GET', '/user-groups', admin),
  ...rules('GET PUT DELETE', '/user-groups/{group_name}', admin),
  ...rules('GET POST', '/clients-auth', { ...admin, clientsAuth: true }),
  ...rules('GET DELETE', '/clients-auth/{client_auth_id}', { ...admin, clientsAuth: true }),
  ...rules('GET', '/notification-logs /notification-logs/{notification_id}', admin),
  ...rules('GET POST', '/commands', permitted('commands')),
  ...rules('GET', '/commands/{job_id} /commands/{job_id}/jobs', permitted('commands')),
  ...rules('GET POST', '/library/commands', permitted('commands')),
  ...rules('GET PUT DELETE', '/library/commands/{command_value_id}', permitted('commands')),
  ...rules('GET POST', '/library/scripts', permitted('scripts')),
  ...rules('GET PUT DELETE', '/library/scripts/{script_value_id}', permitted('scripts')),
  ...rules('POST', '/scripts', permitted('scripts')),
  ...rules('GET', '/vault-admin', permitted('vault')),
  ...rules('POST DELETE', '/vault-admin/sesame', { ...permitted('vault'), admin: true }),
  ...rules('POST', '/vault-admin/init', { ...permitted('vault'), admin: true }),
  ...rules('GET POST', '/vault', permitted('vault')),
  ...rules('GET PUT DELETE', '/vault/{vault_value_id}', permitted('vault')),
  ...rules('GET POST', '/schedules', permitted('scheduler')),
  ...rules('GET PUT DELETE', '/schedules/{schedule_id}', permitted('scheduler')),
  ...rules('GET', '/ws/commands', { auth: 'ws', permission: 'commands' }),
  ...rules('GET', '/ws/scripts', { auth: 'ws', permission: 'scripts' }),
  ...rules('GET', '/ws/uploads', { auth: 'ws', permission: 'uploads' }),
  ...rules('GET', '/test/commands/ui /test/scripts/ui /test/uploads/ui', { auth: 'open' }),
  ...rules('GET PUT DELETE', '/monitoring/rules', admin),
  ...rules('PUT', '/monitoring/rules/test', admin),
  ...rules('GET', '/monitoring/rules/sample-data/{sample_data_choice} /monitoring/problems', admin),
  ...rules('GET PUT', '/monitoring/problems/{problem_id}', admin),
  ...rules('GET POST', '/monitoring/notification-templates', admin),
  ...rules('GET PUT DELETE', '/monitoring/notification-templates/{template_id}', admin),
];

/** Routes the reference does not have. */
export const addedAccess: readonly AccessRule[] = [
  ...rules('GET', '/openapi.json /docs /docs/{file}', { auth: 'open' }),
  ...rules('GET', '/ws/events', { auth: 'ws' }),
  ...rules('GET', '/webhooks /webhooks/dead-letters', admin),
  ...rules('POST', '/webhooks/{webhook_id}/redeliver', admin),
];

/** `{id}` and `{client_id}` are the same place. */
export const anonymousPath = (path: string): string => path.replace(/\{[^}]+\}/g, '{}');
