import assert from 'node:assert/strict';
import { test } from 'node:test';
import { authWorld, basic, bcryptHash, PASSWORD, titles } from '../support/auth-world.js';
import { eventually } from '../support/eventually.js';

const BANNED = 'Too many bad attempts. Please try later.\n';

test('after a wrong password the right one waits too, on login and on any route (spec 02 §24.5)', async (t) => {
  const world = await authWorld(t);
  const direct = (password: string) =>
    world.call({ url: '/api/v1/me/ip', headers: { authorization: basic('anna', password) } });
  for (const attempt of [direct, (password: string) => world.login('anna', password)]) {
    assert.equal((await attempt('wrong')).status, 401);
    const refused = await attempt(PASSWORD);
    assert.deepEqual([refused.status, ...titles(refused)], [429, 'too many requests, please try later']);
    assert.equal(refused.header('retry-after'), '2');
    world.clock.advance(1100);
    assert.equal((await attempt(PASSWORD)).header('retry-after'), '1', 'what is left of the wait');
    world.clock.advance(1000);
    assert.equal((await attempt(PASSWORD)).status, 200);
  }
});

test('fractions of user_login_wait count', async (t) => {
  const world = await authWorld(t, { api: { userLoginWait: 0.5 } });
  await world.login('anna', 'wrong');
  world.clock.advance(499);
  assert.equal((await world.login('anna')).status, 429);
  world.clock.advance(1);
  assert.equal((await world.login('anna')).status, 200);
});

test('a stranger cannot lock a user out, and nobody waits for the nameless', async (t) => {
  const world = await authWorld(t);
  assert.equal((await world.login('anna', 'wrong', { remoteAddress: '198.51.100.1' })).status, 401);
  assert.equal((await world.login('anna')).status, 200);
  for (const _ of [1, 2, 3]) assert.equal((await world.call({ url: '/api/v1/me/ip' })).status, 401);
});

test('a wait or a ban never touches a valid session', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 3 } });
  const token = await world.token('anna');
  assert.equal((await world.login('anna', 'wrong')).status, 401);
  assert.equal((await world.get('/me/ip', token)).status, 200);
  for (const name of ['a', 'b', 'c']) await world.login(name, 'wrong');
  assert.equal((await world.login('anna')).status, 423);
  assert.equal((await world.get('/me/ip', token)).status, 200);
  assert.equal((await world.login('anna')).status, 423, 'nor does the session lift the ban');
  const logout = (authorization: string) =>
    world.call({ method: 'DELETE', url: '/api/v1/logout', headers: { authorization } });
  assert.equal((await logout('Bearer forged')).status, 423);
  assert.equal((await logout(`Bearer ${token}`)).status, 204);
});

test('failures in a row ban the address from logins, others are unaffected', async (t) => {
  const world = await authWorld(t, {
    api: { maxFailedLogin: 4, banTime: 5, trustedProxies: ['10.0.0.0/8'] },
  });
  const from = (ip: string) => ({ remoteAddress: '10.0.0.1', headers: { 'x-forwarded-for': ip } });
  const login = (ip: string, name: string, password: string) =>
    world.call({
      ...from(ip),
      url: '/api/v1/login',
      headers: { ...from(ip).headers, authorization: basic(name, password) },
    });
  for (const name of ['a', 'b', 'c', 'd']) {
    assert.equal((await login('203.0.113.5', name, 'wrong')).status, 401);
  }
  for (const url of ['/api/v1/login', '/api/v1/me/ip', '/api/v1/open', '/api/v1/status']) {
    const answer = await world.call({
      ...from('203.0.113.5'),
      url,
      headers: { ...from('203.0.113.5').headers, authorization: basic('anna', PASSWORD) },
    });
    assert.deepEqual([answer.status, answer.text], [423, BANNED], url);
    assert.match(answer.header('content-type'), /^text\/plain/);
  }
  assert.equal((await login('203.0.113.6', 'anna', PASSWORD)).status, 200);
  world.clock.advance(5000);
  assert.equal((await login('203.0.113.5', 'anna', PASSWORD)).status, 200);
  assert.ok(
    world.log.lines.some((line) =>
      line.startsWith(
        'info: Maximum of 4 login attempts reached. Visitor (203.0.113.5) banned. Ban expiry: 2026-',
      ),
    ),
  );
});

test('nobody slips out of a ban, or puts another address into it, by X-Forwarded-For', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 3 } });
  const guess = (forwarded: string, remoteAddress: string, password = 'wrong') =>
    world.call({
      url: '/api/v1/login',
      headers: { authorization: basic('anna', password), 'x-forwarded-for': forwarded },
      remoteAddress,
    });
  for (const forwarded of ['203.0.113.1', '203.0.113.2', '203.0.113.3']) {
    assert.equal((await guess(forwarded, '198.51.100.9')).status, 401);
    world.clock.advance(2000);
  }
  assert.equal((await guess('203.0.113.4', '198.51.100.9', PASSWORD)).status, 423);
  assert.equal((await guess('198.51.100.9', '203.0.113.1', PASSWORD)).status, 200);
});

