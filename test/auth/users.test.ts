/** The routes of users. Spec 02 §12 and §22. */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  bcryptHash,
  PASSWORD,
  titles,
} from '../support/auth-world.js';
import type { Injected } from '../support/inject.js';

const NEW_PASSWORD = 'a password long enough';

type Send = (method: string, path: string, body?: object | string) => Promise<Injected>;

async function worldOf(t: Parameters<typeof authWorld>[0], parts: AuthWorldParts = {}) {
  const world = await authWorld(t, parts);
  return { world, anna: sender(world, await world.token('anna')) };
}

const sender =
  (world: AuthWorld, token: string): Send =>
  (method, path, body) =>
    world.call({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
    });

const refusal = (answer: Injected): string => `${answer.status} ${titles(answer).join(' | ')}`;
const dataOf = <Data>(answer: Injected): Data => (answer.json() as { data: Data }).data;
const names = async (anna: Send): Promise<string[]> =>
  dataOf<{ username: string }[]>(await anna('GET', '/users')).map(({ username }) => username);

for (const ownStore of [false, true]) {
  const where = ownStore ? 'in the store' : 'in a file';

  test(`users ${where} are added, listed, changed and removed`, async (t) => {
    const { world, anna } = await worldOf(t, { ownStore });
    const body = {
      username: 'carla',
      password: NEW_PASSWORD,
      groups: ['Ops', 'Ops'],
      password_expired: null,
    };
    const added = await anna('POST', '/users', body);
    assert.deepEqual([added.status, added.text], [201, '']);
    assert.equal((await world.login('carla', NEW_PASSWORD)).status, 200);

    const listed = await anna('GET', '/users');
    assert.equal(listed.status, 200);
    const item = (username: string, groups: string[] | null) => ({
      username,
      password_expired: false,
      groups,
      two_fa_send_to: '',
      effective_user_permissions: null,
      effective_extended_permissions: { tunnels_restricted: null, commands_restricted: null },
      group_permissions_enabled: false,
    });
    assert.equal(
      listed.text,
      JSON.stringify({
        data: [item('anna', ['Administrators']), item('bert', null), item('carla', ['Ops'])],
      }),
    );

    const changed = await anna('PUT', '/users/carla', { username: 'aaron', groups: [] });
    assert.deepEqual([changed.status, changed.text], [204, '']);
    assert.deepEqual(await names(anna), ['aaron', 'anna', 'bert'], 'sorted by name');
    assert.equal((await world.login('aaron', NEW_PASSWORD)).status, 200);

    const removed = await anna('DELETE', '/users/aaron');
    assert.deepEqual([removed.status, removed.text], [204, '']);
    assert.equal(refusal(await anna('DELETE', '/users/aaron')), "404 cannot find user by username 'aaron'");
    assert.equal((await world.login('aaron', NEW_PASSWORD)).status, 401);
    assert.deepEqual(await names(anna), ['anna', 'bert']);
  });

  test(`passwords and secrets of users ${where} are in no answer`, async (t) => {
    const { world, anna } = await worldOf(t, { ownStore });
    const totp = 'otpauth://totp/x:y?algorithm=SHA1&digits=6&issuer=x&period=30&secret=GEZDGNBVGY3TQOJQ';
    await anna('PUT', '/users/bert', { password: NEW_PASSWORD, totp_secret: totp });
    const token = dataOf<{ token: string }>(await world.login('bert', NEW_PASSWORD)).token;
    const bad = await anna('PUT', '/users/bert', { totp_secret: 'otpauth://totp/x?secret=GEZDGNBVGY3TQOJQ' });
    const answers = [await anna('GET', '/users'), await world.get('/me', token), bad];
    for (const { text } of answers) assert.doesNotMatch(text, /argon2|\$2y\$|GEZDGNBV|a password/);
    for (const line of world.log.lines)
      assert.doesNotMatch(JSON.stringify(line), /argon2|GEZDGNBV|a password/);
  });
}

test('a users file has argon2id hashes of new passwords, and keeps what else is in it', async (t) => {
  const { world, anna } = await worldOf(t);
  await anna('POST', '/users', { username: 'carla', password: NEW_PASSWORD });
  const [, bert, carla] = JSON.parse(readFileSync(world.usersFile, 'utf8')) as Record<string, unknown>[];
  assert.match(String(carla?.password), /^\$argon2id\$/);
  assert.deepEqual(
    { ...carla, password: '' },
    {
      username: 'carla',
      password: '',
      password_expired: false,
      groups: null,
      two_fa_send_to: '',
    },
  );
  assert.equal(bert?.username, 'bert');
});

