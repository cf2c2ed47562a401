/** Logins with codes that are sent, through the API and a real receiver. Spec 02 §8 and §24.6. */

import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { decodeJwt } from 'jose';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  basic,
  bcryptHash,
  PASSWORD,
  titles,
} from '../support/auth-world.js';
import { type FormReceiver, formReceiver } from '../support/form-receiver.js';
import type { Injected, InjectedRequest } from '../support/inject.js';
import { tempFolder } from '../support/temp-folder.js';

const TTL_SECONDS = 600;
const hash = bcryptHash(PASSWORD);
const people = [
  {
    username: 'anna',
    password: hash,
    groups: ['Administrators'],
    two_fa_send_to: 'anna@example.org',
  },
  { username: 'bert', password: hash, groups: null, two_fa_send_to: 'bert@example.org' },
  { username: 'carl', password: hash, groups: null, two_fa_send_to: '' },
  { username: 'dora', password: hash, password_expired: true, two_fa_send_to: 'dora@example.org' },
];

interface World extends AuthWorld {
  readonly receiver: FormReceiver;
  /** The first step; its token, and the code that was sent. */
  first(username: string, more?: Partial<InjectedRequest>): Promise<{ token: string; code: string }>;
  verify(token: string, username: string, code: string, more?: Partial<InjectedRequest>): Promise<Injected>;
}

/** Without waits and bans, so that a test sees the refusal itself. */
async function makeWorld(t: TestContext, { api, ...parts }: AuthWorldParts = {}): Promise<World> {
  const receiver = await formReceiver(t);
  const world = await authWorld(t, {
    users: people,
    ...parts,
    api: {
      twoFaTokenDelivery: receiver.url,
      twoFaTokenTtlSeconds: TTL_SECONDS,
      twoFaSendTimeout: 20_000,
      baseUrl: 'https://tideway.example.com',
      userLoginWait: 0,
      maxFailedLogin: 0,
      ...api,
    },
  });
  return {
    ...world,
    receiver,
    async first(username, more) {
      const answer = await world.login(username, PASSWORD, more);
      assert.equal(answer.status, 200, answer.text);
      const code = receiver.last().fields.token ?? '';
      return { token: (answer.json() as { data: { token: string } }).data.token, code };
    },
    verify: (token, username, code, { headers, ...more } = {}) =>
      world.call({
        method: 'POST',
        url: '/api/v1/verify-2fa',
        headers: { authorization: `Bearer ${token}`, ...headers },
        body: { username, token: code },
        ...more,
      }),
  };
}

const refusal = (answer: Injected): string =>
  answer.status === 200 ? '200' : `${answer.status} ${answer.status === 423 ? '' : titles(answer)[0]}`;
const tokenOf = (answer: Injected): string => (answer.json() as { data: { token: string } }).data.token;

test('a login sends a code and answers a limited token', async (t) => {
  const world = await makeWorld(t);
  const headers = { authorization: basic('anna', PASSWORD), 'user-agent': 'Test/1' };
  const answer = await world.login('anna', PASSWORD, { headers });
  assert.equal(answer.status, 200);
  const { data } = answer.json() as { data: { token: string; two_fa: unknown } };
  assert.deepEqual(data.two_fa, {
    send_to: 'anna@example.org',
    delivery_method: 'url',
    totp_key_status: '',
  });
  assert.deepEqual(decodeJwt(data.token).scopes, [{ uri: '/api/v1/verify-2fa', method: 'POST' }]);
  const { token: code, ...fields } = world.receiver.last().fields;
  assert.match(code ?? '', /^[0-9a-zA-Z]{6}$/);
  assert.deepEqual(fields, {
    email: 'anna@example.org',
    ttl: '600',
    user_agent: 'Test/1',
    remote_address: '192.0.2.1',
    url: 'https://tideway.example.com',
  });
  const status = await world.get('/status', data.token);
  assert.equal(status.status, 401);
});

