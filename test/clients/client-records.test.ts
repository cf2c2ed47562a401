import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientIndex } from '../../src/clients/client-index.js';
import { createClientRecords } from '../../src/clients/client-records.js';
import type { ClientChange } from '../../src/clients/record.js';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { clientRecord } from '../support/client-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { withTempFolder } from '../support/temp-folder.js';
import { admin } from '../support/viewers.js';

const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
const listOf = { sorts: [], filters: [], offset: 0, limit: 50 };

const withWorld = (use: (parts: ReturnType<typeof world>) => Promise<void>): Promise<void> =>
  withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger() });
    try {
      await use(world(store));
    } finally {
      await store.close();
    }
  });

function world(store: Store) {
  const clock = new ManualClock();
  const published: ClientChange[] = [];
  const thread = () => createClientIndex({ server, clock, clients: store.clients });
  const index = thread();
  const records = createClientRecords({ store, index, clock, publish: (change) => published.push(change) });
  return { store, clock, published, index, records, thread };
}

const configured = clientRecord('c-1', {
  clientConfiguration: '{"client":{"auth":""}}',
  updatesStatus: {
    refreshed: '2026-01-01T00:00:00Z',
    updatesAvailable: 3,
    securityUpdatesAvailable: 0,
    updateSummaries: null,
    rebootPending: false,
    error: '',
    hint: '',
  },
});

test('a saved client is stored before anybody hears of it', async () => {
  await withWorld(async ({ records, index, published, store }) => {
    const saved = records.save(configured);
    assert.equal(index.get(configured.id), undefined);
    assert.deepEqual(published, []);
    await saved;
    assert.deepEqual(store.clients.get(configured.id), configured);
    assert.deepEqual(published, [{ type: 'saved', record: configured }]);
    assert.equal(records.get(configured.id)?.name, configured.name);
    await records.remove(configured.id);
    assert.equal(store.clients.get(configured.id), undefined);
    assert.equal(index.get(configured.id), undefined);
    assert.deepEqual(published.at(-1), { type: 'removed', id: configured.id });
  });
});

test('a record of the index is a whole record: spread, cloned, compared', async () => {
  await withWorld(async ({ records, index }) => {
    await records.save(configured);
    const record = index.get(configured.id);
    assert.deepEqual({ ...record }, configured);
    assert.deepEqual(structuredClone(record), configured);
    assert.match(
      index.detail(configured.id, undefined) ?? '',
      /"client_configuration":\{"client":\{"auth":""\}\}/,
    );
    const page = index.list(
      { ...listOf, fields: { clients: ['client_configuration', 'updates_status'] } },
      admin,
    );
    assert.match(
      page.items,
      /^\[\{"updates_status":\{.*"updates_available":3.*\},"client_configuration":\{"client/,
    );
    await records.save({ ...configured, clientConfiguration: null });
    assert.match(index.detail(configured.id, undefined) ?? '', /"client_configuration":null/);
  });
});

test('a thread that starts later finds what is stored', async () => {
  await withWorld(async ({ records, thread }) => {
    await records.save(configured);
    const late = thread();
    assert.equal(late.get(configured.id), undefined);
    late.load();
    assert.deepEqual({ ...late.get(configured.id) }, configured);
  });
});

test('a deletion that arrives after the return of the client does not hide it', async () => {
  await withWorld(async ({ records, published, thread }) => {
    await records.save(configured);
    await records.remove(configured.id);
    const [, removed] = published;
    await records.save(configured);
    const other = thread();
    other.load();
    assert.equal(removed?.type, 'removed');
    if (removed !== undefined) other.apply(removed);
    assert.equal(other.get(configured.id)?.name, configured.name);
  });
});

test('changes that overtake each other on the way between threads end with what is stored', async () => {
  await withWorld(async ({ records, thread, published }) => {
    await records.save(clientRecord('c-1', { disconnectedAt: '2026-01-01T00:00:00.000Z' }));
    await records.save(clientRecord('c-1'));
    await records.save(clientRecord('c-2'));
    await records.remove(clientId('c-2'));
    const other = thread();
    for (const change of published.toReversed()) other.apply(change);
    assert.equal(other.get(clientId('c-1'))?.disconnectedAt, null);
    assert.equal(other.get(clientId('c-2')), undefined);
  });
});

test('heartbeats count here at once and travel once a second', async () => {
  await withWorld(async ({ records, index, published, clock }) => {
    await records.save(clientRecord('c-1'));
    await records.save(clientRecord('c-2'));
    published.length = 0;
    const [one, two] = [clientId('c-1'), clientId('c-2')];
    records.heartbeat(one, '2026-01-01T00:00:01.000Z');
    records.heartbeat(one, '2026-01-01T00:00:02.000Z');
    records.heartbeat(two, '2026-01-01T00:00:02.000Z');
    assert.equal(index.lastHeartbeat(one), '2026-01-01T00:00:02.000Z');
    assert.deepEqual(published, []);
    clock.advance(1000);
    assert.deepEqual(published, [
      {
        type: 'heartbeats',
        beats: [
          [one, '2026-01-01T00:00:02.000Z'],
          [two, '2026-01-01T00:00:02.000Z'],
        ],
      },
    ]);
    clock.advance(5000);
    assert.equal(published.length, 1);
    records.heartbeat(one, '2026-01-01T00:00:09.000Z');
    records.stop();
    assert.equal(published.length, 2);
    assert.equal(clock.waiting, 0);
  });
});

test('a write that fails is not announced', async () => {
  await withWorld(async ({ records, published }) => {
    await assert.rejects(records.save(clientRecord('x'.repeat(5000))), { status: 400 });
    assert.deepEqual(published, []);
  });
});
