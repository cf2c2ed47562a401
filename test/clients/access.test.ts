/** Who may access which client. Spec 02 §16 and §24.11. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../../src/auth/principal.js';
import { createClientIndex } from '../../src/clients/client-index.js';
import type { ClientIndex } from '../../src/clients/read-model.js';
import { clientId } from '../../src/ids.js';
import { clientGroup } from '../support/client-group.js';
import { clientRecord } from '../support/client-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { admin, member } from '../support/viewers.js';

const lists = {
  none: null,
  empty: [],
  admin: ['Administrators'],
  'admin-g1': ['Administrators', 'g1'],
  g1: ['g1'],
  'g1-g2': ['g1', 'g2'],
  g3: ['g3'],
};
const all = Object.keys(lists).sort();

function fleet(): ClientIndex {
  const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
  const index = createClientIndex({ server, clock: new ManualClock() });
  for (const [id, allowedUserGroups] of Object.entries(lists)) {
    index.apply({ type: 'saved', record: clientRecord(id, { allowedUserGroups, tags: [`of ${id}`] }) });
  }
  return index;
}

const options = { sorts: [], filters: [], fields: {}, offset: 0, limit: 500 };

/** Denied ids, and the same from every list. */
function denied(index: ClientIndex, viewer: Principal): string[] {
  const ids = all.filter((id) => !index.canAccess(clientId(id), viewer));
  const allowed = all.filter((id) => !ids.includes(id));
  const { items, count } = index.list(options, viewer);
  assert.deepEqual((JSON.parse(items) as { id: string }[]).map(({ id }) => id).sort(), allowed);
  assert.equal(count, allowed.length);
  assert.deepEqual([...index.visible(viewer)].map(({ id }) => id as string).sort(), allowed);
  const tags = JSON.parse(index.tags(options, viewer).items) as { client_ids: string[] }[];
  assert.deepEqual(tags.flatMap(({ client_ids: of }) => of).sort(), allowed);
  return ids;
}

test('by the lists of the clients alone', () => {
  const index = fleet();
  assert.deepEqual(denied(index, member()), all);
  assert.deepEqual(denied(index, admin), []);
  assert.deepEqual(denied(index, member('g1', 'g2', 'g3')), ['admin', 'empty', 'none']);
  assert.deepEqual(denied(index, member('g3')), ['admin', 'admin-g1', 'empty', 'g1', 'g1-g2', 'none']);
  assert.deepEqual(denied(index, member('g1')), ['admin', 'empty', 'g3', 'none']);
  assert.deepEqual(denied(index, member('unknown')), all);
  assert.deepEqual(denied(index, member('G1')), all, 'letter case counts');
});

test('through client groups in addition, at once and as long as they are there', () => {
  const index = fleet();
  const viewer = member('g3', 'through');
  const without = ['admin', 'admin-g1', 'empty', 'g1', 'g1-g2', 'none'];
  const put = (...change: Parameters<typeof clientGroup>): void =>
    index.applyGroup({ type: 'saved', group: clientGroup(...change) });
  assert.deepEqual(denied(index, viewer), without);
  put('some', { client_id: ['none', 'G1*'] }, { allowedUserGroups: ['through', 'others'] });
  assert.deepEqual(denied(index, viewer), ['admin', 'admin-g1', 'empty']);
  assert.deepEqual(denied(index, member('others')), ['admin', 'admin-g1', 'empty', 'g3']);
  assert.deepEqual(denied(index, member('Through')), all);
  put('more', { client_id: ['empty'] }, { allowedUserGroups: ['through'] });
  assert.deepEqual(denied(index, viewer), ['admin', 'admin-g1']);
  put('some', { client_id: ['none', 'G1*'] }, { allowedUserGroups: ['others'] });
  assert.deepEqual(
    denied(index, viewer),
    ['admin', 'admin-g1', 'g1', 'g1-g2', 'none'],
    'the list of the group',
  );
  put('some', { client_id: ['admin'] }, { allowedUserGroups: ['through'] });
  assert.deepEqual(denied(index, viewer), ['admin-g1', 'g1', 'g1-g2', 'none'], 'its members');
  index.applyGroup({ type: 'removed', id: 'some' });
  index.applyGroup({ type: 'removed', id: 'more' });
  assert.deepEqual(denied(index, viewer), without);
});

test('a group without parameters opens nothing, nor does one without user groups', () => {
  const index = fleet();
  index.applyGroup({ type: 'saved', group: clientGroup('all', {}, { allowedUserGroups: ['x'] }) });
  index.applyGroup({ type: 'saved', group: clientGroup('nobody', { client_id: ['*'] }) });
  index.applyGroup({
    type: 'saved',
    group: clientGroup('empty', { client_id: ['*'] }, { allowedUserGroups: [] }),
  });
  assert.deepEqual(denied(index, member('x')), all);
  assert.deepEqual(denied(index, member()), all);
  assert.deepEqual(denied(index, member('')), all);
});

test('a client that leaves a group is out of reach at once', () => {
  const index = fleet();
  const here = clientGroup('here', { connection_state: ['connected'] }, { allowedUserGroups: ['x'] });
  index.applyGroup({ type: 'saved', group: here });
  assert.deepEqual(denied(index, member('x')), []);
  index.apply({
    type: 'saved',
    record: clientRecord('g1', { tags: ['of g1'], disconnectedAt: '2026-01-01T00:00:00.000Z' }),
  });
  assert.deepEqual(denied(index, member('x')), ['g1']);
});
