/** A request that was begun in time and is finished late: what counts is who the caller is when it is finished. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthWorld, authWorld, basic, bcryptHash, PASSWORD, titles } from '../support/auth-world.js';
import type { InjectedRequest } from '../support/inject.js';

const users = ['anna', 'carl'].map((username) => ({
  username,
  password: bcryptHash(PASSWORD),
  groups: ['Administrators'],
}));

/** Begins a request, lets `meanwhile` happen, and sends the body. */
async function finishedAfter(world: AuthWorld, request: InjectedRequest, meanwhile: () => Promise<unknown>) {
  let arrive: () => void = () => undefined;
  const bodyAfter = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  const answer = world.call({ ...request, bodyAfter });
  await meanwhile();
  arrive();
  return answer;
}

test('an administrator who is one no more does not finish what he began', async (t) => {
  const world = await authWorld(t, { ownStore: true, users });
  const token = await world.token('carl');
  const answer = await finishedAfter(
    world,
    {
      method: 'PUT',
      url: '/api/v1/users/carl',
      headers: { authorization: `Bearer ${token}` },
      body: { groups: ['Administrators'] },
    },
    () => world.accounts.changeUser('carl', { groups: [] }),
  );
  assert.equal(answer.status, 403, answer.text);
  assert.deepEqual(world.store.users.get('carl')?.groups, []);
});

for (const [what, meanwhile] of [
  ['was removed', (world: AuthWorld) => world.accounts.removeUser('carl')],
  ['has logged out', (world: AuthWorld) => world.auth.sessions.endAll('carl')],
  [
    'must change his password',
    (world: AuthWorld) => world.accounts.changeUser('carl', { passwordExpired: true }),
  ],
] as const) {
  test(`who ${what} meanwhile gets no API token`, async (t) => {
    const world = await authWorld(t, { ownStore: true, users });
    const token = await world.token('carl');
    const answer = await finishedAfter(
      world,
      {
        method: 'POST',
        url: '/api/v1/me/tokens',
        headers: { authorization: `Bearer ${token}` },
        body: { name: 'later', scope: 'read+write' },
      },
      () => meanwhile(world),
    );
    assert.deepEqual([answer.status, ...titles(answer)], [401, 'unauthorized']);
    assert.deepEqual(world.auth.apiTokens.list('carl'), []);
  });
}

test('a password in the header is asked about again, without another hash', async (t) => {
  const world = await authWorld(t, { ownStore: true, users });
  const request = {
    method: 'PUT',
    url: '/api/v1/me',
    headers: { authorization: basic('carl', PASSWORD) },
    body: { username: 'karl' },
  };
  const refused = await finishedAfter(world, request, () =>
    world.accounts.changeUser('carl', { passwordExpired: true }),
  );
  assert.equal(refused.status, 401);
  await world.accounts.changeUser('carl', { passwordExpired: false });
  assert.equal((await world.call(request)).status, 204);
  assert.equal(world.hashed.length, 1);
});
