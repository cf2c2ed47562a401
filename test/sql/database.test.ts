import assert from 'node:assert/strict';
import { after, describe, type TestContext, test } from 'node:test';
import type { SqlDatabase } from '../../src/sql/database.js';
import { openDatabase } from '../../src/sql/open-database.js';
import { SqlError } from '../../src/sql/sql-error.js';
import { textOf } from '../../src/sql/value.js';
import { systemClock } from '../../src/time.js';
import { type Engine, engines, type ForeignDatabase, stopMariadb } from '../support/foreign-database.js';

after(stopMariadb);

const failed = (kind: string) => (error: unknown) => error instanceof SqlError && error.kind === kind;

async function open(
  t: TestContext,
  engine: Engine,
): Promise<{ readonly foreign: ForeignDatabase; readonly database: SqlDatabase }> {
  const foreign = await engine.create(t, { empty: true });
  await foreign.run('CREATE TABLE `t` (`id` VARCHAR(20) PRIMARY KEY, `n` INTEGER NOT NULL)');
  const database = openDatabase({ database: foreign.config, connections: 3, clock: systemClock });
  t.after(() => database.close());
  return { foreign, database };
}

for (const engine of engines) {
  describe(engine.name, { skip: engine.skip }, () => {
    test('values are never part of a statement', async (t) => {
      const { database } = await open(t, engine);
      const hostile = ["'; DROP --", '"', '`', '\\', '%', '?', 'é😀', ''];
      await database.transaction(async (session) => {
        for (const [n, id] of hostile.entries()) {
          assert.equal(await session.run('INSERT INTO `t` (`id`, `n`) VALUES (?, ?)', [id, n]), 1);
        }
      });
      for (const [n, id] of hostile.entries()) {
        assert.deepEqual(await database.rows('SELECT `id`, `n` FROM `t` WHERE `id` = ?', [id]), [[id, n]]);
      }
    });

    test('a NUL is not the end of a text', async (t) => {
      const { database } = await open(t, engine);
      await database.transaction((session) => session.run('INSERT INTO `t` VALUES (?, ?)', ['admin', 1]));
      const named = database.rows('SELECT 1 FROM `t` WHERE `id` = ?', ['admin\u0000x']);
      if (engine.name === 'SQLite') await assert.rejects(named, failed('collation'));
      else assert.deepEqual(await named, []);
      const renaming = database.transaction((session) =>
        session.run('UPDATE `t` SET `id` = ?', ['root\u0000']),
      );
      if (engine.name === 'SQLite') await assert.rejects(renaming, failed('value'));
      else assert.equal(await renaming, 1);
      assert.notDeepEqual(await database.rows('SELECT `id` FROM `t`'), [['root']]);
    });

    test('there is no second statement behind a first', async (t) => {
      const { database } = await open(t, engine);
      // SQLite stops reading after the first one, MySQL refuses both.
      await database.rows('SELECT 1; DELETE FROM `t`').catch(() => undefined);
      await database.transaction((session) => session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 1]));
      await database.rows('SELECT 1; DELETE FROM `t`').catch(() => undefined);
      assert.equal((await database.rows('SELECT `id` FROM `t`')).length, 1);
    });

    test('a transaction that fails has done nothing, and what it threw is passed on', async (t) => {
      const { database } = await open(t, engine);
      const mine = new Error('mine');
      const failing = database.transaction(async (session) => {
        await session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 1]);
        assert.equal((await session.rows('SELECT * FROM `t`')).length, 1);
        throw mine;
      });
      await assert.rejects(failing, (error) => error === mine);
      assert.deepEqual(await database.rows('SELECT * FROM `t`'), []);
      const result = await database.transaction(async (session) => {
        await session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 1]);
        return 'done';
      });
      assert.equal(result, 'done');
    });

    test('nobody sees half of a transaction', async (t) => {
      const { database } = await open(t, engine);
      await database.transaction(async (session) => {
        await session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 1]);
        assert.deepEqual(await database.rows('SELECT * FROM `t`'), []);
        await session.run('INSERT INTO `t` VALUES (?, ?)', ['b', 2]);
      });
      assert.equal((await database.rows('SELECT * FROM `t`')).length, 2);
    });

    test('a statement that failed does not spoil its transaction', async (t) => {
      const { database } = await open(t, engine);
      await database.transaction(async (session) => {
        await session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 1]);
        await assert.rejects(session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 2]), failed('duplicate'));
        await session.run('INSERT INTO `t` VALUES (?, ?)', ['b', 2]);
      });
      assert.deepEqual(await database.rows('SELECT `n` FROM `t` ORDER BY `n`'), [[1], [2]]);
    });

    test('transactions side by side lose nothing', async (t) => {
      const { database } = await open(t, engine);
      await database.transaction((session) => session.run('INSERT INTO `t` VALUES (?, ?)', ['a', 0]));
      const add = () =>
        database.transaction(async (session) => {
          const select = `SELECT \`n\` FROM \`t\` WHERE \`id\` = 'a'${database.dialect.forUpdate}`;
          const [[n] = []] = await session.rows(select);
          await session.run('UPDATE `t` SET `n` = ? WHERE `id` = ?', [Number(n) + 1, 'a']);
        });
      await Promise.all(Array.from({ length: 20 }, add));
      assert.deepEqual(await database.rows('SELECT `n` FROM `t`'), [[20]]);
    });

    test('rows that match count, changed or not', async (t) => {
      const { database } = await open(t, engine);
      const counts = await database.transaction(async (session) => [
        await session.run('INSERT INTO `t` VALUES (?, ?), (?, ?)', ['a', 1, 'b', 1]),
        await session.run('UPDATE `t` SET `n` = 1'),
        await session.run('UPDATE `t` SET `n` = 1 WHERE `id` = ?', ['c']),
        await session.run('DELETE FROM `t`'),
      ]);
      assert.deepEqual(counts, [2, 2, 0, 2]);
    });

    test('what is wrong is told apart, without statements and values', async (t) => {
      const { database } = await open(t, engine);
      const rejects = async (running: Promise<unknown>, kind: string): Promise<void> => {
        await assert.rejects(running, (error: SqlError) => {
          assert.equal(error.kind, kind, error.message);
          assert.doesNotMatch(error.message, /secret|FROM|INTO/);
          assert.equal(error.cause, undefined);
          return true;
        });
      };
      await rejects(database.rows('SELECT * FROM `no`'), 'missing_table');
      await rejects(database.rows("SELECT `no` FROM `t` WHERE `id` = 'secret'"), 'missing_column');
      await rejects(database.rows("SELECT * FROM WHERE 'secret'"), 'other');
      const insert = (...values: (string | number)[]) =>
        database.transaction((session) => session.run('INSERT INTO `t` VALUES (?, ?)', values));
      await insert('secret', 1);
      await rejects(insert('secret', 2), 'duplicate');
      if (engine.name === 'MariaDB') await rejects(insert('secret'.repeat(9), 2), 'value');
    });

    test('bytes compare as they are, whatever the collation', async (t) => {
      const { database, foreign } = await open(t, engine);
      const collation = engine.name === 'SQLite' ? 'COLLATE NOCASE' : 'CHARACTER SET latin1';
      await foreign.run(`CREATE TABLE \`c\` (\`x\` VARCHAR(9) ${collation})`);
      await database.transaction((session) => session.run('INSERT INTO `c` VALUES (?)', ['Ops']));
      const { bytes } = database.dialect;
      const count = async (x: string): Promise<readonly number[]> => [
        (await database.rows('SELECT 1 FROM `c` WHERE `x` = ?', [x])).length,
        (await database.rows(`SELECT 1 FROM \`c\` WHERE ${bytes('`x`')} = ${bytes('?')}`, [x])).length,
      ];
      assert.deepEqual(await count('Ops'), [1, 1]);
      assert.deepEqual(await count('ops'), [1, 0]);
    });

    test('after the end nothing works, and nothing hangs', async (t) => {
      const { database } = await open(t, engine);
      await database.rows('SELECT 1');
      await database.close();
      await assert.rejects(database.rows('SELECT 1'), failed('unavailable'));
      await assert.rejects(
        database.transaction((session) => session.run('SELECT 1')),
        failed('unavailable'),
      );
      await database.close();
    });
  });
}

test('texts of foreign columns', () => {
  assert.deepEqual([null, undefined, 'a', 5, Buffer.from('é')].map(textOf), ['', '', 'a', '5', 'é']);
});
