import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import type { SecondFactor } from '../../src/auth/second-factor/second-factor.js';
import { authWorld, basic, bcryptHash, PASSWORD, titles } from '../support/auth-world.js';

const form = (body: string, url = '/api/v1/login', type = 'application/x-www-form-urlencoded') => ({
  method: 'POST',
  url,
  headers: { 'content-type': type },
  body,
});
const json = (body: object | string, type = 'application/json') => ({
  method: 'POST',
  url: '/api/v1/login',
  headers: { 'content-type': type },
  body,
});

test('a login answers a token in the shape of spec 02 §6.1 and §7.1', async (t) => {
  const world = await authWorld(t);
  const answer = await world.login('anna');
  assert.equal(answer.status, 200);
  const { data } = answer.json() as { data: { token: string; two_fa: null } };
  assert.deepEqual(Object.keys(data), ['token', 'two_fa']);
  assert.equal(data.two_fa, null);
  assert.deepEqual(decodeProtectedHeader(data.token), { alg: 'HS256', typ: 'JWT' });
  const claims = decodeJwt(data.token);
  assert.deepEqual(Object.keys(claims), ['username', 'sessionID', 'scopes', 'jti', 'exp', 'iat']);
  assert.equal(claims.username, 'anna');
  assert.deepEqual(claims.scopes, [
    { uri: '*', method: '*' },
    { uri: '/api/v1/verify-2fa', method: '*', exclude: true },
  ]);
  assert.match(claims.jti ?? '', /^\d+$/);
  const row = world.store.sessions.get(claims.sessionID as number);
  assert.equal(row?.username, 'anna');
  assert.equal(row?.ipAddress, '192.0.2.1');
  assert.equal(row?.expiresAt, world.clock.now() + 600_000);
});

test('session ids cannot be guessed from one another', async (t) => {
  const world = await authWorld(t);
  const ids = new Set<number>();
  for (let count = 0; count < 20; count++) {
    ids.add(decodeJwt(await world.token('anna')).sessionID as number);
  }
  assert.equal(ids.size, 20);
  assert.ok([...ids].every(Number.isSafeInteger));
  assert.ok([...ids].some((id) => id > 2 ** 48));
});

test('GET /login refuses what is no login (spec 02 §24.4)', async (t) => {
  const world = await authWorld(t, { api: { userLoginWait: 0 } });
  const cases: [headers: Record<string, string>, title: string][] = [
    [{}, 'auth is required'],
    [{ authorization: 'Bearer x' }, 'auth is required'],
    [{ authorization: 'Basic !!!' }, 'auth is required'],
    [{ authorization: basic('anna', 'wrong') }, 'unauthorized'],
    [{ authorization: basic('nobody', PASSWORD) }, 'unauthorized'],
    [{ authorization: basic('anna', '') }, 'unauthorized'],
    [{ authorization: basic('', PASSWORD) }, 'username is required'],
    [{ 'authentication-user': 'anna', 'x-auth': '1' }, 'auth is required'],
  ];
  for (const [headers, title] of cases) {
    const answer = await world.call({ url: '/api/v1/login', headers });
    assert.equal(answer.status, 401, title);
    assert.deepEqual(titles(answer), [title]);
    assert.equal(answer.header('www-authenticate'), '');
  }
});

test('POST /login takes a form or JSON, whatever parameters the content type has', async (t) => {
  const world = await authWorld(t);
  const good = [
    form(`username=anna&password=${PASSWORD}`),
    form(`username=anna&password=${PASSWORD}`, undefined, 'application/x-www-form-urlencoded; charset=UTF-8'),
    json({ username: 'anna', password: PASSWORD }),
    json({ USERNAME: 'anna', password: PASSWORD, new_password: null }, 'application/json; charset=utf-8'),
    json(`{"username":"anna","password":"${PASSWORD}"} trailing`, 'Application/JSON'),
    form(`{"username":"anna","password":"${PASSWORD}"}`),
  ];
  for (const request of good) assert.equal((await world.call(request)).status, 200, request.body.toString());
});

