import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { SlabPool, Slabs } from '../../src/store/slabs.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

const ROW = 60_000;

/** A piece of memory. */
function piece(slabs: Slabs, bytes: number): Buffer {
  const start = slabs.reserve(bytes);
  return slabs.slab(slabs.last).subarray(start, start + bytes);
}

test('memory is used again when it is released, and not before', () => {
  const pool = new SlabPool();
  const one = new Slabs(pool);
  const other = new Slabs(pool);
  const first = piece(one, ROW).fill(1);
  const second = piece(other, ROW).fill(2);
  assert.notEqual(second.buffer, first.buffer);
  assert.ok(first.every((byte) => byte === 1));
  one.release();
  assert.equal(piece(new Slabs(pool), ROW).fill(3).buffer, first.buffer);
  assert.ok(
    second.every((byte) => byte === 2),
    'slabs that are not released keep their memory',
  );
});

test('pieces never share a byte, and large ones have memory of their own', () => {
  const slabs = new Slabs(new SlabPool());
  const pieces = [100, ROW, ROW, ROW, ROW, ROW, 300_000, 1].map((bytes, at) => piece(slabs, bytes).fill(at));
  pieces.forEach((bytes, at) => {
    assert.ok(
      bytes.every((byte) => byte === at),
      `piece ${at}`,
    );
  });
  slabs.release();
  assert.throws(() => slabs.slab(0), RangeError);
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
