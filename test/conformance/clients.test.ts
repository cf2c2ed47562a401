/** Clients, tags, the list language and status. Spec 03 §15.2 to §15.4, §15.11. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import type { ApiClient } from '../support/api-client.js';
import { clientRecord } from '../support/client-record.js';
import { eventually } from '../support/eventually.js';
import { onEveryShard } from '../support/every-shard.js';
import { ownPorts, RANDOM_PORTS } from '../support/free-ports.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { FINGERPRINT, TestServer } from '../support/server.js';
import { apiOfUsersFile, PASSWORD, writeUsersFile } from '../support/users-file.js';

/** Spec 03 §4.1, in the order of the answer. */
const KEYS = `id name address hostname os os_full_name os_version os_arch os_family os_kernel
  os_virtualization_system os_virtualization_role num_cpus cpu_family cpu_model cpu_model_name cpu_vendor
  mem_total timezone client_auth_id version disconnected_at last_heartbeat_at connection_state ipv4 ipv6 tags
  allowed_user_groups tunnels updates_status ext_ip_addresses client_configuration groups labels`
  .trim()
  .split(/\s+/);

let server: TestServer;
let admin: ApiClient;
let ops: ApiClient;
let nobody: ApiClient;

before(async () => {
  server = await TestServer.start({
    api: apiOfUsersFile,
    async prepare(dataDir, folder) {
      await writeUsersFile(folder, { root: ['Administrators'], ops: ['ops'], nobody: [] });
      const store = openStore(dataDir, { log: new MemoryLogger() });
      await store.clients.put(clientRecord('c1', { allowedUserGroups: ['ops'], name: 'Before' }));
      await store.clients.put(clientRecord('gone', { allowedUserGroups: ['ops', 'dev'], tags: ['TAG1'] }));
      await store.clients.put(clientRecord('other', { allowedUserGroups: ['OPS'] }));
      await store.close();
    },
  });
  admin = server.api('root', PASSWORD);
  ops = server.api('ops', PASSWORD);
  nobody = server.api('nobody', PASSWORD);
  await server.agent('c1', {
    Name: 'Lab One',
    Hostname: 'lab-host',
    Tags: ['Linux', 'Datacenter 3', 'TAG1'],
    Labels: null,
    IPv6: null,
    NumCPUs: 2,
    Version: '0.9.12',
  });
  await server.agent('c2', { Name: 'beta', Tags: [], Labels: { country: 'France', a: 'b' }, Version: '' });
  for (const id of ['c1', 'c2']) await server.untilKnown(id, admin);
});
after(() => server.remove());

const ids = async (query: string, caller = admin): Promise<string[]> =>
  (await caller.get(`/clients?${query}`)).data<{ id: string }[]>().map(({ id }) => id);

test('a list shows id, name and hostname, and the count', async () => {
  const answer = await admin.get('/clients');
  assert.deepEqual(answer.json, {
    data: [
      { id: 'c1', name: 'Lab One', hostname: 'lab-host' },
      { id: 'c2', name: 'beta', hostname: 'c2.example.net' },
      { id: 'gone', name: 'Client gone', hostname: 'host-gone' },
      { id: 'other', name: 'Client other', hostname: 'host-other' },
    ],
    meta: { count: 4 },
  });
});

test('one client shows all its 34 keys', async () => {
  const client = (await admin.get('/clients/c1')).data<Record<string, unknown>>();
  assert.deepEqual(Object.keys(client), KEYS);
  assert.equal(client.address, '127.0.0.1');
  assert.equal(client.client_auth_id, 'agents');
  assert.equal(client.connection_state, 'connected');
  for (const key of ['disconnected_at', 'last_heartbeat_at', 'ipv6', 'labels', 'updates_status']) {
    assert.equal(client[key], null, key);
  }
  assert.equal(client.ext_ip_addresses, null);
  assert.deepEqual(client.tunnels, []);
  assert.deepEqual(client.groups, []);
  assert.deepEqual(client.tags, ['Linux', 'Datacenter 3', 'TAG1']);
  assert.deepEqual(client.allowed_user_groups, ['ops'], 'kept over a reconnect');
  assert.equal(client.name, 'Lab One', 'told anew at a reconnect');
  assert.equal(client.num_cpus, 2);
});

