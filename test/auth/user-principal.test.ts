import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Group } from '../../src/auth/groups/group.js';
import type { Permission } from '../../src/auth/principal.js';
import { makeUserPrincipal } from '../../src/auth/user-principal.js';
import type { User, UserProvider } from '../../src/auth/users/provider.js';

const user: User = {
  username: 'anna',
  password: '',
  passwordExpired: false,
  groups: ['ops', 'web'],
  twoFaSendTo: '',
  totpSecret: '',
};
const group = (name: string, ...permissions: Permission[]): Group => ({
  name,
  permissions: new Set(permissions),
  tunnelsRestricted: null,
  commandsRestricted: null,
});
const provider = (groups: () => readonly Group[] | Promise<readonly Group[]>): UserProvider =>
  ({ groupSupport: 'details', groups }) as unknown as UserProvider;

test('permissions are worked out anew when a group or the user changes, and only then', async () => {
  let rows: readonly Group[] = [group('ops', 'tunnels'), group('web', 'vault')];
  const of = makeUserPrincipal(provider(() => [...rows]));
  const granted = async (of_: User = user) => [...(await of(of_)).permissions].sort();
  const first = of(user);
  assert.deepEqual(await granted(), ['tunnels', 'vault']);
  assert.equal(of(user), first);

  rows = [group('ops', 'tunnels'), rows[1] as Group];
  assert.notEqual(of(user), first, 'another object may say something else');
  rows = [rows[0] as Group];
  assert.deepEqual(await granted(), ['tunnels'], 'a removed group grants nothing');
  rows = [];
  assert.deepEqual(await granted(), []);
  assert.equal((await of({ ...user, groups: ['Administrators'] })).admin, true);
  assert.equal((await of(user)).admin, false);
});

test('groups that must be waited for are', async () => {
  const of = makeUserPrincipal(provider(async () => [group('ops', 'scripts')]));
  assert.deepEqual([...(await of(user)).permissions], ['scripts']);
});
