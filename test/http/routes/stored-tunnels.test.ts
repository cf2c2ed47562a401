/** What the routes of stored tunnels tell the audit log. Spec 03 §9 (`defect:` not audited). */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditDraft } from '../../../src/audit/audit-log.js';
import { createClientIndex } from '../../../src/clients/client-index.js';
import { createApi } from '../../../src/http/api.js';
import { storedTunnelRoutes } from '../../../src/http/routes/stored-tunnels.js';
import { openStore } from '../../../src/store/open.js';
import { LocalPorts } from '../../../src/tunnels/ports/local-ports.js';
import { Reservations } from '../../../src/tunnels/stored/reservations.js';
import { createStoredTunnels } from '../../../src/tunnels/stored/stored-tunnels.js';
import { apiContext } from '../../support/api-context.js';
import { clientRecord } from '../../support/client-record.js';
import { inject } from '../../support/inject.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

test('changes are audited with the client, successes only, secrets masked', async (t) => {
  const clock = new ManualClock();
  const store = openStore(tempFolder(t), { log: new MemoryLogger(), clock });
  t.after(() => store.close());
  const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
  const clients = createClientIndex({ server, clock, clientGroups: store.clientGroups });
  const record = clientRecord('c', { hostname: 'web1' });
  await store.clients.put(record);
  clients.apply({ type: 'saved', record });
  const entries: AuditDraft[] = [];
  const storedTunnels = createStoredTunnels({
    store,
    reservations: new Reservations(store),
    ports: new LocalPorts([], clock),
    clock,
    newId: () => 'the-id',
    publish: () => undefined,
    published: () => Promise.resolve(),
    sync: () => Promise.resolve(),
  });
  const audit = { record: async (drafts: readonly AuditDraft[]) => void entries.push(...drafts) };
  const handler = createApi({
    context: apiContext({ clients, store, storedTunnels, audit }),
    routes: storedTunnelRoutes,
  });
  const call = (method: string, path: string, body?: object) => {
    const url = `/api/v1/clients/c/stored-tunnels${path}`;
    return inject(handler, body === undefined ? { method, url } : { method, url, body });
  };
  const options = {
    auth_password: 'hunter2',
    nested: [{ apiToken: 'abc', Secrets: ['x'], width: 1600 }],
    http_proxy: true,
    use_auth: true,
    token: '',
  };
  const shown = {
    name: 'web',
    scheme: null,
    remote_ip: null,
    remote_port: 80,
    public_port: null,
    acl: null,
    further_options: {
      auth_password: '***',
      nested: [{ apiToken: '***', Secrets: '***', width: 1600 }],
      http_proxy: true,
      use_auth: true,
      token: '',
    },
    auto_open: false,
  };
  const body = { name: 'web', remote_port: 80, further_options: options };
  const created = await call('POST', '', body);
  assert.equal(created.status, 200);
  // The caller gets back what he gave.
  assert.deepEqual((created.json() as { data: Record<string, unknown> }).data.further_options, options);
  assert.equal((await call('PUT', '/the-id', body)).status, 200);
  assert.equal((await call('PUT', '/another', body)).status, 404);
  assert.equal((await call('POST', '', { auto_open: true })).status, 400);
  assert.equal((await call('DELETE', '/another')).status, 204);
  assert.equal((await call('DELETE', '/the-id')).status, 204);

  const of = (action: string) => ({
    username: 'admin',
    remoteIp: entries[0]?.remoteIp,
    application: 'client.stored_tunnel',
    action,
    affectedId: 'the-id',
    clientId: 'c',
    clientHostname: 'web1',
  });
  const response = { id: 'the-id', created_at: '2026-01-01T00:00:00Z', ...shown };
  const documents = { request: shown, response };
  assert.deepEqual(entries, [
    { ...of('create'), ...documents },
    { ...of('update'), ...documents },
    of('delete'),
  ]);
});

test('texts too long to keep are refused', async () => {
  const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
  const clients = createClientIndex({ server, clock: new ManualClock() });
  clients.apply({ type: 'saved', record: clientRecord('c') });
  const refuse = (): never => assert.fail('nothing may be stored');
  const storedTunnels = { add: refuse, replace: refuse, remove: refuse };
  const context = apiContext({ api: { maxRequestBytes: 100_000 }, clients, storedTunnels });
  const handler = createApi({ context, routes: storedTunnelRoutes });
  const url = '/api/v1/clients/c/stored-tunnels';
  for (const [name, value] of [
    ['name', 'x'.repeat(16_385)],
    ['acl', 'x'.repeat(16_385)],
    ['further_options', [['x'.repeat(16_384)]]],
  ] as const) {
    const { status, text } = await inject(handler, { method: 'POST', url, body: { [name]: value } });
    assert.equal(status, 400);
    assert(text.includes(`"title":"${name} is longer than 16384 characters"`), text);
  }
});