test('agent credentials are not shown', async () => {
  const answer = await admin.get('/clients/c1');
  assert.ok(!answer.text.includes('fleet-secret'));
  const { client_configuration: configuration } = answer.data<{
    client_configuration: { client: Record<string, unknown> };
  }>();
  assert.equal(configuration.client.auth, '');
  assert.equal(configuration.client.auth_pass, '');
});

test('a client that was connected when the server ended is disconnected since the start', async () => {
  const client = (await admin.get('/clients/gone')).data<Record<string, unknown>>();
  assert.equal(client.connection_state, 'disconnected');
  assert.match(String(client.disconnected_at), /^\d{4}-\d\d-\d\dT/);
  assert.equal(client.last_heartbeat_at, null);
});

test('fields are shown as asked for', async () => {
  const one = await admin.get('/clients/c1?fields[clients]=num_cpus,ip_addresses,id');
  assert.deepEqual(one.data(), { id: 'c1', num_cpus: 2, ext_ip_addresses: null });
  const many = await admin.get('/clients?fields[clients]=id,tags&filter[id]=c2');
  assert.deepEqual(many.json, { data: [{ id: 'c2', tags: [] }], meta: { count: 1 } });
});

test('all mistakes of a list request are named at once, in order', async () => {
  const answer = await admin.get(
    '/clients?sort=bad&filter[mem_total]=1&fields[clients]=id,zz&fields[x]=y&page[limit]=a&page[offset]=-1',
  );
  assert.equal(answer.status, 400);
  assert.deepEqual(
    answer.errors.map(({ title, detail }) => [title, detail]),
    [
      ["unsupported sort field 'bad'", ''],
      ["unsupported filter field 'filter[mem_total]'", ''],
      ['unsupported field "zz" for resource "clients"', ''],
      ['unsupported resource in fields: "x"', ''],
      ['pagination limit must be a number', 'strconv.Atoi: parsing "a": invalid syntax'],
      ['pagination offset must not be negative', ''],
    ],
  );
});

for (const [query, title] of [
  ['page[limit]=501', 'pagination limit too big (501) maximum is 500'],
  ['page[limit]=0', 'pagination limit must be positive'],
  ['page[offset]=', 'pagination offset must be a number'],
  ['sort=name&sort=id', 'Only one sort field is supported for clients.'],
  ['sort=a,-b', "unsupported sort field 'a,-b'"],
  ['filter[name][eq]=x', "unsupported filter field 'filter[name][eq]'"],
  ['filter[*|name]=x', "unsupported filter field 'filter[*|name]'"],
  ['fields[clients]=', 'unsupported field "" for resource "clients"'],
  ['fields[clients]=id,%20name', 'unsupported field " name" for resource "clients"'],
] as const) {
  test(`/clients?${query} is refused`, async () => {
    assert.equal((await admin.get(`/clients?${query}`)).refusal, `400 ${title}`);
  });
}

test('pages', async () => {
  const second = await admin.get('/clients?page[limit]=1&page[offset]=1');
  assert.deepEqual([second.data<{ id: string }[]>().map(({ id }) => id), second.count], [['c2'], 4]);
  const beyond = await admin.get('/clients?page[limit]=2&page[offset]=9');
  assert.deepEqual(beyond.json, { data: [], meta: { count: 4 } });
  assert.equal((await ids('page[limit]=')).length, 4);
});

