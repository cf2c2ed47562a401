/** Names that anybody sends must not keep those who are known from the database. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { DatabaseTrouble } from '../../src/auth/database-trouble.js';
import { sqlUsers } from '../../src/auth/users/sql/sql-users.js';
import { MOST_STRANGERS } from '../../src/auth/users/sql/stranger-limit.js';
import { openTables } from '../../src/auth/users/sql/tables.js';
import type { Config } from '../../src/config/types.js';
import type { SqlDatabase } from '../../src/sql/database.js';
import { openDatabase } from '../../src/sql/open-database.js';
import { sqlite, userTables } from '../support/foreign-database.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLogger } from '../support/memory-logger.js';

/** Users of a database that answers nothing about names in `slow` until `answer` is called. */
async function open(t: TestContext) {
  const foreign = await sqlite.create(t);
  await foreign.run("INSERT INTO `users` (`username`, `password`) VALUES ('anna', 'x'), ('bert', 'x')");
  const [clock, log] = [new ManualClock(), new MemoryLogger()];
  const real = openDatabase({ database: foreign.config, connections: 4, clock });
  const held: (() => void)[] = [];
  const asked: unknown[] = [];
  const database: SqlDatabase = {
    dialect: real.dialect,
    place: real.place,
    async rows(sql, parameters = []) {
      const [name] = parameters;
      if (name !== undefined) asked.push(name);
      if (String(name).startsWith('guess')) await new Promise<void>((resolve) => held.push(resolve));
      return real.rows(sql, parameters);
    },
    transaction: (work) => real.transaction(work),
    close: () => real.close(),
  };
  const config = {
    api: { ...userTables, twoFaTokenDelivery: '', totpEnabled: false },
    database: foreign.config,
  } as unknown as Config;
  const tables = await openTables(database, config);
  const trouble = new DatabaseTrouble('users', clock, log);
  const users = await sqlUsers({ database, tables, trouble, clock, log });
  t.after(() => users.close());
  const answer = (): void => {
    for (const resolve of held.splice(0)) resolve();
  };
  return { users, clock, asked, answer, log };
}

const tooMany = { status: 429 };

test('a flood of unknown names takes a part of the connections only', async (t) => {
  const { users, clock, asked, answer } = await open(t);
  assert.equal((await users.findCurrent('anna'))?.username, 'anna');
  asked.length = 0;
  const guesses = Array.from({ length: 2000 }, (_, index) => users.findCurrent(`guess ${index}`));
  const outcomes = Promise.allSettled(guesses);
  await assert.rejects(async () => users.find('guess of a token'), tooMany);
  assert.equal(asked.length, MOST_STRANGERS, 'the others cost no query');
  // Known ones go by, whether their password or their token is to be checked.
  clock.advance(1000);
  assert.equal((await users.findCurrent('anna'))?.username, 'anna');
  clock.advance(1000);
  assert.equal((await users.find('anna'))?.username, 'anna');
  await assert.rejects(async () => users.findCurrent('bert'), tooMany);
  answer();
  const settled = await outcomes;
  assert.equal(settled.filter(({ status }) => status === 'fulfilled').length, MOST_STRANGERS);
  assert.equal((await users.findCurrent('bert'))?.username, 'bert');
});

test('failing lookups leave room for others', async (t) => {
  const { users, answer } = await open(t);
  for (let round = 0; round < 3; round += 1) {
    const guesses = Array.from({ length: MOST_STRANGERS }, (_, index) =>
      users.find(`guess ${round} ${index}`),
    );
    answer();
    assert.ok((await Promise.all(guesses)).every((user) => user === undefined));
  }
});