test('POST /login names what is wrong with its body', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 100 } });
  const bad: [request: Parameters<typeof world.call>[0], title: string][] = [
    [{ method: 'POST', url: '/api/v1/login', body: 'x' }, 'unsupported content type: '],
    [json('x', 'text/plain'), 'unsupported content type: text/plain'],
    [json(''), 'Missing body with json data.'],
    [json('{'), 'Invalid JSON data.'],
    [json({ username: 'anna', pass: 'x' }), 'Invalid JSON data.'],
    [json({ username: 5 }), 'Invalid JSON data.'],
  ];
  for (const [request, title] of bad) {
    const answer = await world.call(request);
    assert.equal(answer.status, 400);
    assert.deepEqual(titles(answer), [title]);
  }
  const malformed = await world.call(form('username=%zz'));
  assert.equal(malformed.status, 400);
  assert.equal(malformed.text, 'Request data exceeds the limit of 10240 bytes: invalid URL escape "%zz"\n');
  const inQuery = await world.call(form('', `/api/v1/login?username=anna&password=${PASSWORD}`));
  assert.equal(inQuery.status, 401);
});

test('a new password is checked for length, stored as argon2id and works at once', async (t) => {
  const world = await authWorld(t, { api: { userLoginWait: 0 } });
  const change = (new_password: string, password = PASSWORD) =>
    world.call(json({ username: 'anna', password, new_password }));
  const short = await change('short');
  assert.equal(short.status, 400);
  assert.deepEqual(short.json(), {
    errors: [
      { code: '', title: 'Your password is too short', detail: 'password must be at least 14 characters' },
    ],
  });
  assert.equal((await change('a password long enough', 'wrong')).status, 401);
  assert.equal((await change('a password long enough')).status, 200);
  assert.match(readFileSync(world.usersFile, 'utf8'), /"password": "\$argon2id\$/);
  assert.equal((await world.login('anna')).status, 401);
  assert.equal((await world.login('anna', 'a password long enough')).status, 200);
  assert.equal((await world.login('bert')).status, 200);
});

test('new passwords of many users at once are all stored', async (t) => {
  const users = Array.from({ length: 5 }, (_, index) => ({
    username: `user${index}`,
    password: bcryptHash(PASSWORD),
  }));
  const world = await authWorld(t, { users });
  const answers = await Promise.all(
    users.map(({ username }) =>
      world.call(json({ username, password: PASSWORD, new_password: `password of ${username}` })),
    ),
  );
  assert.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200, 200],
  );
  for (const { username } of users) {
    assert.equal((await world.login(username, `password of ${username}`)).status, 200);
  }
});

test('an expired password opens nothing until it is changed', async (t) => {
  const anna = { username: 'anna', password: bcryptHash(PASSWORD), password_expired: true };
  const world = await authWorld(t, { users: [anna] });
  const expired = 'password has expired, please change your password';
  const login = await world.login('anna');
  assert.deepEqual([login.status, ...titles(login)], [401, expired]);
  const direct = await world.call({
    url: '/api/v1/me/ip',
    headers: { authorization: basic('anna', PASSWORD) },
  });
  assert.deepEqual([direct.status, ...titles(direct)], [401, expired]);
  const changed = await world.call(
    json({ username: 'anna', password: PASSWORD, new_password: 'a password long enough' }),
  );
  assert.equal(changed.status, 200);
  assert.equal((await world.login('anna', 'a password long enough')).status, 200);
});

test('the static user logs in, and has no password to change', async (t) => {
  const world = await authWorld(t, { staticUser: 'admin:pass:word' });
  assert.equal((await world.login('admin', 'pass:word')).status, 200);
  const change = await world.call(
    json({ username: 'admin', password: 'pass:word', new_password: 'a password long enough' }),
  );
  assert.equal(change.status, 400);
  assert.deepEqual(titles(change), ["The single user authentication doesn't support this operation."]);
  assert.equal((await world.login('nobody', 'pass:word')).status, 401);
  assert.deepEqual(world.hashed, []);
});

test('the static password may be a hash', async (t) => {
  const hash = bcryptHash('secret');
  const world = await authWorld(t, { staticUser: `admin:${hash}` });
  assert.equal((await world.login('admin', 'secret')).status, 200);
  assert.equal((await world.login('admin', hash)).status, 401);
});

