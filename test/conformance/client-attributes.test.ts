/** Tags and labels, and looking for updates, through the agent. Spec 03 §15.3 cases 6 and 7, 06 §12 cases 20 and 21. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { Answer } from '../../bench/fleet/simulated-agent.js';
import { openStore } from '../../src/store/open.js';
import type { ApiClient } from '../support/api-client.js';
import { clientRecord } from '../support/client-record.js';
import { onEveryShard } from '../support/every-shard.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';
import { apiOfUsersFile, PASSWORD, writeUsersFile } from '../support/users-file.js';

const OK: Answer = { ok: true, payload: '{"status":"OK"}' };

let server: TestServer;
let admin: ApiClient;
/** What the agent `c1` was asked to change and to look for, and what it says to that. */
const asked: string[] = [];
/** The server asks for it by itself, too, a moment after the agent has connected. */
const askedForUpdates: string[] = [];
let answer: Answer = OK;

before(async () => {
  server = await TestServer.start({
    api: apiOfUsersFile,
    async prepare(dataDir, folder) {
      await writeUsersFile(folder, { root: ['Administrators'], nobody: [] });
      const store = openStore(dataDir, { log: new MemoryLogger() });
      await store.clients.put(clientRecord('gone', { disconnectedAt: '2026-01-01T00:00:00.000Z' }));
      await store.close();
    },
  });
  admin = server.api('root', PASSWORD);
  await connect();
});
after(() => server?.remove());

async function connect() {
  const agent = await server.agent(
    'c1',
    { Tags: ['from-agent'], Labels: { of: 'agent' } },
    {
      onRequest(name, payload) {
        if (name === 'update_client_metadata') asked.push(`${payload}`);
        else if (name === 'refresh_updates_status') askedForUpdates.push(`${payload}`);
        else return undefined;
        return answer;
      },
    },
  );
  await onEveryShard('c1 to be known', async () => {
    const { status, json } = await admin.get('/clients/c1');
    const { data } = json as { data?: { connection_state?: string; tags?: unknown } };
    const fresh = status === 200 && data?.connection_state === 'connected';
    return fresh && JSON.stringify(data?.tags) === '["from-agent"]';
  });
  return agent;
}

const attributes = (): Promise<unknown> =>
  admin.get('/clients/c1/attributes').then((one) => one.data<unknown>());
const put = (body: unknown) => admin.put('/clients/c1/attributes', { body });

test('attributes are shown, replaced as a whole, found by filters, and cleared', async () => {
  answer = OK;
  assert.deepEqual(await attributes(), { tags: ['from-agent'], labels: { of: 'agent' } });
  const set = await put({ tags: ['web'], labels: { city: 'Köln' }, other: 1 });
  assert.deepEqual([set.status, set.json], [200, { data: 'ok' }]);
  assert.equal(asked.at(-1), '{"tags":["web"],"labels":{"city":"Köln"}}');
  // Each request is a new connection, which may land on any shard: all of them know already.
  for (let round = 0; round < 8; round += 1) {
    assert.deepEqual(await attributes(), { tags: ['web'], labels: { city: 'Köln' } });
  }
  const found = await admin.get('/clients?filter[labels]=city:%20k*&filter[tags]=web');
  assert.deepEqual(
    found.data<{ id: string }[]>().map(({ id }) => id),
    ['c1'],
  );
  assert.equal((await put({})).status, 200);
  assert.equal(asked.at(-1), '{"tags":null,"labels":null}');
  assert.deepEqual(await attributes(), { tags: null, labels: null });
});

test('an agent that refuses, or answers nonsense: 409, nothing changes', async () => {
  answer = OK;
  await put({ tags: ['kept'] });
  answer = { ok: false, payload: 'attributes file path not set' };
  assert.equal((await put({ tags: ['x'] })).refusal, '409 client error: attributes file path not set');
  answer = { ok: true, payload: '' };
  assert.equal((await put({ tags: ['x'] })).status, 409);
  assert.deepEqual(await attributes(), { tags: ['kept'], labels: null });
});

