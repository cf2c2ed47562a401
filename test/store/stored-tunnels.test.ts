import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import type { StoredTunnel } from '../../src/tunnels/stored/stored-tunnel.js';
import { clientRecord } from '../support/client-record.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { removeFolder } from '../support/remove-folder.js';

const folder = mkdtempSync(join(tmpdir(), 'tideway-test-'));
const store = openStore(folder, { log: new MemoryLogger() });
after(async () => {
  await store.close();
  removeFolder(folder);
});

const table = store.storedTunnels;
const stored = (client: string, id: string, port: number | null, changes = {}): StoredTunnel => ({
  id,
  clientId: clientId(client),
  createdAt: '2026-01-01T00:00:00.000Z',
  name: '',
  scheme: null,
  remoteIp: null,
  remotePort: 22,
  publicPort: port,
  acl: null,
  furtherOptions: '{"a":1}',
  autoOpen: port !== null,
  owner: 'admin',
  revision: 1,
  ...changes,
});
const idsOf = (client: string): string[] => [...table.of(clientId(client))].map(({ id }) => id);

test('a row is read as it was written, of its client only', async () => {
  await store.clients.put(clientRecord('a'));
  await store.clients.put(clientRecord('a0'));
  const one = stored('a', 'one', null, { acl: '', name: '\u{10ffff}', remotePort: -3 });
  assert.equal(await table.add(one, 2), 'added');
  assert.equal(await table.add(stored('a0', 'other', null), 2), 'added');
  assert.deepEqual(table.get(clientId('a'), 'one'), one);
  assert.deepEqual(idsOf('a'), ['one']);
  assert.equal(table.get(clientId('a0'), 'one'), undefined);
  assert.equal(await table.add(stored('a', 'two', null), 2), 'added');
  assert.equal(await table.add(stored('a', 'three', null), 2), 'too_many');
  assert.equal(table.count(clientId('a')), 2);
  assert.equal(await table.add(stored('nobody', 'x', null), 2), 'no_client');
  assert.equal(table.count(clientId('nobody')), 0);
});

test('a port has one holder at a time, and none without auto_open', async () => {
  await store.clients.put(clientRecord('p'));
  const first = stored('p', 'first', 20_000);
  const rival = stored('p', 'rival', 20_000);
  const outcomes = await Promise.all([table.add(first, 10), table.add(rival, 10)]);
  assert.deepEqual(outcomes, ['added', 'port_taken']);
  assert.deepEqual(table.holder(20_000), { clientId: 'p', id: 'first' });
  assert.deepEqual(idsOf('p'), ['first']);
  // The same port as a note is nobody's business.
  assert.equal(await table.add({ ...rival, autoOpen: false }, 10), 'added');

  const moved = { ...first, publicPort: 20_001, revision: 2 };
  assert.equal(await table.replace(first, moved), 'changed');
  assert.equal(table.holder(20_000), undefined);
  assert.deepEqual([...table.ports()], [[20_001, { clientId: 'p', id: 'first' }]]);
  assert.equal(await table.replace(first, first), 'outdated');
  assert.equal(await table.remove(first), 'outdated');
  const note = { ...rival, autoOpen: false };
  assert.equal(
    await table.replace(note, { ...note, autoOpen: true, publicPort: 20_001, revision: 2 }),
    'port_taken',
  );
  assert.equal(await table.remove(moved), 'changed');
  assert.equal(table.holder(20_001), undefined);
  assert.equal(await table.remove(moved), 'outdated');
});

test('with the record of the client everything goes, also when it is removed amid additions', async () => {
  await store.clients.put(clientRecord('g'));
  await store.clients.put(clientRecord('g2'));
  await table.add(stored('g2', 'stays', 20_100), 10);
  await table.add(stored('g', 'first', 20_101), 10);
  const additions = [1, 2, 3].map((n) => table.add(stored('g', `before${n}`, 20_101 + n), 10));
  const removal = store.clients.remove(clientId('g'));
  const late = table.add(stored('g', 'late', 20_110), 10);
  await Promise.all([...additions, removal]);
  assert.equal(await late, 'no_client');
  assert.deepEqual(idsOf('g'), []);
  assert.deepEqual([...table.ports()], [[20_100, { clientId: 'g2', id: 'stays' }]]);
});
