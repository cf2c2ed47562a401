/** What becomes of sessions and API tokens when their user is renamed, removed, or comes back. Spec 02 §5.2, §12.5. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthWorld, authWorld, basic, PASSWORD, titles } from '../support/auth-world.js';

const NEW_PASSWORD = 'a password long enough';

/** A session and an API token of bert. */
async function accessOf(world: AuthWorld) {
  const session = await world.token('bert');
  const { clear } = await world.auth.apiTokens.create(
    { username: 'bert', admin: false },
    { name: 'ci', scope: 'read+write', expiresAt: null },
  );
  return {
    bySession: () => world.get('/me', session),
    byToken: (username: string) =>
      world.call({ url: '/api/v1/me', headers: { authorization: basic(username, clear) } }),
  };
}

const username = (answer: { json(): unknown }) =>
  (answer.json() as { data: { username: string } }).data.username;

for (const ownStore of [false, true]) {
  const where = ownStore ? 'in the store' : 'in a file';

  test(`a renamed user ${where} stays logged in, and his successor under the old name is nobody`, async (t) => {
    const world = await authWorld(t, { ownStore });
    const { bySession, byToken } = await accessOf(world);
    await world.accounts.changeUser('bert', { username: 'robert' });
    world.clock.advance(2000);
    assert.equal(username(await bySession()), 'robert');
    assert.equal(username(await byToken('robert')), 'robert');

    await world.accounts.addUser({ username: 'bert', password: NEW_PASSWORD, groups: ['Administrators'] });
    world.clock.advance(2000);
    assert.equal(username(await bySession()), 'robert', 'not the new bert, who is an administrator');
    assert.equal((await byToken('bert')).status, 401);
    assert.equal(username(await byToken('robert')), 'robert');
    const owners = (await world.auth.sessions.list('robert')).map((session) => session.username);
    assert.deepEqual(owners, ['robert']);
  });

  test(`a removed user ${where} is out at once, and who gets his name later has nothing of his`, async (t) => {
    const world = await authWorld(t, { ownStore });
    const { bySession, byToken } = await accessOf(world);
    await world.accounts.removeUser('bert');
    world.clock.advance(2000);
    assert.equal((await bySession()).status, 401);
    assert.equal((await byToken('bert')).status, 401);
    world.clock.advance(2000);
    await world.accounts.addUser({ username: 'bert', password: NEW_PASSWORD });
    world.clock.advance(2000);
    assert.equal((await bySession()).status, 401);
    assert.equal((await byToken('bert')).status, 401);
    world.clock.advance(2000);
    assert.equal((await world.login('bert', NEW_PASSWORD)).status, 200);
    assert.deepEqual(world.auth.apiTokens.list('bert'), []);
  });

  test(`an expired password ${where} ends sessions and holds back API tokens`, async (t) => {
    const world = await authWorld(t, { ownStore });
    const { bySession, byToken } = await accessOf(world);
    await world.accounts.changeUser('bert', { passwordExpired: true });
    world.clock.advance(2000);
    assert.equal((await bySession()).status, 401);
    const refused = await byToken('bert');
    assert.deepEqual(
      [refused.status, ...titles(refused)],
      [401, 'password has expired, please change your password'],
    );
    const renewed = await world.call({
      method: 'POST',
      url: '/api/v1/login',
      headers: { 'content-type': 'application/json' },
      body: { username: 'bert', password: PASSWORD, new_password: NEW_PASSWORD },
    });
    assert.equal(renewed.status, 200, renewed.text);
    world.clock.advance(2000);
    assert.equal((await byToken('bert')).status, 200);
  });
}
