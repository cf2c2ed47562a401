/**
 * What the reference's description says of answers about groups, credentials, the library, the vault, the audit log and
 * the server. Spec 03 §2.2.
 */

import { after, before, test } from 'node:test';
import type { ApiClient } from '../support/api-client.js';
import { assertAllLookedAt, assertDescribed } from '../support/reference-answers.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
let api: ApiClient;

before(async () => {
  server = await TestServer.start({ server: { auth: null, client_login_wait: 0 } });
  api = server.api();
  await api.post('/clients-auth', { body: { id: 'of-c1', password: 'secret' } });
  await server.agent('c1', { Tags: ['x'] }, { auth: 'of-c1:secret' });
  await server.untilKnown('c1');
});
after(() => server?.remove());

/** All that a group can be made of, beside tags. */
const PARAMS = [
  ...['client_id', 'name', 'os', 'os_arch', 'os_family', 'os_kernel', 'hostname', 'ipv4', 'ipv6', 'version'],
  ...['address', 'client_auth_id', 'connection_state'],
];

test('client groups', async () => {
  const body = {
    id: 'g',
    description: 'd',
    params: { ...Object.fromEntries(PARAMS.map((name) => [name, ['*']])), tag: ['x'] },
    allowed_user_groups: ['ops'],
  };
  assertDescribed('POST /client-groups', await api.post('/client-groups', { body }));
  assertDescribed('PUT /client-groups/{group_id}', await api.put('/client-groups/g', { body }));
  const fields = 'fields[client_groups]=id,description,params,allowed_user_groups,client_ids';
  assertDescribed('GET /client-groups', await api.get(`/client-groups?${fields}`));
  const more = {
    'data.num_clients': 'integer',
    'data.num_clients_connected': 'integer',
    'data.params.connection_state': 'array',
  };
  assertDescribed('GET /client-groups/{group_id}', await api.get('/client-groups/g'), { types: more });
  assertDescribed('DELETE /client-groups/{group_id}', await api.delete('/client-groups/g'));
});

test('credentials of agents', async () => {
  const body = { id: 'one', password: 'secret' };
  assertDescribed('POST /clients-auth', await api.post('/clients-auth', { body }), { status: 201 });
  assertDescribed('GET /clients-auth', await api.get('/clients-auth'));
  assertDescribed('GET /clients-auth/{client_auth_id}', await api.get('/clients-auth/one'));
  assertDescribed('DELETE /clients-auth/{client_auth_id}', await api.delete('/clients-auth/one'));
});

for (const [kind, body] of [
  ['scripts', { name: 'n', script: 's', tags: ['t'] }],
  ['commands', { name: 'n', cmd: 'c', tags: ['t'] }],
] as const) {
  test(`the library of ${kind}`, async () => {
    const path = `/library/${kind}`;
    const made = await api.post(path, { body });
    assertDescribed(`POST ${path}`, made);
    const { id } = (made.json as { data: { id: string } }).data;
    assertDescribed(`GET ${path}`, await api.get(path));
    assertDescribed(`GET ${path}/{id}`, await api.get(`${path}/${id}`));
    assertDescribed(`PUT ${path}/{id}`, await api.put(`${path}/${id}`, { body }));
    assertDescribed(`DELETE ${path}/{id}`, await api.delete(`${path}/${id}`));
  });
}

test('the vault', async () => {
  const sesame = { body: { password: 'sesame' } };
  const body = { client_id: 'c1', required_group: '', key: 'k', value: 'v', type: 'text' };
  assertDescribed('POST /vault-admin/init', await api.post('/vault-admin/init', sesame));
  assertDescribed('GET /vault-admin', await api.get('/vault-admin'));
  assertDescribed('DELETE /vault-admin/sesame', await api.delete('/vault-admin/sesame'));
  assertDescribed('POST /vault-admin/sesame', await api.post('/vault-admin/sesame', sesame));
  const made = await api.post('/vault', { body });
  assertDescribed('POST /vault', made);
  const path = `/vault/${(made.json as { data: { id: number } }).data.id}`;
  assertDescribed('GET /vault', await api.get('/vault'));
  assertDescribed('PUT /vault/{id}', await api.put(path, { body }));
  assertDescribed('GET /vault/{id}', await api.get(path));
  assertDescribed('DELETE /vault/{id}', await api.delete(path));
});

test('the audit log', async () => {
  assertDescribed('GET /auditlog', await api.get('/auditlog'));
});

test('the server', async () => {
  assertDescribed('GET /status', await api.get('/status'), {
    // Empty while nobody has to prove anything else (spec 03 §13).
    types: { meta: 'absent', 'data.two_fa_delivery_method': "''" },
  });
});

test('every operation of the area was looked at', () => {
  assertAllLookedAt(/^\/(?:client-groups|clients-auth|library|vault|vault-admin|auditlog|status)(?:\/|$)/);
});
