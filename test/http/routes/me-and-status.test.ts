import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authWorld, titles } from '../../support/auth-world.js';

test('GET /me shows the user with the fields of spec 02 §11, in their order', async (t) => {
  const world = await authWorld(t);
  const answer = await world.get('/me', await world.token('bert'));
  assert.equal(answer.status, 200);
  const all = ['auditlog', 'commands', 'monitoring', 'scheduler', 'scripts', 'tunnels', 'uploads', 'vault'];
  assert.equal(
    answer.text,
    JSON.stringify({
      data: {
        username: 'bert',
        password_expired: false,
        groups: null,
        two_fa_send_to: '',
        effective_user_permissions: Object.fromEntries(all.map((name) => [name, true])),
        effective_extended_permissions: { tunnels_restricted: null, commands_restricted: null },
        group_permissions_enabled: false,
      },
    }),
  );
});

test('GET /status has its 21 keys in order (spec 03 §13)', async (t) => {
  const world = await authWorld(t, { server: { authWrite: false } });
  const answer = await world.get('/status', await world.token('anna'));
  const { data } = answer.json() as { data: Record<string, unknown> };
  assert.equal(Object.keys(data).length, 21);
  assert.deepEqual(Object.keys(data), Object.keys(data).toSorted());
  assert.deepEqual(
    [data.clients_connected, data.clients_disconnected, data.fingerprint, data.version],
    [2, 3, '00:11', '1.2.3'],
  );
  assert.deepEqual(
    [data.users_auth_source, data.clients_auth_source, data.clients_auth_mode],
    ['File', 'Static Credentials', 'Read Only'],
  );
  assert.deepEqual(data.connect_url, ['http://192.0.2.9:8080']);
  assert.deepEqual(data.auditlog, { enabled: true, rotation: 'monthly' });
});

test('sources and mode follow the configuration', async (t) => {
  const shown = async (server: object, staticUser?: string) => {
    const world = await authWorld(t, { server, ...(staticUser === undefined ? {} : { staticUser }) });
    const login = await world.login(staticUser === undefined ? 'anna' : 'admin');
    const { token } = (login.json() as { data: { token: string } }).data;
    const { data } = (await world.get('/status', token)).json() as { data: Record<string, unknown> };
    return [data.users_auth_source, data.clients_auth_source, data.clients_auth_mode];
  };
  assert.deepEqual(await shown({ authFile: '/x', clientAuth: null }), ['File', 'File', 'Read Write']);
  assert.deepEqual(await shown({ authFile: '/x', authWrite: false }), ['File', 'File', 'Read Only']);
  assert.deepEqual(await shown({ clientAuth: null }), ['File', 'DB', 'Read Write']);
  assert.deepEqual(await shown({}, 'admin:pwd'), ['Static Credentials', 'Static Credentials', 'Read Only']);
});

test('the old token interface is gone for whoever is logged in', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna');
  for (const [method, path] of [
    ['GET', '/me/token'],
    ['POST', '/me/token'],
    ['PUT', '/me/token/x'],
    ['DELETE', '/me/token/x'],
  ] as const) {
    const answer = await world.get(path, token, { method });
    assert.deepEqual([answer.status, ...titles(answer)], [410, 'use new token management on /me/tokens']);
    assert.equal((await world.call({ method, url: `/api/v1${path}` })).status, 401);
  }
});