for (const [body, reason] of [
  ['', 'unexpected end of JSON input'],
  ['{"tags":[]} x', "invalid character 'x' after top-level value"],
  ['{"tags":"a"}', 'json: cannot unmarshal string'],
  ['{"labels":{"a":1}}', 'json: cannot unmarshal number'],
  [JSON.stringify({ tags: Array(1001).fill('a') }), 'more than 1000 tags'],
] as const) {
  test(`the body ${body.slice(0, 20)} is refused`, async () => {
    const before = asked.length;
    const refusal = (await put(body)).refusal;
    assert.ok(refusal.startsWith(`400 failed parsing attributes: ${reason}`), refusal);
    assert.equal(asked.length, before);
  });
}

test('attributes of clients that are not connected, unknown or of others', async () => {
  const missing = '404 Active client with id="gone" not found.';
  assert.equal((await admin.get('/clients/gone/attributes')).refusal, missing);
  assert.equal((await admin.put('/clients/gone/attributes', { body: 'x' })).refusal, missing);
  assert.equal((await admin.get('/clients/nope/attributes')).refusal, '404 Client with id="nope" not found.');
  assert.equal(
    (await server.api('nobody', PASSWORD).put('/clients/c1/attributes', { body: {} })).refusal,
    '403 Access denied to client(s) with ID(s): c1',
  );
});

test('what was acknowledged survives a crash, and what the agent announces replaces it', async () => {
  answer = OK;
  assert.equal((await put({ tags: ['on-disk'] })).status, 200);
  await server.crashAndRestart();
  const stored = (await admin.get('/clients/c1')).data<{ tags: string[]; labels: null }>();
  assert.deepEqual([stored.tags, stored.labels], [['on-disk'], null]);
  await connect();
  assert.deepEqual(await attributes(), { tags: ['from-agent'], labels: { of: 'agent' } });
});

test('updates: the agent is asked; its refusal is an error; nobody else can be asked', async () => {
  answer = { ok: true, payload: 'null' };
  const before = askedForUpdates.length;
  const done = await admin.post('/clients/c1/updates-status');
  assert.deepEqual([done.status, done.text], [204, '']);
  assert.equal(askedForUpdates[before], 'null');
  answer = { ok: false, payload: 'no way' };
  assert.equal((await admin.post('/clients/c1/updates-status')).refusal, '500 client error: no way');
  assert.equal(
    (await admin.post('/clients/gone/updates-status')).refusal,
    '404 client with id gone not found',
  );
  assert.equal(
    (await admin.post('/clients/nope/updates-status')).refusal,
    '404 Client with id="nope" not found.',
  );
});

test('a status of updates is shown as the agent sent it', async () => {
  const agent = await server.agent('updates');
  const status = {
    refreshed: '2024-05-01T10:00:00.123456789+02:00',
    updates_available: 0,
    security_updates_available: 0,
    update_summaries: null,
    reboot_pending: true,
    error: 'no supported package manager found',
  };
  const shown = (): Promise<unknown> =>
    admin
      .get('/clients/updates?fields[clients]=updates_status')
      .then(({ json }) => (json as { data?: { updates_status?: unknown } }).data?.updates_status);
  agent.notify('updates_status', JSON.stringify(status));
  await everywhere(shown, status);
  agent.notify('updates_status', '{"refreshed":');
  const { error: _error, ...without } = status;
  agent.notify('updates_status', JSON.stringify({ ...without, updates_available: 3 }));
  await everywhere(shown, { ...without, updates_available: 3 });
});

const everywhere = (shown: () => Promise<unknown>, wanted: unknown): Promise<boolean> =>
  onEveryShard(JSON.stringify(wanted), async () => isDeepStrictEqual(await shown(), wanted));