test('the limited token opens nothing but the second step', async (t) => {
  const world = await makeWorld(t);
  const { token } = await world.first('anna');
  for (const [method, path] of [
    ['GET', '/me'],
    ['GET', '/me/ip'],
    ['GET', '/me/totp-secret'],
    ['POST', '/me/totp-secret'],
    ['DELETE', '/me/totp-secret'],
    ['DELETE', '/users/bert/totp-secret'],
  ] as const) {
    assert.equal(refusal(await world.get(path, token, { method })), '401 unauthorized', `${method} ${path}`);
  }
  assert.equal((await world.get('/logout', token, { method: 'DELETE' })).status, 400);
  assert.equal((await world.get('/verify-2fa', token)).status, 405);
});

test('the code and the limited token make a full one, once', async (t) => {
  const world = await makeWorld(t);
  const { token, code } = await world.first('anna');
  const answer = await world.verify(token, 'anna', code, { url: '/api/v1/verify-2fa?token-lifetime=7200' });
  assert.equal(answer.status, 200);
  assert.equal((answer.json() as { data: { two_fa: null } }).data.two_fa, null);
  const full = tokenOf(answer);
  assert.equal((await world.get('/me', full)).status, 200);
  const row = world.store.sessions.get(decodeJwt(full).sessionID as number);
  assert.equal(row?.expiresAt, world.clock.now() + 7_200_000);
  assert.equal(refusal(await world.verify(full, 'anna', code)), '401 unauthorized');
  assert.equal(refusal(await world.verify(token, 'anna', code)), '401 unauthorized', 'used');
  const again = await world.first('anna');
  assert.equal(refusal(await world.verify(again.token, 'anna', code)), '401 invalid token', 'an old code');
});

test('a password alone is refused everywhere else', async (t) => {
  const world = await makeWorld(t);
  const headers = { authorization: basic('anna', PASSWORD) };
  assert.equal(refusal(await world.call({ url: '/api/v1/me/ip', headers })), '401 unauthorized');
  const { code } = await world.first('anna');
  const answer = await world.verify('', 'anna', code, { headers });
  assert.equal(refusal(answer), '401 unauthorized', 'the second step takes no Basic');
});

test('refusals of the second step in the order of spec 02 §8.2', async (t) => {
  const world = await makeWorld(t);
  const { token, code } = await world.first('anna');
  const send = async (body: string | object, bearer = token): Promise<string> =>
    refusal(await world.verify(bearer, '', '', { body }));
  assert.equal(await send('{', 'garbage'), '401 unauthorized', 'the token comes first');
  assert.equal(await send(''), '400 Missing body with json data.');
  assert.equal(await send('{'), '400 Invalid JSON data.');
  assert.equal(await send({ username: 'anna', code }), '400 Invalid JSON data.');
  assert.equal(await send({ username: 'anna', token: 5 }), '400 Invalid JSON data.');
  assert.equal(await send({ username: '', token: code }), '401 username is required');
  assert.equal(await send({ username: 'anna', token: '' }), '401 token is required');
  assert.equal(
    await send({ username: 'bert', token: code }),
    '401 2fa token not found for provided username',
  );
  assert.equal(
    await send({ username: 'nobody', token: code }),
    '401 2fa token not found for provided username',
  );
  assert.equal(await send({ username: 'anna', token: 'wrong1' }), '401 invalid token');
  assert.equal(await send({ username: 'anna', token: 'x'.repeat(9_000) }), '401 invalid token');
  const lifetime = await world.verify(token, 'anna', code, {
    url: '/api/v1/verify-2fa?token-lifetime=abc',
  });
  assert.equal(lifetime.status, 400);
  assert.equal((await world.verify(token, 'anna', code)).status, 200, 'a bad lifetime costs no login');
});

test('a code ends at its time', async (t) => {
  const world = await makeWorld(t);
  const first = await world.first('anna');
  world.clock.advance(TTL_SECONDS * 1_000 - 1);
  assert.equal((await world.verify(first.token, 'anna', first.code)).status, 200);
  const second = await world.first('anna');
  world.clock.advance(TTL_SECONDS * 1_000);
  assert.equal(refusal(await world.verify(second.token, 'anna', second.code)), '401 2fa token expired');
});

test('codes and tokens of two users cannot be swapped', async (t) => {
  const world = await makeWorld(t);
  const anna = await world.first('anna');
  const bert = await world.first('bert');
  const unknown = '401 2fa token not found for provided username';
  assert.equal(refusal(await world.verify(bert.token, 'anna', anna.code)), unknown);
  assert.equal(refusal(await world.verify(bert.token, 'bert', anna.code)), '401 invalid token');
  assert.equal(refusal(await world.verify(anna.token, 'bert', bert.code)), unknown);
  const right = await world.verify(bert.token, 'bert', bert.code);
  assert.equal(decodeJwt(tokenOf(right)).username, 'bert');
});

