/** Personal API tokens: making, listing, changing, revoking. Spec 02 §10.3 and §24.8. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { as, create, listed } from '../support/api-token-calls.js';
import { authWorld, titles } from '../support/auth-world.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

test('a token is made, shown once, listed without its secret and revoked', async (t) => {
  const world = await authWorld(t);
  const anna = as(world, 'anna');
  assert.deepEqual((await anna('GET', '/me/tokens')).json(), { data: [] });
  const made = await create(world, 'anna');
  assert.deepEqual(Object.keys(made).sort(), ['expires_at', 'prefix', 'scope', 'token']);
  assert.match(made.prefix, /^[a-z0-9]{8}$/);
  const [prefix, secret] = made.token.split('_');
  assert.equal(prefix, made.prefix);
  assert.match(secret ?? '', UUID);
  assert.deepEqual([made.scope, made.expires_at], ['read+write', '2027-01-01T00:00:00Z']);
  assert.deepEqual(await listed(world, 'anna'), [
    {
      prefix: made.prefix,
      name: 'ci',
      created_at: '2026-01-01T00:00:00Z',
      expires_at: '2027-01-01T00:00:00Z',
      scope: 'read+write',
    },
  ]);
  const row = JSON.stringify(world.store.apiTokens.get('anna', made.prefix));
  assert.ok(!row.includes(secret ?? '-'), 'the secret is stored nowhere');
  assert.deepEqual(await listed(world, 'bert'), [], 'everybody has his own');

  assert.equal((await as(world, 'anna', made.token)('GET', '/me/ip')).status, 200);
  const removed = await anna('DELETE', `/me/tokens/${made.prefix}`);
  assert.deepEqual([removed.status, removed.text], [204, '']);
  assert.equal((await as(world, 'anna', made.token)('GET', '/me/ip')).status, 401);
});

test('what POST /me/tokens refuses, in its order', async (t) => {
  const world = await authWorld(t);
  await create(world, 'bert');
  const bert = (body: object | string) => as(world, 'bert')('POST', '/me/tokens', body);
  const cases: [body: object | string, title: string, detail: string | RegExp][] = [
    ['{', 'Invalid JSON data', 'unexpected EOF'],
    ['', 'Invalid JSON data', 'Missing body with json data.'],
    [{ scope: 'read', name: 'x', more: 1 }, 'Invalid JSON data', 'json: unknown field "more"'],
    [{ scope: 'read', name: 'x', expires_at: 'tomorrow' }, 'Invalid JSON data', /^parsing time "tomorrow"/],
    [
      { scope: 'x', name: 'x', expires_at: '0000-01-01T00:00:00+10:00' },
      'Invalid JSON data',
      /^parsing time/,
    ],
    [{ name: '' }, 'missing or invalid scope.', ''],
    [{ scope: 'write', name: 'x' }, 'missing or invalid scope.', ''],
    [{ scope: 'clients-auth' }, 'missing or invalid name.', 'field name is required, 250 characters max'],
    [{ scope: 'read', name: 'x'.repeat(250) }, 'missing or invalid name.', /250/],
    [{ scope: 'read', name: 'ü'.repeat(125) }, 'missing or invalid name.', /250/],
    [
      { scope: 'clients-auth', name: 'ci' },
      'current user should belong to Administrators group to create a token with this scope',
      '',
    ],
    [{ scope: 'read', name: 'ci' }, 'A token with the same name already exists', ''],
  ];
  for (const [body, title, detail] of cases) {
    const answer = await bert(body);
    const [error] = (answer.json() as { errors: { title: string; detail: string }[] }).errors;
    assert.deepEqual([answer.status, error?.title], [400, title]);
    if (typeof detail === 'string') assert.equal(error?.detail, detail);
    else assert.match(error?.detail ?? '', detail);
  }
  const tooLarge = await bert({ scope: 'read', name: 'x'.repeat(20_000) });
  assert.deepEqual([tooLarge.status, ...titles(tooLarge)], [400, 'Invalid JSON data']);
  assert.equal((await bert({ scope: 'read', name: 'x'.repeat(249) })).status, 200);
  assert.equal((await listed(world, 'bert')).length, 2);
  assert.equal((await create(world, 'anna', { scope: 'clients-auth' })).scope, 'clients-auth');
});

test('expires_at may be any instant, also a past one', async (t) => {
  const world = await authWorld(t);
  const offset = await create(world, 'anna', { name: 'a', expires_at: '2026-06-01T02:30:00.5+02:30' });
  assert.equal(offset.expires_at, '2026-06-01T00:00:00.5Z');
  const past = await create(world, 'anna', { name: 'b', expires_at: '2020-01-01T00:00:00Z' });
  assert.equal((await as(world, 'anna', past.token)('GET', '/me/ip')).status, 401);
});

test('PUT changes name and end, and nothing else', async (t) => {
  const world = await authWorld(t);
  const one = await create(world, 'anna', { name: 'one', scope: 'read' });
  await create(world, 'anna', { name: 'two' });
  const put = (body: object, prefix = one.prefix) => as(world, 'anna')('PUT', `/me/tokens/${prefix}`, body);
  const shown = async () => (await listed(world, 'anna')).find(({ prefix }) => prefix === one.prefix);

  const end = await put({ expires_at: '2030-01-01T00:00:00Z' });
  assert.deepEqual(end.json(), { data: { prefix: one.prefix, expires_at: '2030-01-01T00:00:00Z' } });
  const renamed = await put({ name: 'uno', expires_at: null });
  assert.deepEqual(renamed.json(), { data: { prefix: one.prefix, name: 'uno' } });
  assert.deepEqual((await put({ name: '' })).json(), { data: { prefix: one.prefix } });
  const expected = {
    prefix: one.prefix,
    name: 'uno',
    created_at: '2026-01-01T00:00:00Z',
    expires_at: '2030-01-01T00:00:00Z',
    scope: 'read',
  };
  assert.deepEqual(await shown(), expected);

  // A web interface sends back what it was shown.
  const whole = await put({ ...expected, scope: 'read+write', prefix: 'other', created_at: 5 });
  assert.equal(whole.status, 200, whole.text);
  assert.deepEqual(await shown(), expected, 'the scope cannot be widened');
  assert.equal((await as(world, 'anna', one.token)('GET', '/me/ip')).status, 200);

  const cases: [body: object, prefix: string, status: number, title: string][] = [
    [{ name: 'two' }, one.prefix, 400, 'A token with the same name already exists'],
    [{ name: 'x'.repeat(250) }, one.prefix, 400, 'missing or invalid name.'],
    [{ token: 'x' }, one.prefix, 400, 'Invalid JSON data.'],
    [{ expires_at: 'x' }, one.prefix, 400, 'Invalid JSON data.'],
    [{ name: 'x' }, 'short', 400, 'missing or invalid token prefix.'],
    [{ name: 'x' }, 'notthere', 404, 'cannot find API Token by prefix notthere'],
  ];
  for (const [body, prefix, status, title] of cases) {
    const answer = await put(body, prefix);
    assert.deepEqual([answer.status, ...titles(answer)], [status, title]);
  }
  assert.equal((await listed(world, 'anna')).length, 2, 'no ghost was made');
});

test('tokens of others cannot be seen, changed or revoked', async (t) => {
  const world = await authWorld(t);
  const { prefix, token } = await create(world, 'anna');
  const bert = as(world, 'bert');
  assert.equal((await bert('PUT', `/me/tokens/${prefix}`, { name: 'mine' })).status, 404);
  const removal = await bert('DELETE', `/me/tokens/${prefix}`);
  assert.deepEqual([removal.status, ...titles(removal)], [404, `cannot find API Token by prefix ${prefix}`]);
  assert.equal((await bert('DELETE', '/me/tokens/x')).status, 400);
  assert.equal((await as(world, 'bert', token)('GET', '/me/ip')).status, 401);
  assert.equal((await as(world, 'anna', token)('GET', '/me/ip')).status, 200);
});

test('there are at most a thousand tokens of one user', async (t) => {
  const world = await authWorld(t);
  const row = { username: 'anna', scope: 'read', createdAt: 0, expiresAt: null, hash: 'sha256:' };
  const prefix = (index: number) => String(index).padStart(8, '0');
  await Promise.all(
    Array.from({ length: 1000 }, (_, index) =>
      world.store.apiTokens.add({ ...row, prefix: prefix(index), name: `${index}` }, 1000),
    ),
  );
  const answer = await as(world, 'anna')('POST', '/me/tokens', { scope: 'read', name: 'one more' });
  assert.deepEqual([answer.status, ...titles(answer)], [400, 'a user can have 1000 tokens at most']);
});

test('the removed one-token routes are 410', async (t) => {
  const world = await authWorld(t);
  for (const [method, path] of [
    ['GET', '/me/token'],
    ['POST', '/me/token'],
    ['PUT', '/me/token/x'],
    ['DELETE', '/me/token/x'],
  ] as const) {
    const answer = await as(world, 'anna')(method, path);
    assert.deepEqual([answer.status, ...titles(answer)], [410, 'use new token management on /me/tokens']);
  }
});
