/** Client groups and access lists on a running server of two shards. Spec 02 §16, 03 §4.5, §7, §15.3 and §15.5. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import type { ApiClient } from '../support/api-client.js';
import { clientRecord } from '../support/client-record.js';
import { onEveryShard } from '../support/every-shard.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';
import { apiOfUsersFile, PASSWORD, writeUsersFile } from '../support/users-file.js';

/** Each request is a new connection on any of two shards: so many do not all miss one. */
const ENOUGH = 12;

let server: TestServer;
let admin: ApiClient;
let ops: ApiClient;
let dev: ApiClient;
let nobody: ApiClient;

before(async () => {
  server = await TestServer.start({
    api: apiOfUsersFile,
    async prepare(dataDir, folder) {
      const users = { root: ['Administrators'], ops: ['ops'], dev: ['dev', 'more'], nobody: [] };
      await writeUsersFile(folder, users);
      const store = openStore(dataDir, { log: new MemoryLogger() });
      const disconnectedAt = '2026-01-01T00:00:00.000Z';
      await store.clients.put(clientRecord('old', { disconnectedAt, tags: ['Linux'], name: 'Old' }));
      await store.close();
    },
  });
  admin = server.api('root', PASSWORD);
  ops = server.api('ops', PASSWORD);
  dev = server.api('dev', PASSWORD);
  nobody = server.api('nobody', PASSWORD);
  await server.agent('web-1', { Name: 'Web 1', Tags: ['Linux', 'web'] });
  await server.agent('web-2', { Name: 'Web 2', Tags: ['linux'] });
  await server.agent('db', { Name: 'DB', Tags: null });
  await onEveryShard('all agents to be known', async () => (await ids(admin)).length === 4);
});
after(() => server?.remove());

const ids = async (caller: ApiClient, query = ''): Promise<string[]> =>
  (await caller.get(`/clients?fields[clients]=id&${query}`)).data<{ id: string }[]>().map(({ id }) => id);

/** What an acknowledged change promises: every shard goes by it, without any waiting. */
async function always(look: () => Promise<unknown>, expected: unknown): Promise<void> {
  for (let times = 0; times < ENOUGH; times++) assert.deepEqual(await look(), expected);
}

const put = async (id: string, params: object, allowed: readonly string[] | null = null): Promise<void> => {
  const body = { id, description: `the ${id}`, params, allowed_user_groups: allowed };
  const answer = await admin.put(`/client-groups/${id}`, { body });
  assert.deepEqual([answer.status, answer.text], [204, '']);
};

const groups = async (caller: ApiClient): Promise<unknown> =>
  (await caller.get('/client-groups?fields[client_groups]=id,client_ids,num_clients_connected')).data();

test('a group is there in every shard when it is acknowledged, with its clients and for its users', async () => {
  await always(() => ids(ops), []);
  const body = { id: 'linux', params: { tag: ['LINUX'] }, allowed_user_groups: ['ops'] };
  assert.equal((await admin.post('/client-groups', { body })).status, 201);
  await always(() => ids(ops), ['old', 'web-1', 'web-2']);
  await always(
    () => groups(ops),
    [{ id: 'linux', client_ids: ['old', 'web-1', 'web-2'], num_clients_connected: 2 }],
  );
  assert.equal(
    (await admin.post('/client-groups', { body })).refusal,
    '409 Client Group[id="linux"] already exists.',
  );
  await put('linux', { tag: ['web'] }, ['ops', 'more']);
  await always(() => ids(ops), ['web-1']);
  await always(() => ids(dev), ['web-1']);
  await always(() => ids(nobody), []);
  assert.equal((await ops.get('/clients/web-2')).refusal, '403 Access denied to client(s) with ID(s): web-2');
  assert.equal((await ops.get('/clients/web-3')).refusal, '404 Client with id="web-3" not found.');
  assert.deepEqual((await ops.get('/client-tags?fields[client_tags]=tag')).data(), [
    { tag: 'Linux' },
    { tag: 'web' },
  ]);
  assert.equal((await admin.delete('/client-groups/linux')).status, 204);
  await always(() => ids(ops), []);
  await always(async () => (await admin.get('/client-groups/linux')).status, 404);
});

