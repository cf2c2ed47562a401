/** Login sessions as administrators see them, and whose they are. Spec 02 §13 and §24.12. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt } from 'jose';
import type { SecondFactor } from '../../src/auth/second-factor/second-factor.js';
import { type AuthWorld, authWorld, PASSWORD, titles } from '../support/auth-world.js';

interface Session {
  readonly session_id: number;
  readonly username: string;
  readonly expires_at: string;
  readonly last_access_at: string;
  readonly user_agent: string;
  readonly ip_address: string;
}

const sessionId = (token: string): number => decodeJwt(token).sessionID as number;

const sessionsOf = async (world: AuthWorld, user: string, by: string): Promise<Session[]> => {
  const answer = await world.get(`/users/${user}/sessions`, by);
  assert.equal(answer.status, 200, answer.text);
  return (answer.json() as { data: Session[] }).data;
};

const end = (world: AuthWorld, path: string, by: string) =>
  world.call({ method: 'DELETE', url: `/api/v1${path}`, headers: { authorization: `Bearer ${by}` } });

const isAlive = async (world: AuthWorld, token: string): Promise<boolean> =>
  (await world.get('/me/ip', token)).status === 200;

test('sessions are listed with the longest unused first, as they were used a moment ago', async (t) => {
  const world = await authWorld(t);
  const admin = await world.token('anna');
  const [first, second] = [await world.token('bert', 60), await world.token('bert', 3600)];
  world.clock.advance(10);
  const headers = { 'user-agent': 'curl/8' };
  await world.get('/me/ip', first, { headers, remoteAddress: '192.0.2.77' });
  const [older, latest, ...others] = await sessionsOf(world, 'bert', admin);
  assert.deepEqual(others, []);
  assert.deepEqual(older, {
    session_id: sessionId(second),
    expires_at: '2026-01-01T01:00:00Z',
    username: 'bert',
    last_access_at: '2026-01-01T00:00:00Z',
    user_agent: '',
    ip_address: '192.0.2.1',
  });
  assert.deepEqual(latest, {
    session_id: sessionId(first),
    expires_at: '2026-01-01T00:10:00.01Z',
    username: 'bert',
    last_access_at: '2026-01-01T00:00:00.01Z',
    user_agent: 'curl/8',
    ip_address: '192.0.2.77',
  });
  world.clock.advance(5);
  await world.get('/me/ip', second);
  assert.deepEqual(
    (await sessionsOf(world, 'bert', admin)).map((session) => session.session_id),
    [sessionId(first), sessionId(second)],
  );
});

test('nobody has the sessions of nobody, and ended ones are not shown', async (t) => {
  const world = await authWorld(t);
  const admin = await world.token('anna');
  for (const name of ['nobody', '%00', 'x'.repeat(3000)]) {
    assert.deepEqual(await sessionsOf(world, name, admin), []);
    assert.equal((await end(world, `/users/${name}/sessions`, admin)).status, 204);
  }
  await world.token('bert', 1);
  world.clock.advance(1000);
  assert.deepEqual(await sessionsOf(world, 'bert', admin), []);
});

test('one session of a user ends, or all of them, at once and for good', async (t) => {
  const world = await authWorld(t);
  const admin = await world.token('anna');
  const tokens = [await world.token('bert'), await world.token('bert'), await world.token('bert')] as const;
  const one = await end(world, `/users/bert/sessions/${sessionId(tokens[0])}`, admin);
  assert.deepEqual([one.status, one.text], [204, '']);
  assert.deepEqual(await Promise.all(tokens.map((token) => isAlive(world, token))), [false, true, true]);
  assert.equal((await end(world, '/users/bert/sessions', admin)).status, 204);
  assert.deepEqual(await Promise.all(tokens.map((token) => isAlive(world, token))), [false, false, false]);
  assert.equal(await isAlive(world, admin), true, 'other users stay logged in');
  await world.token('bert');
  world.clock.advance(5000);
  assert.deepEqual(await Promise.all(tokens.map((token) => isAlive(world, token))), [false, false, false]);
});

test('uses that cross the end of a session do not bring it back', async (t) => {
  const world = await authWorld(t);
  const admin = await world.token('anna');
  const token = await world.token('bert', 1);
  const uses = Array.from({ length: 10 }, () => world.get('/me/ip', token));
  await Promise.all([...uses, end(world, '/users/bert/sessions', admin)]);
  world.clock.advance(1000);
  await world.auth.finish();
  assert.equal(world.store.sessions.get(sessionId(token)), undefined);
  assert.equal(await isAlive(world, token), false);
});

test('a session cannot be ended under the name of another user', async (t) => {
  const world = await authWorld(t);
  const admin = await world.token('anna');
  const token = await world.token('bert');
  for (const user of ['anna', 'nobody']) {
    assert.equal((await end(world, `/users/${user}/sessions/${sessionId(token)}`, admin)).status, 204);
  }
  assert.equal(await isAlive(world, token), true);
  for (const unknown of ['1', '-1', '0', '9223372036854775807']) {
    assert.equal((await end(world, `/users/bert/sessions/${unknown}`, admin)).status, 204, unknown);
  }
  for (const bad of ['abc', '1.5', '1e3', '0x1', '99999999999999999999']) {
    const answer = await end(world, `/users/bert/sessions/${bad}`, admin);
    assert.deepEqual(
      [answer.status, ...titles(answer)],
      [400, `unable to parse session ID "${bad}" for user "bert"`],
    );
  }
  assert.equal(await isAlive(world, token), true);
});

test('only administrators see and end sessions, also those of the single user', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('bert');
  const calls = [
    world.get('/users/bert/sessions', token),
    end(world, '/users/bert/sessions', token),
    end(world, `/users/bert/sessions/${sessionId(token)}`, token),
  ];
  for (const answer of await Promise.all(calls)) assert.equal(answer.status, 403);
  assert.equal((await world.call({ url: '/api/v1/users/bert/sessions' })).status, 401);
  assert.equal(await isAlive(world, token), true);

  const single = await authWorld(t, { staticUser: `admin:${PASSWORD}` });
  const admin = await single.token('admin');
  assert.equal((await sessionsOf(single, 'admin', admin)).length, 1);
  assert.equal((await end(single, '/users/admin/sessions', admin)).status, 204);
  assert.equal(await isAlive(single, admin), false);
});

test('when the store fails the answer has the title of the spec, and no more', async (t) => {
  const world = await authWorld(t);
  const admin = await world.token('anna');
  const fail = () => Promise.reject(new Error('disk is full of /secret/paths'));
  world.store.sessions.removeUser = fail;
  world.store.sessions.removeOf = fail;
  world.store.sessions.byUser = () => {
    throw new Error('disk is full of /secret/paths');
  };
  const expected = [
    [await world.get('/users/bert/sessions', admin), 'unable to get sessions for user "bert"'],
    [await end(world, '/users/bert/sessions', admin), 'unable to delete all sessions for user "bert"'],
    [await end(world, '/users/bert/sessions/1', admin), 'unable to delete session "1" for user "bert"'],
  ] as const;
  for (const [answer, title] of expected) {
    assert.deepEqual([answer.status, ...titles(answer)], [500, title]);
    assert.ok(!answer.text.includes('/secret'));
  }
  assert.ok(world.log.lines.some((line) => line.includes('/secret/paths')));
});

test('a session survives the rename of its user and belongs to him under his new name', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('bert');
  await world.accounts.changeUser('bert', { username: 'robert' });
  const password = 'a password long enough';
  // Somebody new gets the old name, with more rights.
  await world.accounts.addUser({ username: 'bert', password, groups: ['Administrators'] });
  world.clock.advance(2000);
  const me = (await world.get('/me', token)).json() as { data: { username: string; groups: unknown } };
  assert.deepEqual([me.data.username, me.data.groups], ['robert', null]);
  assert.equal((await world.get('/users/anna/sessions', token)).status, 403, 'no rights of the namesake');

  const admin = await world.token('anna');
  assert.deepEqual(await sessionsOf(world, 'bert', admin), []);
  const [session] = await sessionsOf(world, 'robert', admin);
  assert.deepEqual([session?.session_id, session?.username], [sessionId(token), 'robert']);
  assert.equal((await end(world, '/users/bert/sessions', admin)).status, 204);
  assert.equal(await isAlive(world, token), true);
  const out = await world.call({
    method: 'DELETE',
    url: '/api/v1/logout',
    headers: { authorization: `Bearer ${token}` },
  });
  assert.equal(out.status, 204);
  assert.equal(await isAlive(world, token), false);
});

test('a user who comes back under his name inherits no session', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('bert');
  await world.store.sessions.removeUser('bert');
  assert.equal(await isAlive(world, token), false, 'although there is a user of that name');
});

test('a login that waits for its second step is not listed, ends with the others, and does not grow old', async (t) => {
  const secondFactor: SecondFactor = {
    method: 'totp_authenticator_app',
    ttl: 60_000,
    begin: async () => ({ sendTo: '', deliveryMethod: 'totp_authenticator_app', totpKeyStatus: 'pending' }),
    complete: () => Promise.reject(new Error('unused')),
  };
  const world = await authWorld(t, { secondFactor });
  const { clear } = await world.auth.apiTokens.create(
    { username: 'anna', admin: true },
    { name: 'x', scope: 'read+write', expiresAt: null },
  );
  const authorization = `Basic ${Buffer.from(`anna:${clear}`).toString('base64')}`;
  const admin = (method: string) =>
    world.call({ method, url: '/api/v1/users/bert/sessions', headers: { authorization } });
  /** Whether the token is good for the one thing it can open. */
  const isGood = async (token: string): Promise<boolean> => {
    const credentials = { userAgent: '', ip: '192.0.2.1', method: 'POST', path: '/api/v1/me/totp-secret' };
    try {
      await world.auth.authenticate({ ...credentials, authorization: `Bearer ${token}` });
      return true;
    } catch {
      return false;
    }
  };

  const pending = await world.token('bert');
  assert.equal(await isGood(pending), true);
  assert.deepEqual((await admin('GET')).json(), { data: [] });
  assert.equal((await admin('DELETE')).status, 204);
  assert.equal(await isGood(pending), false);

  const used = await world.token('bert');
  const row = () => world.store.sessions.get(sessionId(used));
  const before = row()?.expiresAt ?? 0;
  world.clock.advance(1000);
  assert.equal(await isGood(used), true);
  await world.auth.finish();
  assert.equal(row()?.expiresAt, before, 'a use does not prolong it');
  assert.ok((decodeJwt(used).exp ?? 0) * 1000 <= before);
});
