/** The routes of user groups, and what members may do by them. Spec 02 §14 and §15.1. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Route } from '../../src/http/route.js';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  bcryptHash,
  PASSWORD,
  titles,
} from '../support/auth-world.js';
import type { Injected } from '../support/inject.js';

const ALL = ['auditlog', 'commands', 'monitoring', 'scheduler', 'scripts', 'tunnels', 'uploads', 'vault'];
const flags = (...granted: string[]) => Object.fromEntries(ALL.map((name) => [name, granted.includes(name)]));
const group = (
  name: string,
  permissions: object,
  tunnels: object | null = null,
  commands: object | null = null,
) => ({
  name,
  permissions,
  tunnels_restricted: tunnels,
  commands_restricted: commands,
});

const users = [
  { username: 'anna', password: bcryptHash(PASSWORD), groups: ['Administrators'] },
  { username: 'bert', password: bcryptHash(PASSWORD), groups: ['Ops'] },
  { username: 'carl', password: bcryptHash(PASSWORD), groups: ['Ops', 'Dev'] },
];

const monitored: Route = {
  method: 'GET',
  path: '/monitored',
  access: { kind: 'user', permission: 'monitoring' },
  docs: { tag: '', summary: '' },
  responses: {},
  handler: () => ({ status: 200, data: null }),
};

async function worldOf(t: Parameters<typeof authWorld>[0], parts: AuthWorldParts = { ownStore: true }) {
  const world = await authWorld(t, { users, routes: [monitored], ...parts });
  const token = await world.token('anna');
  const anna = (method: string, path: string, body?: object | string): Promise<Injected> =>
    world.call({
      method,
      url: `/api/v1${path}`,
      headers: { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body }),
    });
  return { world, anna };
}

const refusal = (answer: Injected): string => `${answer.status} ${titles(answer).join(' | ')}`;
const dataOf = <Data>(answer: Injected): Data => (answer.json() as { data: Data }).data;
const me = async (world: AuthWorld, username: string) =>
  dataOf<Record<string, unknown>>(await world.get('/me', await world.token(username)));

test('groups with permissions are listed first, then those that only have members', async (t) => {
  const { anna } = await worldOf(t);
  for (const name of ['Zoo', 'Ops', 'Art'])
    await anna('PUT', `/user-groups/${name}`, { permissions: { vault: true } });
  assert.deepEqual(dataOf(await anna('GET', '/user-groups')), [
    group('Art', flags('vault')),
    group('Ops', flags('vault')),
    group('Zoo', flags('vault')),
    group('Administrators', flags(...ALL)),
    group('Dev', flags()),
  ]);
});

test('a group is replaced as a whole; the answer is what is stored, restrictions in lower case', async (t) => {
  const { anna } = await worldOf(t);
  const first = await anna('PUT', '/user-groups/Ops', {
    name: 'ignored',
    permissions: { tunnels: true, vault: false, commands: true },
    tunnels_restricted: { Scheme: ['ssh'], 'AUTO-Close': { MAX: '5m' } },
    commands_restricted: { allow: ['^ls'] },
  });
  const stored = group(
    'Ops',
    flags('commands', 'tunnels'),
    { scheme: ['ssh'], 'auto-close': { max: '5m' } },
    { allow: ['^ls'] },
  );
  assert.equal(first.text, JSON.stringify({ data: stored }));
  assert.deepEqual(dataOf(await anna('GET', '/user-groups/Ops')), stored);
  const second = await anna('PUT', '/user-groups/Ops', { tunnels_restricted: {}, permissions: null });
  assert.deepEqual(dataOf(second), group('Ops', flags()));
  assert.deepEqual(dataOf(await anna('GET', '/user-groups/Ops')), group('Ops', flags()));
});

test('an unknown group is one that may do nothing, Administrators may do everything', async (t) => {
  const { anna } = await worldOf(t);
  assert.deepEqual(dataOf(await anna('GET', '/user-groups/nobody')), group('nobody', flags()));
  assert.deepEqual(
    dataOf(await anna('GET', '/user-groups/Administrators')),
    group('Administrators', flags(...ALL)),
  );
  assert.deepEqual(
    dataOf(await anna('GET', '/user-groups/administrators')),
    group('administrators', flags()),
    'letter case counts',
  );
});

test('Administrators can be neither changed nor removed', async (t) => {
  const { world, anna } = await worldOf(t);
  const refused = '400 the group Administrators can not be changed';
  assert.equal(refusal(await anna('PUT', '/user-groups/Administrators', { permissions: {} })), refused);
  assert.equal(refusal(await anna('DELETE', '/user-groups/Administrators')), refused);
  assert.deepEqual((await me(world, 'anna')).groups, ['Administrators']);
  assert.equal((await anna('GET', '/users')).status, 200);
});

test('a removed group has no members any more; to remove an unknown one is fine', async (t) => {
  const { world, anna } = await worldOf(t);
  await anna('PUT', '/user-groups/Ops', { permissions: { vault: true } });
  const removed = await anna('DELETE', '/user-groups/Ops');
  assert.deepEqual([removed.status, removed.text], [204, '']);
  assert.equal((await anna('DELETE', '/user-groups/Ops')).status, 204);
  assert.deepEqual((await me(world, 'carl')).groups, ['Dev']);
  assert.deepEqual(
    dataOf<{ name: string }[]>(await anna('GET', '/user-groups')).map(({ name }) => name),
    ['Administrators', 'Dev'],
  );
});

test('what is wrong with a group is a mistake of the caller', async (t) => {
  const { anna } = await worldOf(t);
  const unknown = await anna('PUT', '/user-groups/Ops', { permissions: { vault: true, fly: true } });
  assert.equal(refusal(unknown), '400 Invalid JSON data.');
  assert.match(unknown.text, /"detail":"invalid permission: fly"/);
  const table: readonly (readonly [object | string, RegExp])[] = [
    [{ permissions: { Vault: true } }, /^400 Invalid JSON data\.$/],
    [{ permissions: { vault: 'yes' } }, /^400 Invalid JSON data\.$/],
    [{ permissions: ['vault'] }, /^400 Invalid JSON data\.$/],
    [{ permission: {} }, /^400 Invalid JSON data\.$/],
    ['', /^400 Missing body/],
    [{ tunnels_restricted: { local: [20000] } }, /^400 invalid restriction list 20000 of type float64$/],
    [{ tunnels_restricted: { 'auto-close': { mex: '5m' } } }, /^400 invalid restriction rule 'mex'$/],
    [{ tunnels_restricted: { host_header: '[a' } }, /^400 invalid restriction regular expression "\[a"/],
    [{ tunnels_restricted: 5 }, /^400 restriction 5 of type float64 not recognized$/],
    [{ commands_restricted: { allow: ['('] } }, /^400 invalid restriction regular expression/],
    [{ commands_restricted: ['ls'] }, /^400 restriction \["ls"\] of type/],
  ];
  for (const [body, expected] of table) {
    assert.match(refusal(await anna('PUT', '/user-groups/Ops', body)), expected, JSON.stringify(body));
  }
  const long = 'g'.repeat(151);
  assert.match(refusal(await anna('PUT', `/user-groups/${long}`, {})), /^400 group names must not be longer/);
  assert.match(refusal(await anna('PUT', '/user-groups/a%00b', {})), /^400 group names must not be empty/);
  assert.equal((await anna('DELETE', '/user-groups/a%00b')).status, 204);
  assert.equal((await anna('GET', `/user-groups/${long}`)).status, 200);
});

test('/me shows exactly the permissions that groups give, and every restriction of theirs', async (t) => {
  const { world, anna } = await worldOf(t);
  await anna('PUT', '/user-groups/Ops', {
    permissions: { vault: true, monitoring: true },
    tunnels_restricted: { scheme: ['ssh'] },
  });
  await anna('PUT', '/user-groups/Dev', { tunnels_restricted: { local: ['20000'] } });
  const answer = await world.get('/me', await world.token('bert'));
  assert.equal(
    answer.text,
    JSON.stringify({
      data: {
        username: 'bert',
        password_expired: false,
        groups: ['Ops'],
        two_fa_send_to: '',
        effective_user_permissions: flags('vault', 'monitoring'),
        effective_extended_permissions: {
          tunnels_restricted: [{ scheme: ['ssh'] }],
          commands_restricted: null,
        },
        group_permissions_enabled: true,
      },
    }),
  );
  assert.deepEqual((await me(world, 'carl')).effective_extended_permissions, {
    tunnels_restricted: [{ scheme: ['ssh'] }, { local: ['20000'] }],
    commands_restricted: null,
  });
  const admin = await me(world, 'anna');
  assert.deepEqual(admin.effective_user_permissions, flags(...ALL));
});

test('a permission counts from the moment the group has it, and not a moment longer', async (t) => {
  const { world, anna } = await worldOf(t);
  const bert = await world.token('bert');
  const refused = '403 user does not have "monitoring" permission';
  assert.equal(refusal(await world.get('/monitored', bert)), refused);
  await anna('PUT', '/user-groups/Ops', { permissions: { monitoring: true } });
  assert.equal((await world.get('/monitored', bert)).status, 200);
  await anna('PUT', '/user-groups/Ops', { permissions: { monitoring: false } });
  assert.equal(refusal(await world.get('/monitored', bert)), refused);
  await anna('PUT', '/user-groups/Dev', { permissions: { monitoring: true } });
  await anna('PUT', '/users/bert', { groups: ['Dev'] });
  assert.equal((await world.get('/monitored', bert)).status, 200);
  await anna('PUT', '/users/bert', { groups: [] });
  assert.equal(refusal(await world.get('/monitored', bert)), refused);
});

test('users in a file have names of groups and nothing else', async (t) => {
  const { world, anna } = await worldOf(t, {});
  const refused = "400 The json file authentication backend doesn't support this feature.";
  assert.equal(refusal(await anna('GET', '/user-groups')), refused);
  assert.equal(refusal(await anna('GET', '/user-groups/Ops')), refused);
  assert.equal(refusal(await anna('PUT', '/user-groups/Ops', {})), refused);
  assert.equal(refusal(await anna('PUT', '/user-groups/Administrators', {})), refused);
  assert.equal(refusal(await anna('DELETE', '/user-groups/Ops')), refused);
  assert.equal((await world.get('/monitored', await world.token('bert'))).status, 200);
  assert.deepEqual((await me(world, 'bert')).effective_user_permissions, flags(...ALL));
});

test('the single user has no groups to show', async (t) => {
  const world = await authWorld(t, { staticUser: `admin:${PASSWORD}` });
  const token = await world.token('admin');
  assert.equal(
    refusal(await world.get('/user-groups', token)),
    "400 The single user authentication doesn't support this feature.",
  );
  assert.equal(
    refusal(await world.get('/user-groups/Ops', token)),
    '400 server runs on a static user-password pair, please use JSON file or database for user data',
  );
});
