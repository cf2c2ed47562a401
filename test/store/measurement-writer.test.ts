import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { MeasurementWriter } from '../../src/store/measurement-writer.js';
import { type OpenedTables, openTables } from '../../src/store/tables.js';
import { ManualClock } from '../support/manual-clock.js';
import { measurement } from '../support/measurements.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';

interface Fixture {
  readonly writer: MeasurementWriter;
  readonly tables: OpenedTables;
  readonly clock: ManualClock;
  readonly log: MemoryLogger;
  /** While true, every write fails as on a full disk. */
  readonly disk: { full: boolean };
  readonly timestamps: (id: string) => number[];
}

/** Like those of LMDB, of which only the last one of a transaction is waited for. */
const lazyRejection: PromiseLike<never> = {
  // biome-ignore lint/suspicious/noThenProperty: it is one
  then: (done, failed) => Promise.reject(new Error('no space left')).then(done, failed),
};

function fixture(t: TestContext): Fixture {
  const tables = openTables(tempFolder(t));
  t.after(() => tables.root.close());
  const disk = { full: false };
  const refusing = <Table extends object>(table: Table): Table =>
    new Proxy(table, {
      get: (target, name) => {
        if (disk.full && name === 'put') return () => lazyRejection;
        if (disk.full && name === 'transactionSync') {
          return () => {
            throw new Error('no space left');
          };
        }
        const value: unknown = Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  const clock = new ManualClock();
  const log = new MemoryLogger();
  const seen = { measurements: refusing(tables.measurements), measurementTexts: tables.measurementTexts };
  return {
    writer: new MeasurementWriter(seen, clock, log),
    tables,
    clock,
    log,
    disk,
    timestamps: (id) => {
      tables.measurements.resetReadTxn();
      return [...tables.measurements.getKeys()].filter(([client]) => client === id).map(([, at]) => at);
    },
  };
}

test('what the disk refuses is tried again, and nothing is there twice', async (t) => {
  const { writer, clock, log, disk, timestamps } = fixture(t);
  disk.full = true;
  for (let at = 0; at < 600; at++) writer.append(measurement('c-1', at));
  await assert.rejects(writer.written(), { name: 'StoreWriteError' });
  writer.append(measurement('c-1', 600));
  assert.deepEqual(timestamps('c-1'), []);
  assert.match(log.lines.join('\n'), /no space left; 600 rows wait for another try, 0 are lost/);
  disk.full = false;
  clock.advance(500);
  await writer.written();
  assert.deepEqual(
    timestamps('c-1'),
    Array.from({ length: 601 }, (_, at) => at),
  );
});

test('while the disk refuses, the oldest are given up in favour of the newest, and memory stays bounded', async (t) => {
  const { writer, log, disk, timestamps } = fixture(t);
  disk.full = true;
  const processes = 'x'.repeat(64 * 1024);
  for (let at = 0; at < 1000; at++) {
    writer.append(measurement('c-1', at, { processes }));
    if (at % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await writer.written().catch(() => undefined);
  assert.match(log.lines.join('\n'), /[1-9]\d* are lost/);
  disk.full = false;
  await writer.written();
  const kept = timestamps('c-1');
  assert.ok(kept.length > 400 && kept.length <= 512 + 64, `${kept.length}`);
  assert.deepEqual(
    kept,
    Array.from({ length: kept.length }, (_, index) => 1000 - kept.length + index),
  );
});

test('a large batch of many clients leaves turns to others', async (t) => {
  const { writer, clock, timestamps } = fixture(t);
  for (let at = 0; at < 2000; at++) writer.append(measurement(`c-${at % 100}`, at));
  clock.advance(500);
  // The first turn has handed over a part only.
  let turns = 0;
  while (timestamps('c-99').length < 20) {
    turns += 1;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(turns >= 7, `${turns} turns`);
  assert.equal(timestamps('c-0').length, 20);
});

test('a client removed while its rows wait is not written', async (t) => {
  const { writer, disk, timestamps } = fixture(t);
  disk.full = true;
  writer.append(measurement('c-1', 1));
  writer.append(measurement('c-2', 1));
  await assert.rejects(writer.written());
  writer.append(measurement('c-1', 2));
  writer.removeClient('c-1');
  disk.full = false;
  await writer.written();
  assert.deepEqual(timestamps('c-1'), []);
  assert.deepEqual(timestamps('c-2'), [1]);
});
