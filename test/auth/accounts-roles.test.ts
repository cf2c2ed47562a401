/** Groups that follow the roles of an identity provider. Spec 02 §20.8, `role_group_map`. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountRules } from '../support/account-rules.js';

const managed = ['Administrators', 'Ops', 'Dev'];

test('roles change the managed groups and leave the others alone', async (t) => {
  const { accounts, user } = await accountRules(t);
  await accounts.changeUser('bert', { groups: ['Dev', 'Own', 'Ops'] });
  assert.equal(await accounts.applyRoles('bert', { held: ['Ops', 'Administrators'], managed }), false);
  assert.deepEqual(user('bert').groups, ['Own', 'Ops', 'Administrators']);
  assert.equal(await accounts.applyRoles('bert', { held: [], managed }), false);
  assert.deepEqual(user('bert').groups, ['Own']);
  assert.equal(await accounts.applyRoles('nobody', { held: ['Ops'], managed }), false);
});

test('roles do not undo what an administrator changes in the same moment', async (t) => {
  const { accounts, user } = await accountRules(t);
  await accounts.changeUser('bert', { groups: ['Own', 'Dev'] });
  await Promise.all([
    accounts.changeUser('bert', { groups: ['Other', 'Dev'] }),
    accounts.applyRoles('bert', { held: ['Ops'], managed }),
  ]);
  assert.deepEqual(user('bert').groups, ['Other', 'Ops']);
});

test('the last administrator stays one, also of several who lose their roles at once', async (t) => {
  const { accounts, user } = await accountRules(t);
  await accounts.changeUser('bert', { groups: ['Administrators'] });
  const kept = await Promise.all(
    ['anna', 'bert'].map((name) => accounts.applyRoles(name, { held: ['Dev'], managed })),
  );
  assert.deepEqual(kept, [false, true]);
  assert.deepEqual(user('anna').groups, ['Dev']);
  assert.deepEqual(user('bert').groups, ['Dev', 'Administrators']);
});

test('names of groups are checked as ever', async (t) => {
  const { accounts } = await accountRules(t);
  const roles = { held: ['x'.repeat(151)], managed: ['x'.repeat(151)] };
  await assert.rejects(accounts.applyRoles('bert', roles), {
    message: 'group names must not be longer than 150 characters',
  });
});
