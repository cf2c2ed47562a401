/** `POST /clients/{client_id}/acl`. Spec 02 §16, 03 §4.5. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Principal } from '../../../src/auth/principal.js';
import type { UserProvider } from '../../../src/auth/users/provider.js';
import { createClientIndex } from '../../../src/clients/client-index.js';
import { createApi } from '../../../src/http/api.js';
import { clientAclRoutes } from '../../../src/http/routes/client-acl.js';
import { apiContext } from '../../support/api-context.js';
import { clientFleet, type Fleet, introduce } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';
import { type Injected, inject } from '../../support/inject.js';
import { admin, member } from '../../support/viewers.js';

interface World {
  readonly fleet: Fleet;
  post(id: string, body: unknown, viewer?: Principal): Promise<Injected>;
}

async function world(test: TestContext, groups: readonly string[] = ['g1', 'g2']): Promise<World> {
  const away = clientRecord('away', {
    disconnectedAt: '2026-01-01T00:00:00.000Z',
    allowedUserGroups: ['g1'],
  });
  const fleet = await clientFleet(test, { stored: [away] });
  await introduce(fleet.session(), { ID: 'here' });
  const { clients } = fleet.store;
  const index = createClientIndex({ server: fleet.server, clock: fleet.clock, clients });
  index.load();
  const users = { groupNames: () => Promise.resolve(groups) } as unknown as UserProvider;
  let caller = admin;
  const context = apiContext({
    actors: fleet.main,
    clients: index,
    users,
    auth: { authenticate: () => caller },
  });
  const api = createApi({ context, routes: clientAclRoutes });
  return {
    fleet,
    post(id, body, viewer = admin) {
      caller = viewer;
      return inject(api, { method: 'POST', url: `/api/v1/clients/${id}/acl`, body: body as object });
    },
  };
}

const refusal = (answer: Injected): unknown[] => {
  const [{ title, detail }] = (answer.json() as { errors: [{ title: string; detail: string }] }).errors;
  return [answer.status, title, detail];
};

test('replaces the list of a connected and of a disconnected client', async (t) => {
  const { fleet, post } = await world(t);
  for (const id of ['here', 'away']) {
    for (const list of [['g1', 'g2', 'g1'], ['Administrators'], ['g2']]) {
      const answer = await post(id, { allowed_user_groups: list });
      assert.deepEqual([answer.status, answer.text], [204, '']);
      assert.deepEqual(fleet.record(id)?.allowedUserGroups, list);
    }
    for (const body of ['{}', 'null', '{"allowed_user_groups":null}trailing', '{"Allowed_User_Groups":[]}']) {
      assert.equal((await post(id, { allowed_user_groups: ['g1'] })).status, 204);
      assert.equal((await post(id, body)).status, 204);
      assert.deepEqual(fleet.record(id)?.allowedUserGroups, [], body);
    }
  }
});

test('names groups that nobody has, in the order of the request, and changes nothing', async (t) => {
  const { fleet, post } = await world(t);
  const answer = await post('away', { allowed_user_groups: ['nogrp', 'g1', 'x2', 'G1'] });
  assert.deepEqual(refusal(answer), [404, 'user groups not found: nogrp, x2, G1', '']);
  assert.deepEqual(fleet.record('away')?.allowedUserGroups, ['g1']);
});

test('with a single static user there are the administrators', async (t) => {
  const { post } = await world(t, []);
  assert.equal((await post('away', { allowed_user_groups: ['Administrators'] })).status, 204);
  assert.equal((await post('away', { allowed_user_groups: ['g1'] })).status, 404);
});

test('order of checks: client, access, administrator, body, groups', async (t) => {
  const { post } = await world(t);
  const notFound = [404, 'Client with id="nobody" not found.', ''];
  assert.deepEqual(refusal(await post('nobody', '', member('g1'))), notFound);
  assert.deepEqual(refusal(await post('nobody', '')), notFound);
  assert.deepEqual(refusal(await post('here', '', member('g1'))), [
    403,
    'Access denied to client(s) with ID(s): here',
    '',
  ]);
  assert.deepEqual(refusal(await post('away', '', member('g1'))), [
    403,
    'current user should belong to Administrators group to access this resource',
    '',
  ]);
  assert.deepEqual(refusal(await post('away', '')), [400, 'Missing body with json data.', '']);
  for (const body of [
    '[]',
    '{"allowed_user_groups":"g1"}',
    '{"allowed_user_groups":[1]}',
    '{"groups":[]}',
    '{',
  ]) {
    assert.deepEqual(refusal(await post('away', body)).slice(0, 2), [400, 'Invalid JSON data.'], body);
  }
});
