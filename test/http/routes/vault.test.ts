/** What the audit log gets of changes of the vault. Spec 03 §12.4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnVault } from '../../../src/actors/vault/behavior.js';
import { remoteVault } from '../../../src/actors/vault/remote-vault.js';
import type { AuditDraft } from '../../../src/audit/audit-log.js';
import type { ClientIndex } from '../../../src/clients/read-model.js';
import { createApi } from '../../../src/http/api.js';
import { vaultRoutes } from '../../../src/http/routes/vault.js';
import { vaultAdminRoutes } from '../../../src/http/routes/vault-admin.js';
import { openStore } from '../../../src/store/open.js';
import { createVaultList } from '../../../src/vault/list.js';
import { loneSystem } from '../../support/actor-system.js';
import { apiContext } from '../../support/api-context.js';
import { clientRecord } from '../../support/client-record.js';
import { type Injected, inject } from '../../support/inject.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';

test('every change is in the audit log once, without its value; what is refused is not', async (t) => {
  const log = new MemoryLogger();
  const { system, clock } = loneSystem();
  const store = openStore(tempFolder(t), { log });
  t.after(async () => {
    await system.shutdown();
    await store.close();
  });
  spawnVault(system, { store, clock, log });
  const entries: AuditDraft[] = [];
  const known = clientRecord('web-7', { hostname: 'web-7.example.com' });
  const context = apiContext({
    vault: remoteVault(system),
    vaultList: createVaultList(store.vault),
    clients: { get: (id: string) => (id === 'web-7' ? known : undefined) } as unknown as ClientIndex,
    audit: {
      async record(drafts) {
        entries.push(...drafts);
      },
    },
  });
  const handler = createApi({ context, routes: [...vaultAdminRoutes, ...vaultRoutes] });
  const call = (method: string, path: string, body?: object): Promise<Injected> =>
    inject(handler, { method, url: `/api/v1${path}`, ...(body === undefined ? {} : { body }) });
  const password = { password: 'pass1' };
  const value = { client_id: 'web-7', required_group: '', key: 'k', value: 'secret', type: 'text' };

  const statuses: number[] = [];
  for (const [method, path, body] of [
    ['POST', '/vault-admin/init', { password: 'abc' }],
    ['POST', '/vault-admin/init', password],
    ['DELETE', '/vault-admin/sesame', undefined],
    ['POST', '/vault-admin/sesame', { password: 'wrong' }],
    ['POST', '/vault-admin/sesame', password],
    ['POST', '/vault', value],
    ['POST', '/vault', value],
    ['GET', '/vault/1', undefined],
    ['GET', '/vault', undefined],
    ['PUT', '/vault/1', { ...value, client_id: 'unknown', value: 'other secret' }],
    ['PUT', '/vault/9', value],
    ['DELETE', '/vault/1', undefined],
    ['DELETE', '/vault/1', undefined],
  ] as const) {
    statuses.push((await call(method, path, body)).status);
  }
  assert.deepEqual(statuses, [400, 201, 204, 401, 201, 201, 409, 200, 200, 200, 404, 204, 404]);
  const by = { username: 'admin', remoteIp: '127.0.0.1', application: 'vault' };
  const request = { ...value, value: '' };
  assert.deepEqual(entries, [
    { ...by, action: 'init' },
    { ...by, action: 'lock' },
    { ...by, action: 'unlock' },
    {
      ...by,
      action: 'create',
      affectedId: '1',
      clientId: 'web-7',
      clientHostname: 'web-7.example.com',
      request,
    },
    {
      ...by,
      action: 'update',
      affectedId: '1',
      clientId: 'unknown',
      clientHostname: '',
      request: { ...request, client_id: 'unknown' },
    },
    { ...by, action: 'delete', affectedId: '1', clientId: 'unknown', clientHostname: '' },
  ]);
});
