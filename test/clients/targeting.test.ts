/** Which clients a request is for. Spec 04 §6 and §25.4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientIndex } from '../../src/clients/client-index.js';
import { deniedTargets, deniedText, resolveTargets, type Targeting } from '../../src/clients/targeting.js';
import { AppError } from '../../src/errors.js';
import { clientId } from '../../src/ids.js';
import { clientGroup } from '../support/client-group.js';
import { clientRecord } from '../support/client-record.js';
import { admin, member } from '../support/viewers.js';

const index = createClientIndex({
  server: { purgeDisconnectedClients: false, keepDisconnectedClients: 0 },
  clock: { now: () => 0 },
});
const tags: Readonly<Record<string, readonly string[] | null>> = {
  'client-4': ['linux', 'windows'],
  'client-2': ['windows'],
  'client-1': ['linux'],
  'client-3': ['mac'],
  'client-0': null,
};
for (const [id, own] of Object.entries(tags)) {
  const disconnectedAt = id === 'client-3' ? '2026-01-01T00:00:00.000Z' : null;
  const record = clientRecord(id, {
    tags: own,
    disconnectedAt,
    allowedUserGroups: id === 'client-1' ? ['dev'] : null,
  });
  index.apply({ type: 'saved', record });
}
const group = (id: string, ...members: string[]): void =>
  index.applyGroup({ type: 'saved', group: clientGroup(id, { client_id: members }) });
group('group-1', 'client-2', 'client-1');
group('group-2', 'client-4');
group('empty', 'nobody');

const nothing: Targeting = { clientIds: null, groupIds: null, tags: null };

function resolved(given: Partial<Targeting>): string {
  try {
    return resolveTargets({ ...nothing, ...given }, index).join(' ');
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    return `${error.status} ${error.title}${error.detail === '' ? '' : ` / ${error.detail}`}`;
  }
}

const cases: readonly (readonly [given: Partial<Targeting>, expected: string])[] = [
  [{ clientIds: ['client-2', 'client-1'] }, 'client-2 client-1'],
  [{ clientIds: ['client-3', 'client-1'] }, 'client-3 client-1'],
  [{ clientIds: ['client-1', 'client-1'] }, 'client-1 client-1'],
  [{ clientIds: ['client-1', 'client-9'] }, '404 Client with id="client-9" not found.'],
  [{ groupIds: ['group-1'] }, 'client-1 client-2'],
  [{ groupIds: ['group-2', 'group-1'] }, 'client-1 client-2 client-4'],
  [{ groupIds: ['group-2'], clientIds: ['client-1'] }, 'client-1 client-4'],
  [{ groupIds: ['group-1'], clientIds: ['client-2'] }, 'client-2 client-1'],
  [{ groupIds: ['g', 'group-1'], clientIds: ['client-9'] }, '400 Unknown group with id="g".'],
  [{ groupIds: ['empty'] }, '400 no active clients belong to the selected group(s)'],
  [{ groupIds: ['empty'], clientIds: [] }, '400 no active clients belong to the selected group(s)'],
  [{ groupIds: ['empty'], clientIds: ['client-1'] }, 'client-1'],
  [{ groupIds: [] }, '400 at least 1 client should be specified'],
  [{ clientIds: [] }, '400 at least 1 client should be specified'],
  [{ tags: { tags: ['linux'], operator: '' } }, 'client-1 client-4'],
  [{ tags: { tags: ['linux', 'windows'], operator: 'OR' } }, 'client-1 client-2 client-4'],
  [{ tags: { tags: ['linux', 'windows'], operator: 'xor' } }, 'client-1 client-2 client-4'],
  [{ tags: { tags: ['linux', 'windows'], operator: 'and' } }, 'client-4'],
  [{ tags: { tags: ['linux', 'linux'], operator: 'AND' } }, 'client-1 client-4'],
  [{ tags: { tags: ['Linux'], operator: 'OR' } }, '400 at least 1 client should be specified'],
  [{ tags: { tags: [], operator: 'OR' } }, '400 No tags specified. / please specify tags in the tags list'],
  [{ tags: { tags: null, operator: '' } }, '400 No tags specified. / please specify tags in the tags list'],
  [
    { tags: { tags: [], operator: 'OR' }, clientIds: [] },
    '400 Multiple targeting parameters. / multiple targeting options are not supported. Please specify only one',
  ],
  [
    { tags: { tags: ['linux'], operator: 'OR' }, groupIds: ['group-1'] },
    '400 Multiple targeting parameters. / multiple targeting options are not supported. Please specify only one',
  ],
  [
    {},
    '400 Missing targeting parameters. / please specify targeting options, such as client ids, groups ids or tags',
  ],
];

for (const [given, expected] of cases) {
  test(`${JSON.stringify(given)} means ${expected}`, () => assert.equal(resolved(given), expected));
}

test('those a user may not access are named in the order of the targets', () => {
  const targets = ['client-2', 'client-1', 'client-0'].map(clientId);
  assert.deepEqual(deniedTargets(targets, admin, index), []);
  const denied = deniedTargets(targets, member('dev'), index);
  assert.equal(deniedText(denied), 'Access denied to client(s) with ID(s): client-2, client-0');
});
