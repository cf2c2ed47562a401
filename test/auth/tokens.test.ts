import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose';
import { makePrincipal } from '../../src/auth/principal.js';
import { allows } from '../../src/auth/tokens/allows.js';
import { fullScopes } from '../../src/auth/tokens/claims.js';
import { type AuthWorld, authWorld, basic, PASSWORD, SECRET, titles } from '../support/auth-world.js';

const sign = (claims: object, secret = SECRET, alg = 'HS256'): Promise<string> =>
  new SignJWT({ ...claims })
    .setProtectedHeader({ alg, typ: 'JWT' })
    .sign(new TextEncoder().encode(secret.padEnd(alg === 'HS256' ? 0 : 64)));

const logout = (world: AuthWorld, token: string) =>
  world.call({ method: 'DELETE', url: '/api/v1/logout', headers: { authorization: `Bearer ${token}` } });

test('a token opens the API; the scheme may be written in any case', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna');
  assert.deepEqual((await world.get('/me/ip', token)).json(), { data: { ip: '192.0.2.1' } });
  const lower = await world.get('/me/ip', token, { headers: { authorization: `bearer ${token}` } });
  assert.equal(lower.status, 200);
});

test('a token seen before is checked without waiting', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna');
  await world.get('/me/ip', token);
  const credentials = {
    authorization: `Bearer ${token}`,
    userAgent: '',
    ip: '192.0.2.1',
    method: 'GET',
    path: '/api/v1/me',
  };
  const principal = world.auth.authenticate(credentials);
  assert.deepEqual(principal, makePrincipal('anna', ['Administrators'], null));
  assert.equal(world.auth.authenticate(credentials), principal, 'permissions are worked out once');
});

test('forged, foreign and ended tokens are 401 (spec 02 §24.3)', async (t) => {
  const world = await authWorld(t, { api: { maxFailedLogin: 1000 } });
  const mine = decodeJwt(await world.token('anna'));
  const others = decodeJwt(await world.token('bert'));
  const { jti: _, ...withoutId } = mine;
  const { exp: __, ...withoutEnd } = mine;
  const forged: Record<string, string> = {
    'no token': 'abc',
    'three dots': '...',
    'alg none': new UnsecuredJWT(mine).encode(),
    'other secret': await sign(mine, 'another secret'),
    'other algorithm': await sign(mine, SECRET, 'HS512'),
    ended: await sign({ ...mine, exp: Math.floor(world.clock.now() / 1000) - 1 }),
    'without end': await sign(withoutEnd),
    'without id': await sign(withoutId),
    'other id': await sign({ ...mine, jti: '1' }),
    'no such session': await sign({ ...mine, sessionID: 12345 }),
    'session of another user': await sign({ ...mine, sessionID: others.sessionID, jti: others.jti }),
    'name of another user': await sign({ ...mine, username: 'bert' }),
    'no name': await sign({ ...mine, username: '' }),
    'name is a number': await sign({ ...mine, username: 1 }),
    'session is text': await sign({ ...mine, sessionID: String(mine.sessionID) }),
    'session is huge': await sign({ ...mine, sessionID: 1e300 }),
    'session is negative': await sign({ ...mine, sessionID: -1 }),
    'scopes are text': await sign({ ...mine, scopes: '*' }),
    long: 'x'.repeat(100_000),
  };
  for (const [what, token] of Object.entries(forged)) {
    for (const attempt of [1, 2]) {
      const answer = await world.get('/me/ip', token);
      assert.deepEqual([answer.status, ...titles(answer)], [401, 'unauthorized'], `${what}, ${attempt}`);
    }
  }
  const empty = await sign({ ...mine, scopes: [] });
  assert.equal((await world.get('/me/ip', empty)).status, 200, 'an empty scope list allows everything');
});

test('scopes decide what a token is for (spec 02 §6.3)', async (t) => {
  const entry = { uri: '/api/v1/verify-2fa', method: 'POST', exclude: false };
  assert.equal(allows([entry], 'POST', '/api/v1/verify-2fa'), true);
  assert.equal(allows([entry], 'POST', '/api/v1/verify-2fa/'), true);
  assert.equal(allows([entry], 'GET', '/api/v1/verify-2fa'), false);
  assert.equal(allows([entry], 'GET', '/api/v1/me/ip'), false);
  assert.equal(allows(fullScopes, 'POST', '/api/v1/verify-2fa'), false);
  assert.equal(allows(fullScopes, 'GET', '/api/v1/me/ip'), true);
  assert.equal(allows([], 'GET', '/x'), true);

  const world = await authWorld(t);
  const limited = await sign({
    ...decodeJwt(await world.token('anna')),
    scopes: [{ uri: '/api/v1/verify-2fa', method: 'POST' }],
  });
  assert.equal((await world.get('/me/ip', limited)).status, 401);
  assert.equal((await logout(world, limited)).status, 400);
});