for (const [query, expected] of [
  ['sort=-id', ['other', 'gone', 'c2', 'c1']],
  ['sort=--name', ['c1', 'other', 'gone', 'c2']],
  ['sort=name', ['c2', 'gone', 'other', 'c1']],
  ['sort=version&filter[id]=c1,c2', ['c2', 'c1']],
  ['sort=', ['c1', 'c2', 'gone', 'other']],
  ['filter=x&filter[]=x&filter[a.b]=x&sord=x&fields=x&page[other]=x', ['c1', 'c2', 'gone', 'other']],
  ['filter[tags]=tag1', ['c1', 'gone']],
  ['filter[tags]=and(Linux,TAG1)', ['c1']],
  ['filter[tags]=and(Linux,nope)', []],
  ['filter[tags]=and(Linux,Linux)', []],
  ['filter[tags]=AND(Linux,TAG1)', []],
  ['filter[tags]=or(foo,tag1)', ['c1', 'gone']],
  ['filter[tags]=Linux&filter[tags]=nope', ['c1']],
  ['filter[num_cpus]=2&filter[id]=c*', ['c1']],
  ['filter[*]=lab*', ['c1']],
  ['filter[name|hostname]=lab*', ['c1']],
  ['filter[name]=LAB%20ONE', ['c1']],
  ['filter[name]=%20lab%20one%20,%20nope', ['c1']],
  ['filter[name]xyz=lab*', ['c1']],
  ['filter[name]=L.b*', []],
  ['filter[labels]=country:%20france', ['c2']],
  ['filter[labels]=*:%20FR*', ['c2']],
  ['filter[labels]=country', []],
  ['filter[labels]=and(country:*,a:*)', ['c2']],
  ['filter[connection_state]=connected', ['c1', 'c2']],
  ['filter[allowed_user_groups]=dev', ['gone']],
  ['filter[client_auth_id]=agents', ['c1', 'c2']],
] as const) {
  test(`/clients?${query}`, async () => assert.deepEqual(await ids(query), expected));
}

test('a user sees the clients of his groups, and is told apart unknown and forbidden ones', async () => {
  assert.deepEqual(await ids('', ops), ['c1', 'gone']);
  assert.deepEqual((await nobody.get('/clients')).json, { data: [], meta: { count: 0 } });
  assert.equal((await ops.get('/clients/c1')).status, 200);
  assert.equal((await ops.get('/clients/c2')).refusal, '403 Access denied to client(s) with ID(s): c2');
  assert.equal((await ops.get('/clients/nope')).refusal, '404 Client with id="nope" not found.');
  assert.equal(
    (await nobody.put('/clients/c1/tunnels?remote=1')).refusal,
    '403 Access denied to client(s) with ID(s): c1',
  );
  assert.equal(
    (await ops.delete('/clients/other')).refusal,
    '403 Access denied to client(s) with ID(s): other',
  );
});

test('tags of the visible clients, sorted', async () => {
  assert.deepEqual((await admin.get('/client-tags')).json, {
    data: [
      { tag: 'Datacenter 3', client_ids: ['c1'] },
      { tag: 'Linux', client_ids: ['c1'] },
      { tag: 'TAG1', client_ids: ['c1', 'gone'] },
    ],
    meta: { count: 3 },
  });
  assert.deepEqual((await nobody.get('/client-tags')).json, { data: [], meta: { count: 0 } });
  const page = await admin.get('/client-tags?fields[client_tags]=tag&page[limit]=1&page[offset]=1');
  assert.deepEqual(page.json, { data: [{ tag: 'Linux' }], meta: { count: 3 } });
  assert.equal((await admin.get('/client-tags?sort=tag')).refusal, "400 unsupported sort field 'tag'");
  assert.equal(
    (await admin.get('/client-tags?filter[tag]=x')).refusal,
    "400 unsupported filter field 'filter[tag]'",
  );
  assert.equal((await admin.get('/client-tags?filter[*]=x')).status, 200);
});

test('status has all its keys and counts', async () => {
  const answer = await ops.get('/status');
  const { version, ...status } = answer.data<Record<string, unknown>>();
  assert.equal(typeof version, 'string');
  assert.deepEqual(status, {
    auditlog: { enabled: true, rotation: 'monthly' },
    auth_header: false,
    caddy_integration_enabled: false,
    clients_auth_mode: 'Read Only',
    clients_auth_source: 'Static Credentials',
    clients_connected: 2,
    clients_disconnected: 2,
    connect_url: (status as { connect_url: string[] }).connect_url,
    excluded_ports: ['1-1024'],
    fingerprint: FINGERPRINT,
    group_permissions_enabled: false,
    monitoring_enabled: true,
    pairing_url: 'https://pairing.openrport.io',
    password_min_length: 14,
    tunnel_host: '',
    tunnel_proxy_enabled: false,
    two_fa_delivery_method: '',
    two_fa_enabled: false,
    used_ports: [RANDOM_PORTS, await ownPorts()],
    users_auth_source: 'File',
  });
  assert.equal(answer.count, undefined);
});

