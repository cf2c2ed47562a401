/** Credentials of agents in a table (spec 03 §8), over every database. */

import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import { openSqlCredentials } from '../../../src/auth/agents/sql-credentials.js';
import type { Config } from '../../../src/config/types.js';
import {
  type Engine,
  engines,
  type ForeignDatabase,
  mariadb,
  startMariadb,
  stopMariadb,
} from '../../support/foreign-database.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';

after(stopMariadb);

async function openOn(t: TestContext, foreign: ForeignDatabase, authTable = 'clients_auth') {
  const clock = new ManualClock();
  const log = new MemoryLogger();
  const config = { server: { authTable }, database: foreign.config } as unknown as Config;
  const source = await openSqlCredentials({ config, clock, log });
  t.after(() => source.close());
  return { source, clock, log };
}

async function open(t: TestContext, engine: Engine) {
  const foreign = await engine.create(t);
  const put = (id: string, password: string) =>
    foreign.run('INSERT INTO `clients_auth` (`id`, `password`) VALUES (?, ?)', [id, password]);
  return { foreign, put, ...(await openOn(t, foreign)) };
}

for (const engine of engines) {
  describe(engine.name, { skip: engine.skip }, () => {
    test('they are looked up, listed, added and removed', async (t) => {
      const { source, put } = await open(t, engine);
      assert.deepEqual([source.source, source.writable], ['DB', true]);
      assert.deepEqual(await source.list(), []);
      await put('two', 'second');
      await put('empty', '');
      await source.add({ id: 'one', password: 'sec`ret\'"é😀' });
      assert.deepEqual(await source.list(), [
        { id: 'one', password: 'sec`ret\'"é😀' },
        { id: 'two', password: 'second' },
      ]);
      assert.equal((await source.lookup('one'))?.password, 'sec`ret\'"é😀');
      assert.equal(await source.lookup('empty'), undefined);
      await assert.rejects(source.add({ id: 'two', password: 'other' }), {
        status: 409,
        title: 'Client Auth with ID "two" already exist.',
        apiCode: 'ERR_CODE_ALREADY_EXIST',
      });
      assert.equal((await source.lookup('two'))?.password, 'second');
      await source.remove('one');
      assert.equal(await source.lookup('one'), undefined);
      await assert.rejects(source.remove('one'), {
        status: 404,
        title: 'Client Auth with ID="one" not found.',
        apiCode: 'ERR_CODE_CLIENT_AUTH_NOT_FOUND',
      });
    });

    test('ids are only text', async (t) => {
      const { source, put, foreign } = await open(t, engine);
      await put('agent', 'secret');
      for (const id of [
        "' OR '1'='1",
        "agent' --",
        '`',
        '%',
        '',
        'agent\u0000',
        '\ud800',
        'x'.repeat(5_000),
      ]) {
        assert.equal(await source.lookup(id), undefined, id);
        await assert.rejects(source.remove(id), ({ status }) => status === 404 || status === 400);
      }
      await source.add({ id: "'; DROP TABLE clients_auth; --", password: 'x' });
      assert.equal((await foreign.run('SELECT * FROM `clients_auth`')).length, 2);
    });

    test('what another program changes counts within a second, and at once when it is said', async (t) => {
      const { source, put, foreign, clock } = await open(t, engine);
      await put('agent', 'one');
      assert.equal((await source.lookup('agent'))?.password, 'one');
      await foreign.run("UPDATE `clients_auth` SET `password` = 'two'");
      // Nothing is asked within the second.
      assert.deepEqual(source.lookup('agent'), { id: 'agent', password: 'one' });
      clock.advance(1_000);
      assert.equal((await source.lookup('agent'))?.password, 'two');
      await foreign.run('DELETE FROM `clients_auth`');
      source.forget();
      assert.equal(await source.lookup('agent'), undefined);
    });

    test('a thousand agents at once are answered', async (t) => {
      const { source, put } = await open(t, engine);
      for (let at = 0; at < 20; at += 1) await put(`agent ${at}`, `secret ${at}`);
      const found = await Promise.all(Array.from({ length: 1_000 }, (_, at) => source.lookup(`agent ${at}`)));
      assert.deepEqual(
        found.slice(0, 21).map((one) => one?.password),
        Array.from({ length: 21 }, (_, at) => (at < 20 ? `secret ${at}` : undefined)),
      );
    });

    test('a start without the table or a column fails, and says which', async (t) => {
      const foreign = await engine.create(t, { empty: true });
      await assert.rejects(openOn(t, foreign), /^Error: server\.auth_table `clients_auth`: .*clients_auth/);
      await foreign.run('CREATE TABLE `clients_auth` (`id` VARCHAR(20))');
      await assert.rejects(openOn(t, foreign), /^Error: server\.auth_table `clients_auth`: .*password/);
      await assert.rejects(openOn(t, foreign, 'a` --'), /must not contain a back-tick/);
    });
  });
}

describe('MariaDB alone', { skip: mariadb.skip }, () => {
  test('the table may be in another database, and ids follow its collation', async (t) => {
    const foreign = await mariadb.create(t);
    await foreign.run("INSERT INTO clients_auth VALUES ('Agent', 'secret')");
    const { source } = await openOn(t, foreign, `${foreign.config.dbName}.clients_auth`);
    assert.deepEqual(await source.lookup('AGENT'), { id: 'Agent', password: 'secret' });
    await assert.rejects(source.add({ id: 'agent', password: 'x' }), { status: 409 });
    await assert.rejects(source.remove('agent'), { status: 404 });
  });

  test('a thousand agents with one credential cost one query, others few connections', async (t) => {
    const foreign = await mariadb.create(t);
    await foreign.run("INSERT INTO clients_auth VALUES ('agent', 'secret')");
    const { source } = await openOn(t, foreign);
    const server = await startMariadb();
    const status = async (name: string): Promise<number> => {
      const [row] = (await server.run(`SHOW GLOBAL STATUS LIKE '${name}'`)) as { Value: string }[];
      return Number(row?.Value);
    };
    const before = { queries: await status('Com_stmt_execute'), connections: await status('Connections') };
    await Promise.all(Array.from({ length: 1_000 }, () => source.lookup('agent')));
    assert.equal((await status('Com_stmt_execute')) - before.queries, 1);
    await Promise.all(Array.from({ length: 1_000 }, (_, at) => source.lookup(`agent ${at}`)));
    // Besides one for each look at the server's counters.
    assert.ok((await status('Connections')) - before.connections <= 2 + 4);
  });

  test('while the server is away lookups fail; afterwards they work', async (t) => {
    const foreign = await mariadb.create(t);
    await foreign.run("INSERT INTO clients_auth VALUES ('agent', 'secret')");
    const { source, log } = await openOn(t, foreign);
    const server = await startMariadb();
    await server.stopServer();
    await assert.rejects(async () => source.lookup('agent'), { status: 503 });
    await assert.rejects(source.add({ id: 'new', password: 'secret' }), { status: 503 });
    assert.equal(log.lines.filter((line) => line.startsWith('error: ')).length, 1);
    await server.startServer();
    assert.equal((await source.lookup('agent'))?.password, 'secret');
  });
});
