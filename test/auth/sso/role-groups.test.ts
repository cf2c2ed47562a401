/** User groups that follow the provider. Spec 02 §20.8, `role_group_map`. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { RoleGroups } from '../../../src/config/values/role-groups.js';
import { bcryptHash, PASSWORD } from '../../support/auth-world.js';
import { OpenIdIssuer } from '../../support/openid-issuer.js';
import { oauthOf, type SsoWorld, type SsoWorldParts, ssoWorld, userOf } from '../../support/sso-world.js';

const roleGroupMap: readonly RoleGroups[] = [
  { role: 'boss', groups: ['Administrators'] },
  { role: 'ops', groups: ['Operators', 'Night shift'] },
  { role: 'dev', groups: ['Developers', 'Night shift'] },
];

const user = (username: string, groups: readonly string[] | null) => ({
  username,
  password: bcryptHash(PASSWORD),
  groups,
});

async function roleWorld(
  test: TestContext,
  roles: unknown,
  users: SsoWorldParts['users'],
  oauth: SsoWorldParts['oauth'] = {},
): Promise<{ world: SsoWorld; logIn: () => Promise<readonly string[] | null | undefined> }> {
  const issuer = await OpenIdIssuer.startFor(test, { a1: { preferred_username: 'anna', roles } });
  const world = await ssoWorld(test, {
    oauth: { ...oauthOf(issuer), roleClaim: 'roles', roleGroupMap, ...oauth },
    api: { defaultUserGroup: 'Newcomers' },
    ...(users === undefined ? {} : { users }),
  });
  const logIn = async () => {
    assert.equal(userOf(await world.logIn(issuer, 'a1')), 'anna');
    return (await world.users.findCurrent('anna'))?.groups;
  };
  return { world, logIn };
}

test('at a login the user joins the groups of his roles and leaves the other mapped ones', async (t) => {
  const { logIn } = await roleWorld(
    t,
    ['ops', 'unmapped'],
    [user('anna', ['Developers', 'Night shift', 'Own']), user('root', ['Administrators'])],
  );
  assert.deepEqual(await logIn(), ['Night shift', 'Own', 'Operators']);
  assert.deepEqual(await logIn(), ['Night shift', 'Own', 'Operators']);
});

test('without any role he leaves all mapped groups and no other', async (t) => {
  for (const roles of [undefined, [], 'unmapped', { ops: true }]) {
    const { logIn } = await roleWorld(t, roles, [
      user('anna', ['Administrators', 'Operators', 'Own']),
      user('root', ['Administrators']),
    ]);
    assert.deepEqual(await logIn(), ['Own']);
  }
});

test('a new user gets the default group and those of his roles before he can use his token', async (t) => {
  const { logIn } = await roleWorld(t, 'boss', [user('root', ['Administrators'])]);
  assert.deepEqual(await logIn(), ['Newcomers', 'Administrators']);
});

test('the last administrator stays one, and the log says so', async (t) => {
  const { world, logIn } = await roleWorld(t, ['ops'], [user('anna', ['Administrators', 'Developers'])]);
  const groups = await logIn();
  assert.deepEqual([...(groups ?? [])].sort(), ['Administrators', 'Night shift', 'Operators']);
  assert.match(world.log.lines.join('\n'), /error: single sign-on: "anna" stays in Administrators/);
});

test('without the map groups are left alone', async (t) => {
  const users = [user('anna', ['Operators']), user('root', ['Administrators'])];
  const { logIn } = await roleWorld(t, ['boss'], users, { roleGroupMap: [] });
  assert.deepEqual(await logIn(), ['Operators']);
});
