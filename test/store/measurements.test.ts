import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../src/clients/in-turns.js';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { openTables } from '../../src/store/tables.js';
import type { Store } from '../../src/store/types.js';
import { ManualClock } from '../support/manual-clock.js';
import { measurement } from '../support/measurements.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { withTempFolder } from '../support/temp-folder.js';

const withStore = (
  use: (store: Store, clock: ManualClock, path: string, log: MemoryLogger) => Promise<void>,
): Promise<void> =>
  withTempFolder(async (path) => {
    const clock = new ManualClock();
    const log = new MemoryLogger();
    const store = openStore(path, { log, clock });
    try {
      await use(store, clock, path, log);
    } finally {
      await store.close();
    }
  });

/** The next commit, observed from outside: reads until the count is reached, turn by turn. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

const timestamps = (store: Store, id: string, from = 0, to = 1e12): number[] =>
  [...store.measurements.range(clientId(id), from, to)].map((row) => row.timestamp);

test('measurements are written within a second and read back unchanged', async () => {
  await withStore(async (store, clock) => {
    const row = measurement('c-1', 1000);
    store.measurements.append(row);
    clock.advance(1000);
    await until(() => timestamps(store, 'c-1').length === 1);
    assert.deepEqual([...store.measurements.range(clientId('c-1'), 1000, 1000)], [row]);
  });
});

test('a range is by client and time, both ends included', async () => {
  await withStore(async (store, clock) => {
    for (const at of [1, 2, 3, 4]) store.measurements.append(measurement('c-1', at));
    store.measurements.append(measurement('c-10', 2));
    clock.advance(1000);
    await until(() => timestamps(store, 'c-10').length === 1);
    assert.deepEqual(timestamps(store, 'c-1', 2, 3), [2, 3]);
    assert.deepEqual(timestamps(store, 'c-1'), [1, 2, 3, 4]);
    assert.deepEqual(timestamps(store, 'c'), []);
  });
});

test('rows of one client in the same millisecond are all kept', async () => {
  await withStore(async (store, clock) => {
    for (let n = 0; n < 50; n++) store.measurements.append(measurement('c-1', 7, { cpuUsagePercent: n }));
    clock.advance(1000);
    await until(() => timestamps(store, 'c-1').length > 0);
    assert.equal(timestamps(store, 'c-1').length, 50);
  });
});

test('more than the queue holds is written at once, without waiting for time to pass and without loss', async () => {
  await withTempFolder(async (path) => {
    const clock = new ManualClock();
    const store = openStore(path, { log: new MemoryLogger(), clock });
    const large = 'x'.repeat(30_000);
    for (let n = 0; n < 2500; n++) store.measurements.append(measurement('c-1', n, { processes: large }));
    assert.ok(timestamps(store, 'c-1').length > 500, 'the thread waited for the disk');
    await store.close();
    const reopened = openStore(path, { log: new MemoryLogger() });
    assert.equal(timestamps(reopened, 'c-1').length, 2500);
    await reopened.close();
  });
});

test('closing writes what is queued', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    store.measurements.append(measurement('c-1', 1));
    await store.close();
    const reopened = openStore(path, { log: new MemoryLogger() });
    assert.deepEqual(timestamps(reopened, 'c-1'), [1]);
    await reopened.close();
  });
});

test('retention removes what is older, of every client', async () => {
  await withStore(async (store, clock) => {
    for (let at = 0; at < 2500; at++) store.measurements.append(measurement('a', at));
    for (const at of [10, 2000, 3000]) store.measurements.append(measurement('b', at));
    store.measurements.append(measurement('c', 5000));
    clock.advance(1000);
    await until(() => timestamps(store, 'c').length === 1);
    assert.equal(await store.measurements.removeBefore(2000), 2001);
    assert.equal(timestamps(store, 'a')[0], 2000);
    assert.deepEqual(timestamps(store, 'b'), [2000, 3000]);
    assert.deepEqual(timestamps(store, 'c'), [5000]);
  });
});

test('removing a client removes its rows, queued ones too, and no other', async () => {
  await withStore(async (store, clock) => {
    store.measurements.append(measurement('c-1', 1));
    store.measurements.append(measurement('c-2', 1));
    clock.advance(1000);
    store.measurements.append(measurement('c-1', 2));
    await store.measurements.removeClient(clientId('c-1'));
    clock.advance(1000);
    await until(() => timestamps(store, 'c-2').length === 1);
    assert.deepEqual(timestamps(store, 'c-1'), []);
  });
});

test('a damaged row is skipped with a log line', async () => {
  await withTempFolder(async (path) => {
    const tables = openTables(path);
    await tables.measurements.put(['c-1', 5, 0], Buffer.from([9, 9, 9]));
    await tables.root.close();
    const log = new MemoryLogger();
    const store = openStore(path, { log });
    assert.deepEqual(timestamps(store, 'c-1'), []);
    assert.equal(log.lines.length, 1);
    await store.close();
  });
});

const all = { from: 0, to: Number.MAX_SAFE_INTEGER };
const finish = <Result>(work: Generator<void, Result>): Result => atOnce(work);

test('pages are read from either end; a span has its start and not its end', async () => {
  await withStore(async (store, clock) => {
    const id = clientId('c-1');
    for (const at of [1000, 2000, 3000, 3000, 4000]) store.measurements.append(measurement('c-1', at));
    store.measurements.append(measurement('c-1', 5000, { processes: '', mountpoints: '' }));
    store.measurements.append(measurement('c-2', 1));
    clock.advance(1000);
    await until(() => timestamps(store, 'c-2').length === 1);
    const times = (...given: Parameters<Store['measurements']['numbers']>): number[] =>
      [...store.measurements.numbers(...given)].map(({ timestamp }) => timestamp);
    assert.deepEqual(times(id, all), [1000, 2000, 3000, 3000, 4000, 5000]);
    assert.deepEqual(times(id, all, { newestFirst: true, limit: 2 }), [5000, 4000]);
    assert.deepEqual(times(id, all, { newestFirst: true, offset: 4, limit: 2 }), [2000, 1000]);
    assert.deepEqual(times(id, { from: 2000, to: 4000 }), [2000, 3000, 3000]);
    assert.deepEqual(times(id, { from: 2000, to: 4000 }, { newestFirst: true, offset: 1 }), [3000, 2000]);
    assert.deepEqual(times(id, { from: 4000, to: 2000 }), []);
    assert.deepEqual(times(clientId('c-3'), all), []);
    assert.equal(finish(store.measurements.count(id, all)), 6);
    assert.equal(finish(store.measurements.count(id, { from: 2000, to: 4000 })), 3);
    assert.equal(finish(store.measurements.count(clientId('c'), all)), 0);
    assert.deepEqual(
      [...store.measurements.texts(id, all, 'mountpoints', { newestFirst: true, limit: 2 })],
      [
        { timestamp: 5000, text: '' },
        { timestamp: 4000, text: '{"free_b./":1}' },
      ],
    );
  });
});

test('very many rows are counted in pieces', async () => {
  await withStore(async (store, clock) => {
    for (let at = 0; at < 25_000; at++) {
      store.measurements.append(measurement('c-1', at, { processes: '', mountpoints: '' }));
    }
    clock.advance(1000);
    const work = store.measurements.count(clientId('c-1'), all);
    await until(() => finish(store.measurements.count(clientId('c-1'), all)) === 25_000);
    let pieces = 0;
    for (let step = work.next(); !step.done; step = work.next()) pieces += 1;
    assert.equal(pieces, 2);
  });
});

test('rows of the first stores, which had numbers and texts together, are read and removed', async () => {
  await withTempFolder(async (path) => {
    const old = Buffer.alloc(62 + 2 + 4);
    old[0] = 1;
    old[1] = 2;
    for (const [at, value] of [12.5, 50, 1, 0, 0, 7, 8].entries()) old.writeDoubleLE(value, 2 + 8 * at);
    old.writeUInt32LE(2, 58);
    old.write('[]{"":', 62);
    const tables = openTables(path);
    await tables.measurements.put(['c-1', 5, 0], old);
    await tables.root.close();
    const store = openStore(path, { log: new MemoryLogger() });
    assert.deepEqual(
      [...store.measurements.range(clientId('c-1'), 0, 9)],
      [
        {
          clientId: 'c-1',
          timestamp: 5,
          cpuUsagePercent: 12.5,
          memoryUsagePercent: 50,
          ioUsagePercent: 1,
          netLan: null,
          netWan: { in: 7, out: 8 },
          processes: '[]',
          mountpoints: '{"":',
        },
      ],
    );
    assert.equal(await store.measurements.removeBefore(6), 1);
    assert.deepEqual(timestamps(store, 'c-1'), []);
    await store.close();
  });
});

test('texts go with their rows', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    for (const at of [1, 2, 3]) store.measurements.append(measurement('c-1', at));
    store.measurements.append(measurement('c-2', 1));
    await store.close();
    const again = openStore(path, { log: new MemoryLogger() });
    await again.measurements.removeBefore(3);
    await again.measurements.removeClient(clientId('c-2'));
    await again.close();
    const tables = openTables(path);
    assert.deepEqual(
      [...tables.measurementTexts.getKeys()].map(([id, at]) => [id, at]),
      [['c-1', 3]],
    );
    await tables.root.close();
  });
});
