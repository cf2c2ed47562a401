import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atOnce } from '../../src/clients/in-turns.js';
import { clientId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { openTables } from '../../src/store/tables.js';
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

test('texts of one client that are written together share a row, and each is found', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    const texts = new Map<number, string>();
    for (let at = 1; at <= 300; at++) {
      // Some have none, some are long enough for several shared rows.
      const processes = at % 5 === 0 ? '' : `[${'"ä",'.repeat(at * 3)}${at}]`;
      texts.set(at, processes);
      store.measurements.append(
        measurement('c-1', at, { processes, mountpoints: at % 5 === 0 ? '' : `{"m":${at}}` }),
      );
      store.measurements.append(measurement('c-2', at, { processes: '', mountpoints: '' }));
    }
    store.measurements.append(measurement('c-3', 1, { processes: 'of another' }));
    await store.close();
    const again = openStore(path, { log: new MemoryLogger() });
    const read = [...again.measurements.texts(clientId('c-1'), all, 'processes', { newestFirst: true })];
    assert.deepEqual(new Map(read.map(({ timestamp, text }) => [timestamp, text])), texts);
    for (const { timestamp, mountpoints } of again.measurements.range(clientId('c-1'), 0, 1e6)) {
      assert.equal(mountpoints, timestamp % 5 === 0 ? '' : `{"m":${timestamp}}`);
    }
    for (const { text } of again.measurements.texts(clientId('c-2'), all, 'processes'))
      assert.equal(text, '');
    await again.close();
    const tables = openTables(path);
    const keys = [...tables.measurementTexts.getKeys()].filter(([id]) => id === 'c-1');
    const bytes = [...texts.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    assert.ok(keys.length >= bytes / 65_536 && keys.length < bytes / 32_768, `${keys.length} rows`);
    await tables.root.close();
  });
});

test('a clock that goes back loses no text', async () => {
  await withTempFolder(async (path) => {
    for (const times of [
      [100, 101, 50, 51, 101, 7],
      [60, 61, 62, 8],
      [40, 120],
    ]) {
      const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
      for (const at of times) store.measurements.append(measurement('c-1', at, { processes: `${at}` }));
      await store.close();
    }
    const log = new MemoryLogger();
    const again = openStore(path, { log });
    const read = [...again.measurements.texts(clientId('c-1'), all, 'processes')];
    assert.deepEqual(
      read.map(({ timestamp, text }) => [timestamp, text]),
      [7, 8, 40, 50, 51, 60, 61, 62, 100, 101, 101, 120].map((at) => [at, `${at}`]),
    );
    assert.deepEqual(log.lines, []);
    await again.close();
  });
});

test('a row whose texts are removed already is shown without them, and no damage is logged', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    for (const at of [1, 2]) store.measurements.append(measurement('c-1', at));
    await store.close();
    const tables = openTables(path);
    for (const key of [...tables.measurementTexts.getKeys()]) await tables.measurementTexts.remove(key);
    await tables.root.close();
    const log = new MemoryLogger();
    const again = openStore(path, { log });
    const read = [...again.measurements.texts(clientId('c-1'), all, 'processes')].map(({ text }) => text);
    assert.deepEqual([read, log.lines], [['', ''], []]);
    await again.close();
  });
});

test('sequence numbers begin again without losing a text', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    const append = (id: string, processes: string): void =>
      store.measurements.append(measurement(id, 5, { processes, mountpoints: '' }));
    for (let n = 0; n < 65_530; n++) append('others', '');
    for (let n = 0; n < 12; n++) append('c-1', `${n}`);
    await store.close();
    const again = openStore(path, { log: new MemoryLogger() });
    const read = [...again.measurements.texts(clientId('c-1'), all, 'processes')].map(({ text }) =>
      Number(text),
    );
    assert.deepEqual(
      read.sort((one, other) => one - other),
      Array.from({ length: 12 }, (_, n) => n),
    );
    await again.close();
  });
});

test('an escaped text is read without its escapes, one that is damaged as it is', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    const row = measurement('c-1', 1);
    const sent = [
      String.raw`[{\"a\":\"\u00e4\n\ud83d\ude00\ud800\"}]`,
      String.raw`{\"\\`,
      String.raw`\x`,
      'a"b',
      '',
    ];
    for (const [at, processes] of sent.entries()) {
      store.measurements.append({
        ...row,
        timestamp: at,
        processes: Buffer.from(processes),
        mountpoints: '{}',
      });
    }
    store.measurements.append({
      ...row,
      timestamp: 9,
      processes: String.raw`\n`,
      mountpoints: Buffer.from(String.raw`\n`),
    });
    await store.close();
    const again = openStore(path, { log: new MemoryLogger() });
    const read = [...again.measurements.texts(clientId('c-1'), all, 'processes')].map(({ text }) => text);
    assert.deepEqual(read, [
      '[{"a":"ä\n😀\ufffd"}]',
      String.raw`{"\ `.trimEnd(),
      String.raw`\x`,
      'a"b',
      '',
      String.raw`\n`,
    ]);
    assert.equal([...again.measurements.texts(clientId('c-1'), all, 'mountpoints')].at(-1)?.text, '\n');
    await again.close();
  });
});

test('texts of the stores before, which had a row each, are read', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    store.measurements.append(measurement('c-1', 5, { processes: '', mountpoints: '' }));
    await store.close();
    const tables = openTables(path);
    const [key] = [...tables.measurements.getKeys()];
    assert.ok(key);
    const numbers = tables.measurements.get(key);
    assert.ok(numbers);
    numbers[0] = 2;
    await tables.measurements.put(key, numbers);
    const old = Buffer.from('\x01\x02\0\0\0[]{}', 'latin1');
    await tables.measurementTexts.put(key, old);
    await tables.root.close();
    const again = openStore(path, { log: new MemoryLogger() });
    const [row] = [...again.measurements.range(clientId('c-1'), 0, 9)];
    assert.deepEqual([row?.processes, row?.mountpoints], ['[]', '{}']);
    await again.close();
  });
});

test('texts go with their rows', async () => {
  await withTempFolder(async (path) => {
    const store = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    for (const at of [1, 2, 3]) store.measurements.append(measurement('c-1', at));
    store.measurements.append(measurement('c-2', 1));
    await store.close();
    const second = openStore(path, { log: new MemoryLogger(), clock: new ManualClock() });
    for (const at of [4, 5]) second.measurements.append(measurement('c-1', at));
    await second.close();
    const again = openStore(path, { log: new MemoryLogger() });
    await again.measurements.removeBefore(5);
    await again.measurements.removeClient(clientId('c-2'));
    await again.close();
    const tables = openTables(path);
    assert.deepEqual(
      [...tables.measurementTexts.getKeys()].map(([id, at]) => [id, at]),
      [['c-1', 5]],
    );
    await tables.root.close();
  });
});