test('each login has a code of its own', async (t) => {
  const world = await makeWorld(t);
  const one = await world.first('anna');
  const two = await world.first('anna');
  assert.equal(refusal(await world.verify(one.token, 'anna', two.code)), '401 invalid token');
  assert.equal((await world.verify(one.token, 'anna', one.code)).status, 200);
  assert.equal((await world.verify(two.token, 'anna', two.code)).status, 200);
});

test('five wrong codes end the login', async (t) => {
  const world = await makeWorld(t);
  const { token, code } = await world.first('anna');
  for (let tries = 0; tries < 5; tries++) {
    assert.equal(refusal(await world.verify(token, 'anna', 'wrong1')), '401 invalid token');
  }
  assert.equal(
    refusal(await world.verify(token, 'anna', code)),
    '401 2fa token not found for provided username',
  );
});

test('guesses side by side are five, too', async (t) => {
  const world = await makeWorld(t);
  const { token, code } = await world.first('anna');
  const guesses = await Promise.all(Array.from({ length: 30 }, () => world.verify(token, 'anna', 'wrong1')));
  const judged = guesses.filter((answer) => refusal(answer) === '401 invalid token');
  assert.equal(judged.length, 5);
  assert.notEqual((await world.verify(token, 'anna', code)).status, 200);
});

test('logging in again buys no more guesses: the user has to wait', async (t) => {
  const world = await makeWorld(t);
  let guesses = 0;
  for (let login = 0; login < 2; login++) {
    const { token } = await world.first('anna');
    for (let tries = 0; tries < 5; tries++) {
      guesses += 1;
      await world.verify(token, 'anna', 'wrong1');
    }
  }
  assert.equal(guesses, 10);
  const sent = world.receiver.forms.length;
  const login = await world.login('anna');
  assert.equal(refusal(login), '429 too many requests, please try later');
  assert.equal(login.header('retry-after'), '600');
  assert.equal(world.receiver.forms.length, sent, 'no code is sent');
  assert.equal((await world.login('bert')).status, 200);
  world.clock.advance(600_000);
  const { token, code } = await world.first('anna');
  assert.equal((await world.verify(token, 'anna', code)).status, 200);
});

test('wrong codes make the user wait and ban the address, whatever first steps succeed between', async (t) => {
  const world = await makeWorld(t, { api: { userLoginWait: 2, maxFailedLogin: 4, banTime: 600 } });
  for (let tries = 0; tries < 4; tries++) {
    const { token, code } = await world.first('anna');
    assert.equal(refusal(await world.verify(token, 'anna', 'wrong1')), '401 invalid token');
    if (tries === 3) break;
    assert.equal(
      refusal(await world.verify(token, 'anna', code)),
      '429 too many requests, please try later',
      'also for the right one',
    );
    world.clock.advance(2_000);
  }
  assert.equal((await world.login('anna')).status, 423);
  const elsewhere = await world.login('anna', PASSWORD, { remoteAddress: '192.0.2.77' });
  assert.equal(elsewhere.status, 200);
});

test('a completed login clears the count of its address', async (t) => {
  const world = await makeWorld(t, { api: { maxFailedLogin: 4, banTime: 600 } });
  for (let round = 0; round < 3; round++) {
    const { token, code } = await world.first('anna');
    for (let tries = 0; tries < 3; tries++) await world.verify(token, 'anna', 'wrong1');
    assert.equal((await world.verify(token, 'anna', code)).status, 200);
  }
});

test('codes that nobody uses are limited', async (t) => {
  const world = await makeWorld(t);
  for (let count = 0; count < 10; count++) await world.first('anna');
  assert.equal(refusal(await world.login('anna')), '429 too many requests, please try later');
  assert.equal(world.receiver.forms.length, 10);
  const other = await world.login('anna', PASSWORD, { remoteAddress: '192.0.2.77' });
  assert.equal(other.status, 200, 'the owner is elsewhere');
});

