/** Old password hashes are replaced at the next login. Decisions: passwords. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import bcrypt from 'bcryptjs';
import { verifyPassword } from '../../src/auth/passwords/hash.js';
import { type AuthWorldParts, authWorld, basic, bcryptHash, PASSWORD } from '../support/auth-world.js';
import { eventually } from '../support/eventually.js';

interface Replacement {
  readonly username: string;
  readonly from: string;
  readonly to: string;
}

/** Accounts that only write down what they are asked to replace. */
const recorder = (): { replaced: Replacement[]; accounts: NonNullable<AuthWorldParts['accounts']> } => {
  const replaced: Replacement[] = [];
  return {
    replaced,
    accounts: {
      replacePasswordHash: async (username, from, to) => void replaced.push({ username, from, to }),
    },
  };
};

test('a login with a bcrypt hash, of whatever tool, gives the password a new one', async (t) => {
  const plain = bcrypt.hashSync(PASSWORD, 4);
  for (const stored of [bcryptHash(PASSWORD), plain, plain.replace('$2b$', '$2a$')]) {
    const { replaced, accounts } = recorder();
    const world = await authWorld(t, { users: [{ username: 'anna', password: stored }], accounts });
    assert.equal((await world.login('anna')).status, 200);
    await eventually('the new hash', () => replaced.length === 1);
    const [{ username, from, to } = { username: '', from: '', to: '' }] = replaced;
    assert.deepEqual([username, from], ['anna', stored]);
    assert.match(to, /^\$argon2id\$/);
    assert.equal(await verifyPassword(PASSWORD, to), true);
  }
});

test('the users file has the new hash afterwards, and the password still works', async (t) => {
  const world = await authWorld(t);
  assert.equal((await world.login('bert')).status, 200);
  await eventually('the new hash', () => /"\$argon2id\$/.test(readFileSync(world.usersFile, 'utf8')));
  const users = JSON.parse(readFileSync(world.usersFile, 'utf8')) as { username: string; password: string }[];
  const kinds = users.map(({ username, password }) => [username, password.slice(0, 4)]);
  assert.deepEqual(kinds, [
    ['anna', '$2y$'],
    ['bert', '$arg'],
  ]);
  world.clock.advance(2000);
  assert.equal((await world.login('bert')).status, 200);
  assert.equal((await world.login('bert', 'wrong')).status, 401);
});

test('nothing is hashed anew for a wrong password, a call with Basic, a good hash or the single user', async (t) => {
  const { replaced, accounts } = recorder();
  let hashes = 0;
  const hash = async () => {
    hashes += 1;
    return '$argon2id$';
  };
  const world = await authWorld(t, { accounts, hasher: { hash } });
  await world.login('anna', 'wrong');
  world.clock.advance(2000);
  await world.call({ url: '/api/v1/me/ip', headers: { authorization: basic('anna', PASSWORD) } });

  const single = await authWorld(t, {
    staticUser: `admin:${bcryptHash(PASSWORD)}`,
    accounts,
    hasher: { hash },
  });
  assert.equal((await single.login('admin')).status, 200);

  const good = [{ username: 'anna', password: '$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$AAAA' }];
  const modern = await authWorld(t, { users: good, accounts, hasher: { hash, verify: async () => true } });
  assert.equal((await modern.login('anna')).status, 200);

  // bcrypt has not looked at the end of this one, so nobody knows whether it is right.
  const long = 'x'.repeat(73);
  const users = [{ username: 'anna', password: bcryptHash(long) }];
  const truncated = await authWorld(t, { users, accounts, hasher: { hash } });
  assert.equal((await truncated.login('anna', `${long} and a slip`)).status, 200);

  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([hashes, replaced], [0, []]);
});

test('logins side by side replace a hash once, and none waits for it', async (t) => {
  let hashes = 0;
  const hash = () => {
    hashes += 1;
    return new Promise<string>(() => undefined);
  };
  const world = await authWorld(t, { hasher: { hash } });
  for (const _ of [1, 2, 3]) assert.equal((await world.login('anna')).status, 200);
  await eventually('the hasher to be asked', () => hashes > 0);
  assert.equal(hashes, 1);
});

test('a replacement that fails is logged without the password and tried again', async (t) => {
  let tries = 0;
  const world = await authWorld(t, {
    accounts: {
      async replacePasswordHash() {
        tries += 1;
        throw new Error('the disk is full');
      },
    },
  });
  for (const count of [1, 2]) {
    assert.equal((await world.login('anna')).status, 200);
    await eventually('the failure', () => failures(world.log.lines).length === count);
  }
  assert.equal(tries, 2);
  assert.ok(failures(world.log.lines).every((line) => !/pwd|\$2|argon/.test(line)));
});

const failures = (lines: readonly string[]): string[] =>
  lines.filter((line) => line.startsWith('error: a password could not be hashed anew'));