/** Spec 03 §4.2, with a value of `c1` that finds it. */
const filterable: Readonly<Record<string, string>> = {
  id: 'c1',
  name: 'lab*',
  os: '*',
  os_arch: '*',
  os_family: '*',
  os_kernel: '*',
  os_full_name: '*',
  os_version: '*',
  os_virtualization_system: '*',
  os_virtualization_role: '*',
  cpu_family: '*',
  cpu_model: '*',
  cpu_model_name: '*',
  cpu_vendor: '*',
  num_cpus: '2',
  timezone: '*',
  hostname: 'LAB-host',
  ipv4: '*',
  ipv6: '*',
  tags: 'datacenter*',
  labels: '*',
  version: '0.9.*',
  address: '127.0.0.1',
  client_auth_id: 'agents',
  allowed_user_groups: 'ops',
  groups: 'of-lab',
  connection_state: 'connected',
};

test('every column of a client that can be filtered is filtered, no other, and all of them by `*`', async () => {
  const group = { id: 'of-lab', description: '', params: { name: ['lab*'] } };
  assert.equal((await admin.put('/client-groups/of-lab', { body: group })).status, 204);
  for (const [column, value] of Object.entries(filterable)) {
    assert.ok((await ids(`filter[${column}]=${value}`)).includes('c1'), column);
    assert.ok(!(await ids(`filter[${column}]=no-such-value`)).includes('c1'), column);
  }
  assert.deepEqual(await ids('filter[groups]=OF-*'), ['c1']);
  assert.deepEqual(await ids('filter[*]=of-lab'), ['c1']);
  for (const column of [
    'mem_total',
    'disconnected_at',
    'tunnels',
    'updates_status',
    'client_configuration',
  ]) {
    assert.equal(
      (await admin.get(`/clients?filter[${column}]=x`)).refusal,
      `400 unsupported filter field 'filter[${column}]'`,
    );
  }
  const shown = (await admin.get('/clients/c1?fields[clients]=groups')).data<{ groups: string[] }>();
  assert.deepEqual(shown, { groups: ['of-lab'] });
  assert.equal((await admin.delete('/client-groups/of-lab')).status, 204);
  assert.deepEqual(await ids('filter[groups]=of-lab'), []);
});

test('empty values find null, not an empty list; descending is the exact reverse', async () => {
  assert.deepEqual(await ids('filter[tags]=&filter[id]=c1,c2'), []);
  assert.deepEqual(await ids('filter[labels]=&filter[id]=c1,c2'), ['c1']);
  assert.deepEqual(await ids('filter[allowed_user_groups]=*&filter[id]=c2'), ['c2']);
  for (const column of ['id', 'name', 'os', 'hostname', 'version']) {
    assert.deepEqual((await ids(`sort=-${column}`)).reverse(), await ids(`sort=${column}`), column);
  }
});

test('deleting: unknown, connected, disconnected, by a user with access', async () => {
  assert.equal((await admin.delete('/clients/nope')).refusal, '404 Client with id="nope" not found.');
  assert.equal((await admin.delete('/clients/c1')).refusal, '400 Client is active, should be disconnected');
  const agent = await server.agent('short');
  await server.untilKnown('short', admin);
  agent.destroy();
  await server.untilGone('short', admin);
  const deleted = await admin.delete('/clients/short');
  assert.deepEqual([deleted.status, deleted.text], [204, '']);
  assert.equal((await admin.get('/clients/short')).status, 404);
  assert.equal((await admin.delete('/clients/short')).status, 404);
  assert.equal((await ops.delete('/clients/gone')).status, 204);
  await eventually('the client to be gone everywhere', async () => !(await ids('')).includes('gone'));
});

test('counts and lists follow connects and disconnects', async () => {
  const connected = async (): Promise<number> =>
    (await admin.get('/status')).data<{ clients_connected: number }>().clients_connected;
  const first = await connected();
  const agents = await Promise.all(Array.from({ length: 8 }, (_, at) => server.agent(`burst-${at}`)));
  await onEveryShard('eight more', async () => (await connected()) === first + 8);
  assert.equal((await ids('filter[id]=burst-*')).length, 8);
  for (const agent of agents) agent.destroy();
  await eventually('eight fewer', async () => (await connected()) === first);
});
