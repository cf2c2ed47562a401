/** State and settings of the server. Spec 03 §13, 07 §10. */

import Type from 'typebox';
import type { Route } from '../route.js';

const source = Type.Union([Type.Literal('Static Credentials'), Type.Literal('File'), Type.Literal('DB')]);

const statusSchema = Type.Object({
  auditlog: Type.Object({ enabled: Type.Boolean(), rotation: Type.String() }),
  auth_header: Type.Boolean({ description: 'A proxy may name the user at login' }),
  caddy_integration_enabled: Type.Boolean(),
  clients_auth_mode: Type.Union([Type.Literal('Read Only'), Type.Literal('Read Write')]),
  clients_auth_source: source,
  clients_connected: Type.Integer({ description: 'All clients, not only those the caller may see' }),
  clients_disconnected: Type.Integer(),
  connect_url: Type.Array(Type.String(), { description: 'Addresses for agents' }),
  excluded_ports: Type.Array(Type.String()),
  fingerprint: Type.String({ description: 'Of the host key, for agents to pin' }),
  group_permissions_enabled: Type.Boolean(),
  monitoring_enabled: Type.Boolean(),
  pairing_url: Type.String(),
  password_min_length: Type.Integer({ description: 'Bytes' }),
  tunnel_host: Type.String(),
  tunnel_proxy_enabled: Type.Boolean(),
  two_fa_delivery_method: Type.String({
    description: '`pushover`, `email`, `script`, `url`, `totp_authenticator_app` or empty',
  }),
  two_fa_enabled: Type.Boolean(),
  used_ports: Type.Array(Type.String()),
  users_auth_source: source,
  version: Type.String(),
});

const getStatus: Route = {
  method: 'GET',
  path: '/status',
  access: { kind: 'user' },
  docs: { tag: 'Profile & Info', summary: 'Show state and settings of the server' },
  responses: { 200: statusSchema },
  handler(_request, { config, auth, users, agentCredentials, clients, fingerprint, version }) {
    const { server, api, monitoring } = config;
    const { connected, disconnected } = clients.counts();
    const secondFactor = auth.secondFactor ?? '';
    return {
      status: 200,
      // Keys in the order of the alphabet, as they are in the reference.
      data: {
        // The two features that follow later are not on, whatever the configuration asks for.
        auditlog: { enabled: api.enableAuditLog, rotation: api.auditLogRotation },
        auth_header: api.authHeader !== '',
        caddy_integration_enabled: false,
        clients_auth_mode: agentCredentials.writable ? 'Read Write' : 'Read Only',
        clients_auth_source: agentCredentials.source,
        clients_connected: connected,
        clients_disconnected: disconnected,
        connect_url: server.url,
        excluded_ports: server.excludedPorts,
        fingerprint,
        group_permissions_enabled: users.groupSupport === 'details',
        monitoring_enabled: monitoring.enabled,
        pairing_url: server.pairingUrl,
        password_min_length: api.passwordMinLength,
        tunnel_host: server.tunnelHost,
        tunnel_proxy_enabled: false,
        two_fa_delivery_method: secondFactor,
        two_fa_enabled: secondFactor !== '',
        used_ports: server.usedPorts,
        users_auth_source: users.source,
        version,
      },
    };
  },
};

export const statusRoutes: readonly Route[] = [getStatus];