test('changes of one group by many at once leave all shards with the same one', async () => {
  const names = ['db', 'old', 'web-1', 'web-2'];
  for (let round = 0; round < 5; round++) {
    await Promise.all(
      Array.from({ length: 8 }, (_, at) => put('race', { client_id: [names[(at + round) % 4]] }, ['ops'])),
    );
    const [winner] = await ids(ops);
    await always(() => ids(ops), [winner]);
  }
  assert.equal((await admin.delete('/client-groups/race')).status, 204);
});

test('a tunnel is listed for whom its client is visible to', async () => {
  const made = await admin.put('/clients/db/tunnels?remote=22&check_port=0');
  assert.equal(made.status, 200, made.text);
  const listed = async (): Promise<unknown> =>
    (await ops.get('/tunnels')).data<{ client_id: string }[]>().map(({ client_id: id }) => id);
  await always(listed, []);
  await put('dbs', { name: ['db'] }, ['ops']);
  await always(listed, ['db']);
  assert.equal((await admin.delete('/client-groups/dbs')).status, 204);
  await always(listed, []);
});

test('the access list of a connected agent: at once everywhere, over a reconnect, names checked', async () => {
  const agent = await server.agent('acl', { Name: 'first', Tags: [] });
  await onEveryShard('the agent to be known', async () => (await ids(admin, 'filter[id]=acl')).length === 1);
  const acl = (list: readonly string[] | undefined, caller = admin) =>
    caller.post('/clients/acl/acl', { body: { allowed_user_groups: list } });
  assert.equal((await acl(['ops', 'nogrp', 'x2'])).refusal, '404 user groups not found: nogrp, x2');
  const set = await acl(['ops', 'Administrators']);
  assert.deepEqual([set.status, set.text], [204, '']);
  await always(() => ids(ops), ['acl']);
  assert.equal(
    (await acl([], ops)).refusal,
    '403 current user should belong to Administrators group to access this resource',
  );
  assert.equal((await acl([], nobody)).refusal, '403 Access denied to client(s) with ID(s): acl');
  agent.destroy();
  await onEveryShard('the agent to be gone', async () =>
    (await ids(admin, 'filter[connection_state]=disconnected')).includes('acl'),
  );
  assert.equal((await acl(['dev'])).status, 204, 'while it is away');
  await always(() => ids(dev), ['acl']);
  await server.agentAgain('acl', { Name: 'second', Tags: [] });
  await onEveryShard(
    'the agent to be back',
    async () => (await ids(admin, 'filter[name]=second')).length === 1,
  );
  await always(() => ids(dev), ['acl']);
  await always(() => ids(ops), []);
  assert.equal((await acl(undefined)).status, 204);
  assert.deepEqual((await admin.get('/clients/acl')).data<Record<string, unknown>>().allowed_user_groups, []);
  await always(() => ids(dev), []);
});

test('what was acknowledged is there after kill -9', async () => {
  await put('kept', { tag: { and: ['linux', 'l*'] } }, ['dev']);
  await put('gone', { client_id: ['db'] }, ['dev']);
  assert.equal((await admin.delete('/client-groups/gone')).status, 204);
  const list = { body: { allowed_user_groups: ['ops'] } };
  // One of them connected, the other not; the kill comes with the answers.
  const answers = await Promise.all([
    admin.post('/clients/web-2/acl', list),
    admin.post('/clients/old/acl', list),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [204, 204],
  );
  await server.crashAndRestart();
  const visible = ['old', 'web-1', 'web-2'];
  await always(() => ids(dev), visible);
  await always(() => ids(ops), ['old', 'web-2']);
  await always(() => groups(dev), [{ id: 'kept', client_ids: visible, num_clients_connected: 0 }]);
  assert.deepEqual((await dev.get('/client-groups/kept')).data<Record<string, unknown>>().params, {
    client_id: null,
    name: null,
    os: null,
    os_arch: null,
    os_family: null,
    os_kernel: null,
    hostname: null,
    ipv4: null,
    ipv6: null,
    tag: { and: ['linux', 'l*'] },
    version: null,
    address: null,
    client_auth_id: null,
    connection_state: null,
  });
});

test('groups of connected clients follow agents that come and go', async () => {
  await put('here', { connection_state: ['connected'] }, ['dev']);
  const agent = await server.agent('db', { Name: 'DB', Tags: [] });
  await onEveryShard('the agent to be seen', async () =>
    (await ids(dev, 'filter[groups]=here')).includes('db'),
  );
  agent.destroy();
  await onEveryShard('the agent to be out of reach', async () => !(await ids(dev)).includes('db'));
  assert.equal((await dev.get('/clients/db')).status, 403);
});