test('nobody to send to is 400, and leaves no session', async (t) => {
  const world = await makeWorld(t);
  assert.equal(refusal(await world.login('carl')), '400 no two_fa_send_to set for this user');
  assert.deepEqual([...world.store.sessions.byUser('carl')], []);
});

test('what could not be sent is 500 with the reason, and leaves no session', async (t) => {
  const world = await makeWorld(t);
  world.receiver.answer((response) => response.writeHead(503).end());
  assert.equal(
    refusal(await world.login('anna')),
    '500 failed to send 2fa verification code: 503 Service Unavailable',
  );
  assert.deepEqual([...world.store.sessions.byUser('anna')], []);
});

test('a service that repeats the code in its refusal does not get it into answer or log', async (t) => {
  const world = await makeWorld(t);
  world.receiver.answer((response, { fields }) => response.writeHead(500, `bad ${fields.token}`).end());
  assert.equal(
    refusal(await world.login('anna')),
    '500 failed to send 2fa verification code: 500 bad ******',
  );
  const code = world.receiver.last().fields.token ?? '?';
  assert.ok(world.log.lines.some((line) => line.includes('bad ******')));
  assert.ok(!world.log.lines.some((line) => line.includes(code)));
});

test('a program that repeats the code neither', async (t) => {
  const script = join(tempFolder(t), 'send.sh');
  writeFileSync(script, '#!/bin/sh\necho "out $RPORT_2FA_TOKEN"\necho "err $RPORT_2FA_TOKEN" >&2\nexit 7\n');
  chmodSync(script, 0o700);
  const world = await makeWorld(t, {
    api: { twoFaTokenDelivery: script, twoFaSendToType: 'none', twoFaSendToRegex: '' },
  });
  assert.equal(
    refusal(await world.login('anna')),
    '500 failed to send 2fa verification code: exit status 7 err ******',
  );
  assert.ok(world.log.lines.includes('info: 2fa script: out ******'), world.log.lines.join('\n'));
});

test('no token and no code is ever in the log', async (t) => {
  const world = await makeWorld(t);
  const { token, code } = await world.first('anna');
  await world.verify(token, 'anna', 'wrong1');
  const full = tokenOf(await world.verify(token, 'anna', code));
  const log = world.log.lines.join('\n');
  assert.match(log, /failed login of "anna"/);
  for (const secret of [token, full, code, PASSWORD, hash]) assert.ok(!log.includes(secret));
});

const change = (world: World, username: string, password = 'a password long enough') =>
  world.call({
    method: 'POST',
    url: '/api/v1/login',
    headers: { 'content-type': 'application/json' },
    body: { username, password: PASSWORD, new_password: password },
  });

test('a new password is stored after the second step, not before', async (t) => {
  const world = await makeWorld(t);
  const answer = await change(world, 'anna');
  assert.equal(answer.status, 200);
  const code = world.receiver.last().fields.token ?? '';
  assert.equal((await world.login('anna')).status, 200, 'the old one is good');
  assert.equal((await world.login('anna', 'a password long enough')).status, 401);
  assert.equal((await world.verify(tokenOf(answer), 'anna', code)).status, 200);
  assert.equal((await world.login('anna')).status, 401);
  assert.equal((await world.login('anna', 'a password long enough')).status, 200);
});

test('one factor does not change the other', async (t) => {
  const world = await makeWorld(t);
  const answer = await change(world, 'anna');
  for (let tries = 0; tries < 5; tries++) await world.verify(tokenOf(answer), 'anna', 'wrong1');
  assert.equal((await world.login('anna', 'a password long enough')).status, 401);
  const { token, code } = await world.first('anna');
  assert.equal((await world.verify(token, 'anna', code)).status, 200);
  assert.equal((await world.login('anna')).status, 200);
});

test('an expired password takes a new one and the second step', async (t) => {
  const world = await makeWorld(t);
  assert.equal(refusal(await world.login('dora')), '401 password has expired, please change your password');
  assert.equal(world.receiver.forms.length, 0);
  const answer = await change(world, 'dora');
  assert.equal(
    refusal(await world.login('dora')),
    '401 password has expired, please change your password',
    'nothing has changed yet',
  );
  const code = world.receiver.last().fields.token ?? '';
  const full = tokenOf(await world.verify(tokenOf(answer), 'dora', code));
  assert.equal((await world.get('/me', full)).status, 200);
});