test('token-lifetime follows spec 02 §7.3', async (t) => {
  const world = await authWorld(t);
  const ask = (value: string) =>
    world.login('anna', PASSWORD, { url: `/api/v1/login?token-lifetime=${encodeURIComponent(value)}` });
  for (const value of ['-5', '0', '', '1', '+5', '7776000']) {
    assert.equal((await ask(value)).status, 200, value);
  }
  const bad: [value: string, title: string][] = [
    ['abc', 'invalid token-lifetime : strconv.ParseInt: parsing "abc": invalid syntax'],
    ['1.5', 'invalid token-lifetime : strconv.ParseInt: parsing "1.5": invalid syntax'],
    [
      '9223372036854775808',
      'invalid token-lifetime : strconv.ParseInt: parsing "9223372036854775808": value out of range',
    ],
    ['7776001', 'requested token lifetime exceeds max allowed 7776000'],
    ['18446744073', 'requested token lifetime exceeds max allowed 7776000'],
  ];
  for (const [value, title] of bad) {
    const answer = await ask(value);
    assert.deepEqual([answer.status, ...titles(answer)], [400, title]);
  }
});

test('max_token_lifetime bounds what is asked for, and how far uses can push the end', async (t) => {
  const world = await authWorld(t, { api: { maxTokenLifetime: 1 } });
  const tooLong = await world.login('anna', PASSWORD, { url: '/api/v1/login?token-lifetime=3601' });
  assert.deepEqual(
    [tooLong.status, ...titles(tooLong)],
    [400, 'requested token lifetime exceeds max allowed 3600'],
  );
  const token = await world.token('anna');
  for (let minutes = 0; minutes < 59; minutes++) {
    world.clock.advance(60_000);
    assert.equal((await world.get('/me/ip', token)).status, 200, `${minutes}`);
    // Minutes pass here in no time; the disk needs its own to store that the session was used.
    await world.store.flushed();
  }
  world.clock.advance(60_000);
  assert.equal((await world.get('/me/ip', token)).status, 401);
});

test('with a second factor configured a password alone opens nothing', async (t) => {
  const secondFactor: SecondFactor = {
    method: 'email',
    ttl: 60_000,
    begin: async () => ({ sendTo: 'anna@example.org', deliveryMethod: 'email', totpKeyStatus: '' }),
    complete: () => Promise.reject(new Error('unused')),
  };
  const world = await authWorld(t, { secondFactor });
  const answer = await world.login('anna');
  const { token, two_fa } = (answer.json() as { data: { token: string; two_fa: unknown } }).data;
  assert.deepEqual(two_fa, { send_to: 'anna@example.org', delivery_method: 'email', totp_key_status: '' });
  for (const authorization of [`Bearer ${token}`, basic('anna', PASSWORD)]) {
    assert.equal((await world.call({ url: '/api/v1/me/ip', headers: { authorization } })).status, 401);
  }
});

test('logins, failures and logouts are in the log, with a name that breaks no line and no secret', async (t) => {
  const world = await authWorld(t, { api: { userLoginWait: 0 } });
  const token = await world.token('anna');
  await world.login('anna', 'a wrong secret');
  await world.login(`evil\ninfo login of "root"${'x'.repeat(5000)}`, 'a wrong secret');
  await world.call({ url: '/api/v1/me/ip', headers: { authorization: basic('bert', 'a wrong secret') } });
  const authorization = `Bearer ${token}`;
  await world.call({ method: 'DELETE', url: '/api/v1/logout', headers: { authorization } });
  const lines = world.log.lines.filter((line) => /log(in|out) of/.test(line));
  assert.deepEqual(
    lines.map((line) => line.slice(0, 60)),
    [
      'info: login of "anna" from 192.0.2.1',
      'info: failed login of "anna" from 192.0.2.1',
      'info: failed login of "evil\\ninfo login of \\"root\\"xxxxxxxxx',
      'info: failed login of "bert" from 192.0.2.1',
      'info: logout of "anna" from 192.0.2.1',
    ],
  );
  assert.ok(lines.every((line) => line.length < 300 && !line.includes('\n')));
  assert.ok(!world.log.lines.some((line) => line.includes('a wrong secret') || line.includes(token)));
});
