/** Logins while their users change: a token is for him who has proved himself, as he is when he gets it. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { verifyPassword } from '../../src/auth/passwords/hash.js';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  bcryptHash,
  PASSWORD,
} from '../support/auth-world.js';

const OTHER = 'a password long enough';
const ANOTHER = 'another one long enough';
const users = ['anna', 'bert', 'dora'].map((username) => ({
  username,
  password: bcryptHash(PASSWORD),
  groups: username === 'bert' ? null : ['Administrators'],
}));

/** `meanwhile` happens when the password has been compared, and before anybody knows. */
async function overtaken(
  t: Parameters<typeof authWorld>[0],
  meanwhile: (world: AuthWorld) => Promise<unknown>,
  parts: AuthWorldParts = {},
): Promise<AuthWorld> {
  let happened = false;
  const world: AuthWorld = await authWorld(t, {
    ownStore: true,
    users,
    ...parts,
    hasher: {
      async verify(password, stored) {
        const right = await verifyPassword(password, stored);
        if (!happened) {
          happened = true;
          await meanwhile(world);
        }
        return right;
      },
    },
  });
  return world;
}

const loginWith = (world: AuthWorld, new_password: string, password = PASSWORD) =>
  world.call({
    method: 'POST',
    url: '/api/v1/login',
    headers: { 'content-type': 'application/json' },
    body: { username: 'bert', password, new_password },
  });

for (const ownStore of [true, false]) {
  const where = ownStore ? 'the store' : 'a file';

  test(`a user of ${where} who comes back while his predecessor logs in gets no session of his`, async (t) => {
    const world = await overtaken(
      t,
      async ({ accounts }) => {
        await accounts.removeUser('bert');
        await accounts.addUser({ username: 'bert', password: OTHER, groups: ['Administrators'] });
      },
      { ownStore },
    );
    assert.equal((await world.login('bert')).status, 401);
    assert.deepEqual([...world.store.sessions.byUser('bert')], []);
  });

  test(`nobody logs in to ${where} as him who just got his name`, async (t) => {
    const world = await overtaken(
      t,
      async ({ accounts }) => {
        await accounts.changeUser('bert', { username: 'robert' });
        await accounts.changeUser('dora', { username: 'bert', password: OTHER });
      },
      { ownStore },
    );
    assert.equal((await world.login('bert')).status, 401);
    assert.deepEqual([...world.store.sessions.byUser('bert')], []);
  });
}

test('a password that is changed meanwhile opens nothing', async (t) => {
  const world = await overtaken(t, ({ accounts }) => accounts.changeUser('bert', { password: OTHER }));
  assert.equal((await world.login('bert')).status, 401);
  assert.deepEqual([...world.store.sessions.byUser('bert')], []);
});

test('one that is only hashed anew does', async (t) => {
  const world = await overtaken(t, ({ store }) =>
    store.users.change('bert', { password: bcryptHash(PASSWORD) }),
  );
  assert.equal((await world.login('bert')).status, 200);
  world.clock.advance(2000);
  const renewing = await overtaken(t, ({ store }) =>
    store.users.change('bert', { password: bcryptHash(PASSWORD) }),
  );
  assert.equal((await loginWith(renewing, OTHER)).status, 200);
  assert.equal((await renewing.login('bert', OTHER)).status, 200);
});

test('of two new passwords at once one is taken, and that one counts', async (t) => {
  const world = await authWorld(t, { ownStore: true, users });
  const answers = await Promise.all([loginWith(world, OTHER), loginWith(world, ANOTHER)]);
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401]);
  world.clock.advance(2000);
  const taken = answers[0].status === 200 ? OTHER : ANOTHER;
  assert.equal((await world.login('bert', taken)).status, 200);
});

test('a new password does not undo the one an administrator has set meanwhile', async (t) => {
  const world = await overtaken(t, ({ accounts }) => accounts.changeUser('bert', { password: OTHER }));
  assert.equal((await loginWith(world, ANOTHER)).status, 401);
  world.clock.advance(2000);
  assert.equal((await world.login('bert', ANOTHER)).status, 401);
  world.clock.advance(2000);
  assert.equal((await world.login('bert', OTHER)).status, 200);
});

test('a session that outlives its end, by a crash for example, is of no use while the password has expired', async (t) => {
  const world = await authWorld(t, { ownStore: true, users });
  const token = await world.token('bert');
  await world.store.users.change('bert', { passwordExpired: true });
  const refused = await world.get('/me', token);
  assert.equal(refused.status, 401);
  assert.match(refused.text, /password has expired, please change your password/);
});
