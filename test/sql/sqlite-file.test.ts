/** SQLite files that other processes lock, replace and remove. */

import assert from 'node:assert/strict';
import { renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { DatabaseSync } from '@photostructure/sqlite';
import { sqlitePath } from '../../src/sql/open-database.js';
import { openSqlite } from '../../src/sql/open-sqlite.js';
import { SqlError } from '../../src/sql/sql-error.js';
import { type Clock, systemClock } from '../../src/time.js';
import { eventually } from '../support/eventually.js';
import { ManualClock } from '../support/manual-clock.js';
import { tempFolder } from '../support/temp-folder.js';

function file(t: TestContext, clock: Clock, journal = 'DELETE') {
  const path = join(tempFolder(t), 'a.db');
  const other = new DatabaseSync(path);
  other.exec(`PRAGMA journal_mode = ${journal}; CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (1)`);
  const database = openSqlite({ path, clock });
  t.after(async () => {
    await database.close();
    other.close();
  });
  return {
    path,
    other,
    database,
    read: () => database.rows('SELECT x FROM t ORDER BY x'),
    add: (x: number) => database.transaction((session) => session.run('INSERT INTO t VALUES (?)', [x])),
  };
}

const unavailable = (error: unknown) => error instanceof SqlError && error.kind === 'unavailable';

for (const journal of ['DELETE', 'WAL']) {
  test(`a lock of another program is waited for, and the thread goes on meanwhile (${journal})`, async (t) => {
    const clock = new ManualClock();
    const { other, read, add } = file(t, clock, journal);
    await read();
    other.exec('BEGIN EXCLUSIVE; INSERT INTO t VALUES (2)');
    const [reading, adding] = [read(), add(3)];
    // With a log, readers see what was before.
    if (journal === 'WAL') assert.deepEqual(await reading, [[1]]);
    await eventually('the waiting ones', () => clock.waiting === (journal === 'WAL' ? 1 : 2));
    clock.advance(500);
    await eventually('another pause', () => clock.waiting > 0);
    other.exec('COMMIT');
    for (let round = 0; round < 3; round += 1) {
      clock.advance(200);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await adding;
    await reading;
    assert.deepEqual(await read(), [[1], [2], [3]]);
  });
}

test('a lock that does not end is given up after five seconds', async (t) => {
  const clock = new ManualClock();
  const { other, read, add } = file(t, clock);
  other.exec('BEGIN EXCLUSIVE');
  const ended = Promise.allSettled([read(), add(2)]);
  const began = clock.now();
  let done = false;
  void ended.then(() => {
    done = true;
  });
  while (!done) {
    clock.advance(50);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (const result of await ended) {
    assert.equal(result.status, 'rejected');
    assert.ok(unavailable((result as PromiseRejectedResult).reason));
  }
  const waited = clock.now() - began;
  assert.ok(waited >= 5_000 && waited < 6_000, String(waited));
  other.exec('COMMIT');
  await add(2);
});

test('a reader holds up a commit only for as long as it reads', async (t) => {
  const { other, add } = file(t, systemClock);
  const rows = other.prepare('SELECT 1 FROM t UNION ALL SELECT 2').iterate();
  rows.next();
  const adding = add(2);
  setTimeout(() => rows.return?.(), 50);
  await adding;
});

test('a file that was replaced is read anew', async (t) => {
  const { path, read, add } = file(t, systemClock);
  assert.deepEqual(await read(), [[1]]);
  const fresh = new DatabaseSync(`${path}.new`);
  fresh.exec('CREATE TABLE t (x UNIQUE); INSERT INTO t VALUES (10)');
  fresh.close();
  renameSync(`${path}.new`, path);
  assert.deepEqual(await read(), [[10]]);
  await add(11);
  assert.deepEqual(await read(), [[10], [11]]);
});

test('a file that is missing is not made', async (t) => {
  const { path, read, add } = file(t, systemClock);
  await read();
  rmSync(path);
  await assert.rejects(read(), unavailable);
  await assert.rejects(add(1), unavailable);
  const missing = openSqlite({ path: join(tempFolder(t), 'b.db'), clock: systemClock });
  await assert.rejects(missing.rows('SELECT 1'), /no such file/);
  await missing.close();
});

test('what is no database says so', async (t) => {
  const database = openSqlite({ path: import.meta.filename, clock: systemClock });
  t.after(() => database.close());
  await assert.rejects(database.rows('SELECT 1 FROM t'), /file is not a database/);
});

test('the reference takes more than a path', () => {
  assert.deepEqual(['/a/b.db', 'file:/a/b.db?cache=shared', '/a/b.db?_journal=WAL', 'b.db'].map(sqlitePath), [
    '/a/b.db',
    '/a/b.db',
    '/a/b.db',
    'b.db',
  ]);
});