test('a success resets the count; refusals inside the wait do not count', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 4 } });
  const guess = async () => {
    assert.equal((await world.login('anna', 'wrong')).status, 401);
    for (const _ of [1, 2, 3]) assert.equal((await world.login('anna', 'wrong')).status, 429);
    world.clock.advance(2000);
  };
  for (const _ of [1, 2, 3]) await guess();
  assert.equal((await world.login('anna')).status, 200);
  for (const _ of [1, 2, 3]) await guess();
  assert.equal((await world.login('anna')).status, 200);
});

test('what counts as a bad attempt: no credentials, a bad body, a forged token', async (t) => {
  const attempts = [
    { url: '/api/v1/login' },
    { url: '/api/v1/me/ip' },
    { method: 'POST', url: '/api/v1/login', headers: { 'content-type': 'text/plain' }, body: 'x' },
    { url: '/api/v1/me/ip', headers: { authorization: 'Bearer abc' } },
    { method: 'DELETE', url: '/api/v1/logout' },
  ];
  for (const attempt of attempts) {
    const world = await authWorld(t, { api: { maxFailedLogin: 1 } });
    assert.ok([400, 401].includes((await world.call(attempt)).status));
    assert.equal((await world.login('anna')).status, 423, attempt.url);
  }
});

test('a program that repeats an old token is not taken for an attacker', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 3 } });
  const token = await world.token('anna', 1);
  world.clock.advance(2000);
  for (let count = 0; count < 50; count++) assert.equal((await world.get('/me/ip', token)).status, 401);
  for (let count = 0; count < 50; count++) assert.equal((await world.get('/me/ip', 'forged')).status, 401);
  assert.equal((await world.login('anna')).status, 200);
});

test('a thousand guesses at once cost a few hashes and tell nothing', async (t) => {
  const world = await authWorld(t);
  const answers = await Promise.all(
    Array.from({ length: 1000 }, (_, index) => world.login('anna', `guess ${index}`)),
  );
  const statuses = new Set(answers.map(({ status }) => status));
  assert.ok([...statuses].every((status) => [401, 423, 429].includes(status)));
  assert.equal(answers.filter(({ status }) => status === 401).length, 1);
  assert.ok(world.hashed.length <= 8, `${world.hashed.length}`);
  world.clock.advance(2000);
  assert.equal((await world.login('anna')).status, 200);
});

test('the right password among guesses made side by side is refused like them', async (t) => {
  const world = await authWorld(t);
  const answers = await Promise.all([
    world.login('anna', 'wrong'),
    world.login('anna', 'wrong too'),
    world.login('anna', PASSWORD),
  ]);
  assert.deepEqual(
    answers.map(({ status }) => status),
    [401, 429, 429],
  );
});

test('a full hasher says when to come back', async (t) => {
  const never = new Promise<boolean>(() => undefined);
  const users = [{ username: 'anna', password: bcryptHash(PASSWORD) }];
  const world = await authWorld(t, { users, hasher: { verify: () => never } });
  const ip = (index: number) => `198.51.100.${index}`;
  for (let index = 0; index < 64; index++) {
    void world.login('anna', `guess ${index}`, { remoteAddress: ip(index) }).catch(() => undefined);
  }
  const refused = await world.login('anna', PASSWORD, { remoteAddress: ip(200) });
  assert.equal(refused.status, 429);
  assert.deepEqual(titles(refused), ['too many requests, please try later']);
  assert.equal(refused.header('retry-after'), '2');
});

test('a flood of guesses from everywhere keeps nobody out where he has logged in before', async (t) => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const world = await authWorld(t, {
    ownStore: true,
    hasher: {
      async verify(password) {
        if (password.startsWith('guess')) await held;
        return password === PASSWORD;
      },
    },
  });
  const home = { remoteAddress: '198.51.100.7' };
  assert.equal((await world.login('anna', PASSWORD, home)).status, 200);
  // Whatever is remembered of the password itself is forgotten by then.
  world.clock.advance(24 * 60 * 60_000);
  const flood = Array.from({ length: 200 }, (_, index) =>
    world.login('anna', `guess ${index}`, { remoteAddress: `203.0.113.${index}` }),
  );
  await eventually('the first guesses', () => world.hashed.length > 1);
  const login = world.login('anna', PASSWORD, home);
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  release();
  assert.equal((await login).status, 200);
  const statuses = (await Promise.all(flood)).map(({ status }) => status);
  assert.ok(statuses.filter((status) => status === 429).length > 100, 'what waits has a bound');
  assert.ok(world.hashed.indexOf(PASSWORD, 1) < 10, 'he does not wait behind them');
});
