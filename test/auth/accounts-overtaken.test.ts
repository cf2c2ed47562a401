/** What depends on a user's secrets is decided when he is changed: files and tables are changed by others, too. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, type TestContext, test } from 'node:test';
import { fileUserWrites } from '../../src/auth/users/file-user-writes.js';
import { fileUsers } from '../../src/auth/users/file-users.js';
import { ownUserWrites } from '../../src/auth/users/own-user-writes.js';
import { ownUsers } from '../../src/auth/users/own-users.js';
import type { UserProvider } from '../../src/auth/users/provider.js';
import { openSqlUsers } from '../../src/auth/users/sql/open-sql-users.js';
import type { UserWrites } from '../../src/auth/users/writes.js';
import type { Config } from '../../src/config/types.js';
import { accountRules, hashOf, refusals } from '../support/account-rules.js';
import { type Engine, engines, stopMariadb, userTables } from '../support/foreign-database.js';
import { ManualClock } from '../support/manual-clock.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { tempFolder } from '../support/temp-folder.js';
import { tempStore } from '../support/temp-store.js';

after(stopMariadb);

const OLD = hashOf('old');
const BY_HAND = hashOf('by hand');
const BETTER = hashOf('old, better');
const TOTP = 'otpauth://totp/x:y?algorithm=SHA1&digits=6&issuer=x&period=30&secret=GEZDGNBVGY3TQOJQ';
const bert = { passwordExpired: false, groups: null, twoFaSendTo: '', username: 'bert' };

interface Place {
  readonly users: UserProvider;
  readonly writes: UserWrites;
  /** Gives bert these secrets, as another program. */
  set(password: string, totpSecret: string): Promise<unknown>;
}

async function fileOf(t: TestContext): Promise<Place> {
  const path = join(tempFolder(t), 'users.json');
  const set = async (password: string, totp_secret: string): Promise<void> =>
    writeFileSync(path, JSON.stringify([{ username: 'bert', password, totp_secret }]));
  await set(OLD, '');
  const log = new MemoryLogger();
  const { exclusively } = tempStore(t);
  const users = await fileUsers({ path, clock: new ManualClock(), log });
  return { users, writes: fileUserWrites(path, { exclusively, log }), set };
}

async function storeOf(t: TestContext): Promise<Place> {
  const store = tempStore(t);
  await store.users.add({ ...bert, password: OLD, totpSecret: '' });
  return {
    users: ownUsers(store),
    writes: ownUserWrites(store),
    set: (password, totpSecret) => store.users.change('bert', { password, totpSecret }),
  };
}

const tableOf =
  (engine: Engine) =>
  async (t: TestContext): Promise<Place> => {
    const foreign = await engine.create(t);
    await foreign.run('INSERT INTO `users` (`username`, `password`) VALUES (?, ?)', ['bert', OLD]);
    const { users, writes } = await openSqlUsers({
      config: {
        api: { ...userTables, twoFaTokenDelivery: '', totpEnabled: true },
        database: foreign.config,
      } as Config,
      clock: new ManualClock(),
      log: new MemoryLogger(),
    });
    t.after(() => users.close());
    const set = (...secrets: readonly [password: string, totpSecret: string]) =>
      foreign.run('UPDATE `users` SET `password` = ?, `totp_secret` = ?', secrets);
    return { users, writes, set };
  };

const places: readonly (readonly [string, (t: TestContext) => Promise<Place>, string | false])[] = [
  ['a file', fileOf, false],
  ['the own store', storeOf, false],
  ...engines.map((engine) => [engine.name, tableOf(engine), engine.skip] as const),
];

for (const [name, open, skip] of places) {
  describe(`users of ${name}`, { skip }, () => {
    /** Accounts in which bert is given other secrets as soon as he has been looked up. */
    async function overtaken(t: TestContext, password: string, totpSecret: string) {
      const { users, writes, set } = await open(t);
      const { accounts } = await accountRules(t, {
        users: {
          ...users,
          async findCurrent(username) {
            const found = await users.findCurrent(username);
            await set(password, totpSecret);
            return found;
          },
        },
        writes,
      });
      const stored = async () => {
        users.forget();
        const found = await users.findCurrent('bert');
        return [found?.password, found?.totpSecret.trim()];
      };
      return { accounts, stored };
    }

    test('a better hash of the old password does not undo a new one', async (t) => {
      const { accounts, stored } = await overtaken(t, BY_HAND, '');
      await accounts.replacePasswordHash('bert', OLD, BETTER);
      assert.deepEqual(await stored(), [BY_HAND, '']);
      await accounts.replacePasswordHash('bert', BY_HAND, BETTER);
      assert.deepEqual(await stored(), [BETTER, '']);
    });

    test('who proved himself with the old password does not replace a new one', async (t) => {
      const { accounts, stored } = await overtaken(t, BY_HAND, '');
      assert.match(String(await refusals(accounts.setPasswordHash('bert', BETTER, OLD))), /^409/);
      assert.deepEqual(await stored(), [BY_HAND, '']);
      await accounts.setPasswordHash('bert', BETTER);
      assert.deepEqual(await stored(), [BETTER, '']);
    });

    test('a TOTP secret is made only where there is none', async (t) => {
      const { accounts, stored } = await overtaken(t, OLD, TOTP);
      assert.match(String(await refusals(accounts.setTotpSecret('bert', `${TOTP}AA`, true))), /^409/);
      assert.deepEqual(await stored(), [OLD, TOTP]);
      await accounts.setTotpSecret('bert', null);
      assert.deepEqual(await stored(), [OLD, '']);
    });
  });
}