test('two_fa_send_to of a user in a file is stored when it changes', async (t) => {
  const { world, anna } = await worldOf(t, {
    checkReceiver: async (to) => {
      if (!to.includes('@')) throw new Error('invalid email format');
    },
  });
  assert.equal((await anna('PUT', '/users/bert', { two_fa_send_to: 'b@example.org' })).status, 204);
  assert.match(readFileSync(world.usersFile, 'utf8'), /"two_fa_send_to": "b@example.org"/);
  assert.equal(
    refusal(await anna('PUT', '/users/bert', { two_fa_send_to: 'nowhere' })),
    '400 invalid two_fa_send_to: invalid email format',
  );
});

test('what is wrong with a body is said item by item; wrong shapes are refused as everywhere', async (t) => {
  const { anna } = await worldOf(t, { ownStore: true });
  const table: readonly (readonly [object | string, string])[] = [
    [{}, '400 username is required | password is required'],
    ['null', '400 username is required | password is required'],
    ['', '400 Missing body with json data.'],
    ['[]', '400 Invalid JSON data.'],
    ['{"username":', '400 Invalid JSON data.'],
    [{ username: 1 }, '400 Invalid JSON data.'],
    [{ groups: 'Ops' }, '400 Invalid JSON data.'],
    [{ password_expired: 'yes' }, '400 Invalid JSON data.'],
    [{ user: 'x' }, '400 Invalid JSON data.'],
    [{ effective_user_permissions: {} }, '400 Invalid JSON data.'],
    [
      { username: 'c ', password: 'short' },
      '400 username must not start or end with whitespace | Your password is too short',
    ],
    [{ username: 'anna', password: NEW_PASSWORD }, '400 Another user with this username already exists'],
  ];
  for (const [body, expected] of table) {
    assert.equal(refusal(await anna('POST', '/users', body)), expected, JSON.stringify(body));
  }
  assert.equal((await anna('POST', '/users', `{"USERNAME":"c","Password":"${NEW_PASSWORD}"}x`)).status, 201);
  assert.equal((await anna('POST', '/users', { username: 'x'.repeat(20_000) })).status, 400);
  assert.equal(refusal(await anna('PUT', '/users/bert', {})), '400 nothing to change');
  assert.equal(refusal(await anna('PUT', '/users/bert', { username: 'bert' })), '400 nothing to change');
});

test('a web interface may send back the whole user it was shown', async (t) => {
  const { anna } = await worldOf(t, { ownStore: true });
  const shown = dataOf<Record<string, unknown>[]>(await anna('GET', '/users'))[1];
  const sent = await anna('PUT', '/users/bert', { ...shown, groups: ['Ops'] });
  assert.equal(sent.status, 204, sent.text);
  assert.deepEqual(dataOf<{ groups: string[] }[]>(await anna('GET', '/users'))[1]?.groups, ['Ops']);
  assert.equal(refusal(await anna('PUT', '/users/bert', { ...shown, id: 7 })), '400 Invalid JSON data.');
});

test('password_expired ends the sessions of the user; a new password does not', async (t) => {
  const { world, anna } = await worldOf(t, { ownStore: true });
  const bert = await world.token('bert');
  await anna('PUT', '/users/bert', { password: NEW_PASSWORD });
  assert.equal((await world.get('/me', bert)).status, 200);
  await anna('PUT', '/users/bert', { password_expired: true });
  assert.equal((await world.get('/me', bert)).status, 401);
  const login = await world.login('bert', NEW_PASSWORD);
  assert.equal(refusal(login), '401 password has expired, please change your password');
  await anna('PUT', '/users/bert', { password_expired: false });
  assert.equal((await world.login('bert', NEW_PASSWORD)).status, 200);
});

