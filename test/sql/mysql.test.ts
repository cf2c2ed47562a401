import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { quoteName, quotePath } from '../../src/sql/identifier.js';
import { parseMysqlAddress } from '../../src/sql/mysql-address.js';
import { openDatabase } from '../../src/sql/open-database.js';
import { SqlError } from '../../src/sql/sql-error.js';
import { systemClock } from '../../src/time.js';
import { eventually } from '../support/eventually.js';
import { startMariadb, stopMariadb } from '../support/foreign-database.js';
import { ManualClock } from '../support/manual-clock.js';
import { noMariadb } from '../support/mariadb.js';

after(stopMariadb);

const unavailable = (error: unknown) => error instanceof SqlError && error.kind === 'unavailable';

test('the forms of db_host (spec 02 §1)', () => {
  const local = { host: '127.0.0.1', port: 3306 };
  const forms: [text: string, address: unknown][] = [
    ['', local],
    ['127.0.0.1:3306', local],
    [':3307', { host: '127.0.0.1', port: 3307 }],
    ['db.example.com', { host: 'db.example.com', port: 3306 }],
    ['db.example.com:1', { host: 'db.example.com', port: 1 }],
    ['[::1]:3307', { host: '::1', port: 3307 }],
    ['[::1]', { host: '::1', port: 3306 }],
    ['::1', { host: '::1', port: 3306 }],
    ['socket:/var/lib/mysql.sock', { socketPath: '/var/lib/mysql.sock' }],
  ];
  for (const [text, address] of forms) assert.deepEqual(parseMysqlAddress(text), address, text);
  for (const bad of ['socket:', 'a:b', 'a:0', 'a:65536', 'a:1:2', '[x]:1', '/sock', 'a b', 'tcp(a:1)']) {
    assert.throws(() => parseMysqlAddress(bad), /^Error: invalid db_host /, bad);
  }
});

test('names that could end their quotes are refused', () => {
  assert.equal(quoteName('group'), '`group`');
  assert.equal(quoteName('my users; --'), '`my users; --`');
  assert.equal(quotePath('other.clients'), '`other`.`clients`');
  for (const bad of ['', 'a`b', 'a\u0000', 'x'.repeat(65)])
    assert.throws(() => quoteName(bad), /^Error: the name /);
  assert.throws(() => quotePath('a..b'));
});