test('a logout is final, also after others have logged in', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna');
  assert.equal((await world.get('/me/ip', token)).status, 200);
  const answer = await logout(world, token);
  assert.deepEqual([answer.status, answer.text], [204, '']);
  assert.equal((await world.get('/me/ip', token)).status, 401);
  for (let count = 0; count < 5; count++) await world.token('bert');
  assert.equal((await world.get('/me/ip', token)).status, 401);
  const again = await logout(world, token);
  assert.deepEqual([again.status, ...titles(again)], [400, 'token is invalid or expired']);
});

test('a use that crosses a logout does not bring the session back', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna', 1);
  const uses = Array.from({ length: 20 }, () => world.get('/me/ip', token));
  const ended = logout(world, token);
  await Promise.all([...uses, ended]);
  await world.store.flushed();
  assert.equal(world.store.sessions.get(decodeJwt(token).sessionID as number), undefined);
  assert.equal((await world.get('/me/ip', token)).status, 401);
});

test('logout says what is missing (spec 02 §7.4)', async (t) => {
  const world = await authWorld(t);
  const ask = (headers: Record<string, string>) =>
    world.call({ method: 'DELETE', url: '/api/v1/logout', headers });
  for (const headers of [{}, { authorization: basic('anna', PASSWORD) }]) {
    const answer = await ask(headers);
    assert.deepEqual([answer.status, ...titles(answer)], [400, 'authorization Bearer token required']);
  }
  const garbage = await ask({ authorization: 'Bearer garbage' });
  assert.equal(garbage.status, 400);
  assert.match(titles(garbage)[0] ?? '', /^token is invalid: ./);
});

test('an unused token ends after its lifetime, a used one lives on for ten minutes', async (t) => {
  const world = await authWorld(t);
  const unused = await world.token('anna', 1);
  const used = await world.token('anna', 2);
  await world.get('/me/ip', used);
  await world.store.flushed();
  world.clock.advance(1200);
  assert.equal((await world.get('/me/ip', unused)).status, 401);
  world.clock.advance(600_000 - 1201);
  assert.equal((await world.get('/me/ip', used)).status, 200);
  world.clock.advance(640_000);
  assert.equal((await world.get('/me/ip', used)).status, 401);
});

test('every use counts for ten minutes, although not every use is written', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna', 1);
  await world.get('/me/ip', token);
  await world.store.flushed();
  world.clock.advance(29_000);
  await world.get('/me/ip', token);
  world.clock.advance(599_999);
  assert.equal((await world.get('/me/ip', token)).status, 200);
});

test('a use notes agent and address, with few writes; Basic notes nothing', async (t) => {
  const world = await authWorld(t);
  const token = await world.token('anna', 7_000_000);
  const row = () => world.store.sessions.get(decodeJwt(token).sessionID as number);
  const before = row();
  let writes = 0;
  const touch = world.store.sessions.touch;
  world.store.sessions.touch = (id, change) => {
    writes += 1;
    return touch.call(world.store.sessions, id, change);
  };
  world.clock.advance(1000);
  await world.call({ url: '/api/v1/me/ip', headers: { authorization: basic('anna', PASSWORD) } });
  for (let count = 0; count < 100; count++) {
    world.clock.advance(1);
    const headers = { 'user-agent': `agent ${count}` };
    await world.get('/me/ip', token, { headers, remoteAddress: '192.0.2.77' });
  }
  const lastUse = world.clock.now();
  assert.equal(writes, 1, 'the first one is written at once');
  world.clock.advance(1000);
  await world.auth.finish();
  assert.equal(writes, 2, 'the last one when the second is over');
  assert.deepEqual(row(), {
    ...before,
    lastAccessAt: lastUse,
    userAgent: 'agent 99',
    ipAddress: '192.0.2.77',
  });
});

test('a user who is gone is refused, whatever his token says', async (t) => {
  // Nothing else may write the file at the same time.
  const world = await authWorld(t, { accounts: { replacePasswordHash: async () => undefined } });
  const token = await world.token('bert');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(world.usersFile, '[]');
  world.clock.advance(2000);
  assert.equal((await world.get('/me/ip', token)).status, 401);
});
