import assert from 'node:assert/strict';
import { test } from 'node:test';
import bcrypt from 'bcryptjs';
import { hashPassword, verifyPassword } from '../../src/auth/passwords/hash.js';
import { nobodysHash } from '../../src/auth/passwords/nobody.js';
import { authWorld, basic, bcryptHash, PASSWORD } from '../support/auth-world.js';

test('new hashes are argon2id; bcrypt of every spelling is understood', async () => {
  const hash = await hashPassword('pässword');
  assert.match(hash, /^\$argon2id\$v=19\$m=19456,p=1,t=2\$/);
  assert.equal(await verifyPassword('pässword', hash), true);
  assert.equal(await verifyPassword('password', hash), false);
  const bcryptText = bcrypt.hashSync('pässword', 4).slice(4);
  for (const kind of ['$2a$', '$2b$', '$2y$']) {
    assert.equal(await verifyPassword('pässword', kind + bcryptText), true, kind);
    assert.equal(await verifyPassword('x', kind + bcryptText), false, kind);
  }
});

test('a broken hash, or the hash itself, matches nothing', async () => {
  for (const stored of ['$2y$10$short', '$argon2id$broken', '$argon2id$v=19$m=1,t=0,p=0$x$x', 'plain', '']) {
    assert.equal(await verifyPassword('x', stored), false);
    assert.equal(await verifyPassword(stored, stored), false);
  }
  assert.equal(await verifyPassword('', nobodysHash), false);
});

test('a script sending its password with each call pays for one hash a minute', async (t) => {
  const world = await authWorld(t);
  const call = (password: string) =>
    world.call({ url: '/api/v1/me/ip', headers: { authorization: basic('anna', password) } });
  for (let count = 0; count < 20; count++) assert.equal((await call(PASSWORD)).status, 200);
  assert.equal(world.hashed.length, 1);
  world.clock.advance(60_000);
  assert.equal((await call(PASSWORD)).status, 200);
  assert.equal(world.hashed.length, 2);
  await Promise.all(Array.from({ length: 20 }, () => call(PASSWORD)));
  assert.equal(world.hashed.length, 2);
});

test('calls that come together with the same password share one hash', async (t) => {
  // An old hash would become a new one meanwhile, which is to be checked once more.
  const world = await authWorld(t, { users: [{ username: 'anna', password: await hashPassword(PASSWORD) }] });
  const answers = await Promise.all(Array.from({ length: 50 }, () => world.login('anna')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(world.hashed.length, 1);
});

test('a wrong password is hashed every time, and a remembered one ends with its change', async (t) => {
  const world = await authWorld(t, { api: { userLoginWait: 0 } });
  for (const _ of [1, 2, 3]) assert.equal((await world.login('anna', 'wrong')).status, 401);
  assert.equal(world.hashed.length, 3);
  await world.login('anna');
  await world.accounts.setPasswordHash('anna', bcryptHash('another password'));
  assert.equal((await world.login('anna')).status, 401);
});

test('an unknown user costs what a known one costs', async (t) => {
  const stored: string[] = [];
  const users = [{ username: 'anna', password: bcryptHash(PASSWORD) }];
  const world = await authWorld(t, {
    users,
    hasher: {
      verify: async (_, hash) => {
        stored.push(hash);
        return true;
      },
    },
  });
  assert.equal((await world.login('nobody')).status, 401, 'also when the password would match');
  assert.deepEqual(stored, [users[0]?.password]);
  const empty = await authWorld(t, { users: [] });
  assert.equal((await empty.login('nobody')).status, 401);
  assert.equal(empty.hashed.length, 1);
});
