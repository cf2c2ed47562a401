/** There is always an administrator, whoever removes whom at the same time. Spec 02 §12.5 and §14.3. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type AccountRules, accountRules, GOOD_PASSWORD, refusals } from '../support/account-rules.js';

const last = '400 the last administrator can not be removed';
const admins = ({ store }: AccountRules): readonly string[] =>
  Array.from(store.users.all())
    .filter(({ groups }) => groups?.includes('Administrators'))
    .map(({ username }) => username);

test('the last administrator is neither removed nor demoted, by himself or by others', async (t) => {
  const rules = await accountRules(t);
  const { accounts } = rules;
  assert.deepEqual(await refusals(accounts.removeUser('anna')), [last]);
  assert.deepEqual(await refusals(accounts.changeUser('anna', { groups: [] })), [last]);
  assert.deepEqual(await refusals(accounts.changeUser('anna', { groups: ['administrators'] })), [last]);
  assert.deepEqual(await refusals(accounts.changeUser('anna', { username: 'a', groups: ['Ops'] })), [last]);
  await accounts.changeUser('anna', { groups: ['Ops', 'Administrators'] });
  await accounts.changeUser('anna', { username: 'a' });
  assert.deepEqual(admins(rules), ['a']);
  await accounts.changeUser('bert', { groups: ['Administrators'] });
  await accounts.removeUser('a');
  assert.deepEqual(admins(rules), ['bert']);
});

test('administrators who remove each other at the same time: one stays', async (t) => {
  const rules = await accountRules(t);
  const { accounts } = rules;
  await accounts.changeUser('bert', { groups: ['Administrators'] });
  await accounts.addUser({ username: 'carla', password: GOOD_PASSWORD, groups: ['Administrators'] });
  const outcomes = await Promise.all([
    refusals(accounts.removeUser('anna')),
    refusals(accounts.changeUser('bert', { groups: [] })),
    refusals(accounts.changeUser('carla', { password: GOOD_PASSWORD, groups: ['Ops'] })),
  ]);
  assert.deepEqual(outcomes.flat(), [last]);
  assert.equal(admins(rules).length, 1);
});

test('the group Administrators can be neither changed nor removed', async (t) => {
  const rules = await accountRules(t);
  const refused = ['400 the group Administrators can not be changed'];
  assert.deepEqual(await refusals(rules.accounts.putGroup('Administrators', {})), refused);
  assert.deepEqual(await refusals(rules.accounts.removeGroup('Administrators')), refused);
  assert.deepEqual(admins(rules), ['anna']);
});
