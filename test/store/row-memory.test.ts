import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { RowMemory } from '../../src/store/row-memory.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const ROW = 60_000;

test('memory is used again when its batch is released, and not before', () => {
  const memory = new RowMemory();
  const first = memory.allocate(ROW).fill(1);
  const release = memory.nextBatch();
  const second = memory.allocate(ROW).fill(2);
  assert.ok(first.every((byte) => byte === 1));
  assert.notEqual(second.buffer, first.buffer);
  release();
  memory.nextBatch();
  assert.equal(memory.allocate(ROW).buffer, first.buffer);
  assert.ok(
    second.every((byte) => byte === 2),
    'a batch that is not released keeps its memory',
  );
});

test('rows of one batch never share a byte, and large ones have memory of their own', () => {
  const memory = new RowMemory();
  const rows = [100, ROW, ROW, ROW, ROW, ROW, 300_000, 1].map((bytes, at) => memory.allocate(bytes).fill(at));
  rows.forEach((row, at) => {
    assert.ok(
      row.every((byte) => byte === at),
      `row ${at}`,
    );
  });
});

test('thousands of measurements in many batches are read as they were', async (t) => {
  const store = openStore(tempFolder(t), { log: new MemoryLogger() });
  t.after(() => store.close());
  const id = clientId('busy');
  const total = 6_000;
  const textOf = (number: number): string =>
    JSON.stringify([{ pid: number, name: 'x'.repeat(number % 700) }]);
  for (let number = 0; number < total; number++) {
    store.measurements.append({
      clientId: id,
      timestamp: 1_000 + number,
      cpuUsagePercent: number,
      memoryUsagePercent: 0,
      ioUsagePercent: 0,
      processes: textOf(number),
      mountpoints: '{}',
      netLan: null,
      netWan: null,
    });
    // Batches are committed, and their memory used again, while others come.
    if (number % 700 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await store.measurements.removeClient(clientId('nobody'));
  const found = [...store.measurements.range(id, 0, Number.MAX_SAFE_INTEGER)];
  assert.equal(found.length, total);
  const wrong = found.filter(
    ({ cpuUsagePercent, processes }, number) => cpuUsagePercent !== number || processes !== textOf(number),
  );
  assert.deepEqual(wrong, []);
});
