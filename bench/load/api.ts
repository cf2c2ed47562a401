/** The few API calls scenarios make outside their measured part. */

import type { ServerUnderTest } from '../servers/server-under-test.js';

/** Measurements of a client the server has stored. */
export async function storedMeasurements(
  server: ServerUnderTest,
  authorization: string,
  clientId: string,
): Promise<number> {
  const response = await fetch(
    `http://127.0.0.1:${server.apiPort}/api/v1/clients/${encodeURIComponent(clientId)}/metrics`,
    { headers: { authorization } },
  );
  const body = (await response.json()) as { readonly meta?: { readonly count: number } };
  if (body.meta === undefined) throw new Error(`metrics of ${clientId}: ${response.status}`);
  return body.meta.count;
}

async function call(server: ServerUnderTest, method: string, path: string): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${server.apiPort}/api/v1${path}`, {
    method,
    headers: { authorization: server.authorization },
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text === '' ? null : (JSON.parse(text) as { data: unknown }).data;
}

/** Number of clients the server shows as connected. */
export async function connectedClients(server: ServerUnderTest): Promise<number> {
  const status = (await call(server, 'GET', '/status')) as { clients_connected: number };
  return status.clients_connected;
}

/** Resolves when `count` clients are shown as connected. */
export async function untilConnected(
  server: ServerUnderTest,
  count: number,
  deadlineMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + deadlineMs;
  while ((await connectedClients(server)) < count) {
    if (Date.now() > deadline) throw new Error(`fewer than ${count} clients connected in time`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Opens a tunnel to `port` behind the client; returns the public port. */
export async function openTunnel(server: ServerUnderTest, clientId: string, port: number): Promise<number> {
  const tunnel = (await call(
    server,
    'PUT',
    `/clients/${encodeURIComponent(clientId)}/tunnels?remote=127.0.0.1:${port}&check_port=0`,
  )) as { lport: string };
  return Number(tunnel.lport);
}

/** Authorization header of a login session; spares the server a password check per request. */
export async function bearer(server: ServerUnderTest): Promise<string> {
  const data = (await call(server, 'GET', '/login?token-lifetime=3600')) as { token: string };
  return `Bearer ${data.token}`;
}

/** Deliveries that wait for the receiver of the first webhook. */
export async function waitingDeliveries(server: ServerUnderTest, authorization: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${server.apiPort}/api/v1/webhooks`, {
    headers: { authorization },
  });
  const { data } = (await response.json()) as { readonly data?: readonly { readonly pending: number }[] };
  if (data?.[0] === undefined) throw new Error(`webhooks: ${response.status}`);
  return data[0].pending;
}

/** A client group with these conditions. */
export async function putGroup(
  server: ServerUnderTest,
  authorization: string,
  id: string,
  params: object,
): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${server.apiPort}/api/v1/client-groups/${id}`, {
    method: 'PUT',
    headers: { authorization },
    body: JSON.stringify({ id, description: `bench ${id}`, params }),
  });
  if (!response.ok) throw new Error(`PUT ${id}: ${response.status} ${await response.text()}`);
}