test('the routes are for administrators, from the moment somebody is or is none any more', async (t) => {
  const { world, anna } = await worldOf(t, { ownStore: true });
  const bert = sender(world, await world.token('bert'));
  const calls: readonly (readonly [string, string, object?])[] = [
    ['GET', '/users'],
    ['POST', '/users', {}],
    ['PUT', '/users/anna', {}],
    ['DELETE', '/users/anna'],
    ['GET', '/user-groups'],
    ['GET', '/user-groups/Ops'],
    ['PUT', '/user-groups/Ops', {}],
    ['DELETE', '/user-groups/Ops'],
  ];
  for (const call of calls) {
    assert.equal(
      refusal(await bert(...call)),
      '403 current user should belong to Administrators group to access this resource',
      call.join(' '),
    );
  }
  assert.equal((await world.call({ url: '/api/v1/users' })).status, 401);
  await anna('PUT', '/users/bert', { groups: ['Administrators'] });
  assert.equal((await bert('DELETE', '/users/anna')).status, 204);
  assert.equal((await anna('GET', '/users')).status, 401, 'an administrator who is gone');
  assert.equal(refusal(await bert('DELETE', '/users/bert')), '400 the last administrator can not be removed');
  assert.equal(
    refusal(await bert('PUT', '/users/bert', { groups: [] })),
    '400 the last administrator can not be removed',
  );
  assert.equal((await bert('GET', '/users')).status, 200);
});

test('the single user of the configuration cannot be changed', async (t) => {
  const world = await authWorld(t, { staticUser: `admin:${PASSWORD}` });
  const admin = sender(world, await world.token('admin'));
  const refused =
    '400 server runs on a static user-password pair, please use JSON file or database for user data';
  assert.equal(refusal(await admin('GET', '/users')), refused);
  assert.equal(refusal(await admin('POST', '/users', {})), refused);
  assert.equal(refusal(await admin('PUT', '/users/admin', {})), refused);
  assert.equal(refusal(await admin('DELETE', '/users/admin')), refused);
  assert.equal(
    refusal(await admin('PUT', '/me', { username: 'root' })),
    "400 The single user authentication doesn't support this operation.",
  );
});

test('there is no GET of one user, and names in paths are one segment', async (t) => {
  const { anna } = await worldOf(t, { ownStore: true });
  assert.equal((await anna('GET', '/users/bert')).status, 405);
  assert.equal((await anna('DELETE', '/users/a%2Fb')).status, 404);
  const odd = 'a b?ü%/'.replace('/', '');
  assert.equal((await anna('POST', '/users', { username: odd, password: NEW_PASSWORD })).status, 201);
  assert.equal((await anna('PUT', `/users/${encodeURIComponent(odd)}`, { groups: ['x'] })).status, 204);
  assert.equal((await anna('DELETE', `/users/${encodeURIComponent(odd)}`)).status, 204);
});

test('with a least score, guessable passwords are refused by every route that sets one', async (t) => {
  const { world, anna } = await worldOf(t, {
    ownStore: true,
    api: { passwordZxcvbnMinscore: 3 },
    hasher: {
      score: (password, known) => Promise.resolve(known.some((name) => password.startsWith(name)) ? 0 : 4),
    },
  });
  const bert = sender(world, await world.token('bert'));
  const guess = 'bertbertbertbert';
  const refused = '400 Your password is too guessable';
  assert.equal(refusal(await anna('PUT', '/users/bert', { password: guess })), refused);
  assert.equal(refusal(await anna('POST', '/users', { username: 'bertb', password: guess })), refused);
  assert.equal(refusal(await bert('PUT', '/me', { password: guess, old_password: PASSWORD })), refused);
  const login = await world.call({
    method: 'POST',
    url: '/api/v1/login',
    headers: { 'content-type': 'application/json' },
    body: { username: 'bert', password: PASSWORD, new_password: guess },
  });
  assert.equal(refusal(login), refused);
  assert.equal((await anna('PUT', '/users/bert', { password: NEW_PASSWORD })).status, 204);
});

test('a file that cannot be written: 500 without its path, which is in the log', async (t) => {
  const users = [{ username: 'anna', password: bcryptHash(PASSWORD), groups: ['Administrators'] }];
  const { world, anna } = await worldOf(t, {
    users,
    accounts: { addUser: () => Promise.reject(new Error('EIO: /secret/path')) },
  });
  const answer = await anna('POST', '/users', { username: 'carla', password: NEW_PASSWORD });
  assert.equal(refusal(answer), '500 internal error');
  assert.match(JSON.stringify(world.log.lines), /addUser failed.*EIO/);
});
