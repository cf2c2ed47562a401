/** What callers may change about themselves. Spec 02 §11. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AuthWorld, authWorld, basic, PASSWORD, titles } from '../support/auth-world.js';
import type { Injected, InjectedRequest } from '../support/inject.js';

const NEW_PASSWORD = 'a password long enough';
const missing = '403 Missing old password.';
const wrong = '403 Incorrect old password.';

const putMe = (world: AuthWorld, token: string, body: object, more: Partial<InjectedRequest> = {}) =>
  world.call({
    method: 'PUT',
    url: '/api/v1/me',
    headers: { authorization: `Bearer ${token}` },
    body,
    ...more,
  });
const refusal = (answer: Injected): string => `${answer.status} ${titles(answer).join(' | ')}`;
const newPassword = (oldPassword: string) => ({ password: NEW_PASSWORD, old_password: oldPassword });

for (const ownStore of [false, true]) {
  const where = ownStore ? 'in the store' : 'in a file';

  test(`a user ${where} changes his password by naming the old one, and stays logged in`, async (t) => {
    const world = await authWorld(t, { ownStore });
    const token = await world.token('bert');
    assert.equal(refusal(await putMe(world, token, { password: NEW_PASSWORD })), missing);
    assert.equal(refusal(await putMe(world, token, newPassword('wrong'))), wrong);
    world.clock.advance(2000);
    const changed = await putMe(world, token, newPassword(PASSWORD));
    assert.deepEqual([changed.status, changed.text], [204, '']);
    assert.equal((await world.get('/me', token)).status, 200);
    assert.equal((await world.login('bert', NEW_PASSWORD)).status, 200);
    assert.equal((await world.login('bert', PASSWORD)).status, 401);
  });

  test(`a user ${where} renames himself and keeps his session`, async (t) => {
    const world = await authWorld(t, { ownStore });
    const token = await world.token('bert');
    assert.equal((await putMe(world, token, { username: 'robert' })).status, 204);
    const me = await world.get('/me', token);
    assert.equal((me.json() as { data: { username: string } }).data.username, 'robert');
    assert.equal((await world.login('robert')).status, 200);
    assert.equal((await world.login('bert')).status, 401);
    assert.equal(
      refusal(await putMe(world, token, { username: 'anna' })),
      '400 Another user with this username already exists',
    );
  });
}

test('rules and shapes are those of users; groups are nobody’s own to change', async (t) => {
  const world = await authWorld(t, { ownStore: true });
  const token = await world.token('bert');
  assert.equal(refusal(await putMe(world, token, {})), '400 nothing to change');
  assert.equal(
    refusal(await putMe(world, token, { two_fa_send_to: 'b@example.org' })),
    '400 nothing to change',
  );
  assert.equal(refusal(await putMe(world, token, { old_password: PASSWORD })), '400 nothing to change');
  assert.equal(refusal(await putMe(world, token, { groups: ['Administrators'] })), '400 Invalid JSON data.');
  assert.equal(refusal(await putMe(world, token, { password_expired: false })), '400 Invalid JSON data.');
  assert.equal(refusal(await putMe(world, token, { totp_secret: 'x' })), '400 Invalid JSON data.');
  assert.equal(
    refusal(await putMe(world, token, { username: ' b', password: 'short', old_password: PASSWORD })),
    '400 username must not start or end with whitespace | Your password is too short',
  );
  assert.equal((await world.call({ method: 'PUT', url: '/api/v1/me', body: {} })).status, 401);
});

test('where codes are sent, a user may change where to', async (t) => {
  const world = await authWorld(t, { ownStore: true, checkReceiver: () => Promise.resolve() });
  const token = await world.token('bert');
  assert.equal((await putMe(world, token, { two_fa_send_to: 'b@example.org' })).status, 204);
  assert.equal(world.store.users.get('bert')?.twoFaSendTo, 'b@example.org');
});

test('a stolen session is no way to guess the password', async (t) => {
  const world = await authWorld(t, { ownStore: true, api: { userLoginWait: 0 } });
  const token = await world.token('bert');
  const before = world.hashed.length;
  for (let guess = 1; guess <= 5; guess += 1) {
    assert.equal(refusal(await putMe(world, token, newPassword(`guess ${guess}`))), wrong);
    assert.equal((await world.get('/me', token)).status, 200, 'which clears the count of the address');
  }
  const refused = await putMe(world, token, newPassword(PASSWORD));
  assert.match(refusal(refused), /^429/, 'right or wrong');
  assert.equal(refused.header('retry-after'), '600');
  assert.equal(world.hashed.length, before + 5, 'and nothing is compared any more');
  const elsewhere = await putMe(world, token, newPassword('x'), { remoteAddress: '192.0.2.77' });
  assert.equal(refusal(elsewhere), wrong, 'the owner, at another address, has tries of his own');
  assert.equal((await putMe(world, token, { username: 'robert' })).status, 204, 'other changes go on');
  world.clock.advance(600_000);
  assert.equal((await world.get('/me', await world.token('robert'))).status, 200);
});

test('nor is it from many addresses', async (t) => {
  const world = await authWorld(t, { ownStore: true, api: { userLoginWait: 0 } });
  const token = await world.token('bert');
  const outcomes: number[] = [];
  for (let at = 1; at <= 25; at += 1) {
    const { status } = await putMe(world, token, newPassword(`guess ${at}`), {
      remoteAddress: `192.0.2.${at}`,
    });
    outcomes.push(status);
  }
  assert.deepEqual(outcomes, [...Array<number>(20).fill(403), ...Array<number>(5).fill(429)]);
});

test('guesses side by side: one that fails makes the others wait', async (t) => {
  const world = await authWorld(t, { ownStore: true });
  const token = await world.token('bert');
  const answers = await Promise.all(
    ['a', 'b', 'c', 'd', PASSWORD].map((guess) => putMe(world, token, newPassword(guess))),
  );
  const statuses = answers.map(({ status }) => status).sort();
  assert.equal(statuses.filter((status) => status === 403).length >= 1, true);
  assert.equal(
    statuses.every((status) => [204, 403, 429].includes(status)),
    true,
  );
  assert.equal((await world.login('bert')).status, 429, 'wrong old passwords count as failed logins');
  assert.equal((await world.get('/me', token)).status, 200, 'and leave sessions alone');
});

test('with Basic authentication the old password is asked for, too', async (t) => {
  const world = await authWorld(t, { ownStore: true });
  const headers = { authorization: basic('bert', PASSWORD) };
  assert.equal(refusal(await putMe(world, '', { password: NEW_PASSWORD }, { headers })), missing);
  assert.equal((await putMe(world, '', newPassword(PASSWORD), { headers })).status, 204);
  assert.equal((await putMe(world, '', { username: 'x' }, { headers })).status, 401);
});