describe('MariaDB', { skip: noMariadb }, () => {
  test('is reached over its socket, too', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase('socket');
    const database = openDatabase({ database: config, connections: 1, clock: systemClock });
    t.after(() => database.close());
    const [row] = await database.rows('SELECT @@character_set_connection, @@sql_mode, DATABASE()');
    assert.deepEqual(row, ['utf8mb4', 'STRICT_ALL_TABLES', config.dbName]);
  });

  test('wrong logins say so, without the password', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase();
    for (const wrong of [
      { dbPassword: 'a secret' },
      { dbUser: 'nobody' },
      { dbName: 'nothing' },
      { dbUser: '' },
    ]) {
      const database = openDatabase({
        database: { ...config, ...wrong },
        connections: 1,
        clock: systemClock,
      });
      t.after(() => database.close());
      for (let attempt = 0; attempt < 3; attempt += 1) {
        await assert.rejects(database.rows('SELECT 1'), (error: Error) => {
          assert.match(error.message, /denied/);
          assert.doesNotMatch(error.message, /a secret|pass`/);
          return true;
        });
      }
    }
  });

  test('holds no more connections than it may, whatever is asked at once', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase();
    const database = openDatabase({ database: config, connections: 3, clock: systemClock });
    t.after(() => database.close());
    const ids = await Promise.all(
      Array.from({ length: 200 }, async () => (await database.rows('SELECT CONNECTION_ID()'))[0]?.[0]),
    );
    assert.equal(new Set(ids).size, 3);
  });

  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    test(`is used again after a restart (${signal})`, async (t) => {
      const mariadb = await startMariadb();
      const config = await mariadb.createDatabase();
      await mariadb.run('CREATE TABLE t (x INT PRIMARY KEY)', [], config.dbName);
      const database = openDatabase({ database: config, connections: 2, clock: systemClock });
      t.after(() => database.close());
      const add = (x: number) =>
        database.transaction((session) => session.run('INSERT INTO t VALUES (?)', [x]));
      await add(1);
      await mariadb.stopServer(signal);
      // More often than there may be connections: those that failed do not count.
      for (let attempt = 0; attempt < 4; attempt += 1) {
        await assert.rejects(database.rows('SELECT x FROM t'), unavailable);
        await assert.rejects(add(2), unavailable);
      }
      await mariadb.startServer();
      await add(3);
      assert.deepEqual(await database.rows('SELECT x FROM t WHERE x > 1'), [[3]]);
    });
  }

  test('a connection the server ended while idle costs nobody an error', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase();
    const database = openDatabase({ database: config, connections: 1, clock: systemClock });
    t.after(() => database.close());
    const idOf = async () => (await database.rows('SELECT CONNECTION_ID()'))[0]?.[0];
    for (const use of [
      () => database.rows('SELECT 1'),
      () => database.transaction((session) => session.rows('SELECT 1')),
    ]) {
      await mariadb.run(`KILL ${String(await idOf())}`);
      assert.deepEqual(await use(), [[1]]);
    }
  });

  test('a server that hangs is not waited for', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase();
    const clock = new ManualClock();
    const database = openDatabase({ database: config, connections: 1, clock });
    t.after(() => database.close());
    await database.rows('SELECT 1');
    mariadb.freeze();
    t.after(() => mariadb.unfreeze());
    const waiting = Promise.allSettled([database.rows('SELECT 1'), database.rows('SELECT 2')]);
    await eventually('both to wait', () => clock.waiting === 2);
    clock.advance(7_000);
    await new Promise((resolve) => setImmediate(resolve));
    clock.advance(3_000);
    for (const result of await waiting) {
      assert.ok(result.status === 'rejected' && unavailable(result.reason), JSON.stringify(result));
    }
    mariadb.unfreeze();
    assert.deepEqual(await database.rows('SELECT 1'), [[1]]);
  });

  test('a deadlock is tried again', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase();
    await mariadb.run(
      'CREATE TABLE t (x INT PRIMARY KEY, n INT); INSERT INTO t VALUES (1, 0), (2, 0)',
      [],
      config.dbName,
    );
    const database = openDatabase({ database: config, connections: 2, clock: systemClock });
    t.after(() => database.close());
    let waiting = 0;
    let together: () => void = () => undefined;
    const both = new Promise<void>((resolve) => {
      together = resolve;
    });
    let runs = 0;
    const lock = (first: number, second: number) =>
      database.transaction(async (session) => {
        runs += 1;
        await session.run('UPDATE t SET n = n + 1 WHERE x = ?', [first]);
        waiting += 1;
        if (waiting === 2) together();
        await both;
        await session.run('UPDATE t SET n = n + 1 WHERE x = ?', [second]);
      });
    await Promise.all([lock(1, 2), lock(2, 1)]);
    assert.equal(runs, 3);
    assert.deepEqual(await database.rows('SELECT n FROM t'), [[2], [2]]);
  });

  test('however many wait for each other, all of them get through', async (t) => {
    const mariadb = await startMariadb();
    const config = await mariadb.createDatabase();
    await mariadb.run('CREATE TABLE t (x INT PRIMARY KEY)', [], config.dbName);
    const count = 12;
    const database = openDatabase({ database: config, connections: count, clock: systemClock });
    t.after(() => database.close());
    let waiting = 0;
    let together: () => void = () => undefined;
    const all = new Promise<void>((resolve) => {
      together = resolve;
    });
    let runs = 0;
    const add = (x: number) =>
      database.transaction(async (session) => {
        runs += 1;
        // The gap, which all of them lock.
        await session.rows('SELECT x FROM t WHERE x = ? FOR UPDATE', [x]);
        waiting += 1;
        if (waiting === count) together();
        await all;
        await session.run('INSERT INTO t VALUES (?)', [x]);
      });
    await Promise.all(Array.from({ length: count }, (_, x) => add(x)));
    assert.ok(runs > count, `${runs} runs`);
    assert.equal((await database.rows('SELECT x FROM t')).length, count);
  });
});
