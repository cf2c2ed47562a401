import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import { openTables } from '../../src/store/tables.js';
import { clientGroup } from '../support/client-group.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

test('client groups come back as they were stored, in order', async (t) => {
  const folder = tempFolder(t);
  const groups = [
    clientGroup('b', { tag: { And: ['x', null] }, ipv6: [] }, { description: 'd', allowedUserGroups: [] }),
    clientGroup('*', { tag: ['y'], name: ['', '*'] }, { allowedUserGroups: ['g'] }),
  ];
  const store = openStore(folder, { log: new MemoryLogger() });
  for (const group of groups) await store.clientGroups.put(group);
  assert.equal(await store.clientGroups.add(clientGroup('b')), false);
  assert.equal(await store.clientGroups.add(clientGroup('c')), true);
  await store.clientGroups.remove('c');
  await store.clientGroups.remove('never');
  await store.close();
  const again = openStore(folder, { log: new MemoryLogger() });
  assert.deepEqual([...again.clientGroups.all()], groups.toReversed());
  assert.deepEqual(again.clientGroups.get('b'), groups[0]);
  assert.equal(again.clientGroups.get('c'), undefined);
  assert.equal(again.clientGroups.get(''), undefined);
  await again.close();
});

test('a row that is not wholly understood is skipped, for it might open more clients than it was to', async (t) => {
  const folder = tempFolder(t);
  const whole = clientGroup('g', { name: ['x'] }, { allowedUserGroups: ['ops'] });
  const rows = {
    broken: '{',
    other: JSON.stringify(whole),
    list: '[]',
    'no-params': JSON.stringify({ id: 'no-params', allowedUserGroups: ['ops'] }),
    'new-param': JSON.stringify({
      ...whole,
      id: 'new-param',
      params: { ...whole.params, timezone: ['UTC'] },
    }),
    'bad-tag': JSON.stringify({ ...whole, id: 'bad-tag', params: { ...whole.params, tag: { not: ['x'] } } }),
    'bad-name': JSON.stringify({ ...whole, id: 'bad-name', params: { ...whole.params, name: 'x' } }),
    good: JSON.stringify({ ...whole, id: 'good' }),
  };
  const log = new MemoryLogger();
  const store = openStore(folder, { log });
  const tables = openTables(folder);
  for (const [id, text] of Object.entries(rows)) await tables.clientGroups.put(id, text);
  assert.deepEqual(
    Array.from(store.clientGroups.all(), ({ id }) => id),
    ['good'],
  );
  assert.equal(store.clientGroups.get('new-param'), undefined);
  assert.ok(log.lines.some((line) => line.includes('client group "bad-tag"')));
  await tables.root.close();
  await store.close();
});
