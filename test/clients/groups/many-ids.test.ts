/** Lists with very many ids of clients: other requests have their turn meanwhile, and there is an end. Spec 03 §7.3. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientIndex } from '../../../src/clients/client-index.js';
import { clientGroup } from '../../support/client-group.js';
import { clientRecord } from '../../support/client-record.js';
import { ManualClock } from '../../support/manual-clock.js';
import { admin, member } from '../../support/viewers.js';

const CLIENTS = 2_000;
const ids = Array.from({ length: CLIENTS }, (_, index) => `c-${String(index).padStart(5, '0')}`);

function fleet(groups: number) {
  const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
  const index = createClientIndex({ server, clock: new ManualClock() });
  for (const id of ids) index.apply({ type: 'saved', record: clientRecord(id) });
  for (let number = 0; number < groups; number += 1) {
    const group = clientGroup(`g${number}`, { os_kernel: ['linux'] }, { allowedUserGroups: ['Ops'] });
    index.applyGroup({ type: 'saved', group });
  }
  return index;
}

const options = (limit: number) => ({
  sorts: [],
  filters: [],
  fields: { client_groups: ['client_ids', 'num_clients'] },
  offset: 0,
  limit,
});

test('a long list leaves turns to others, and shows one moment', async () => {
  const index = fleet(50);
  const page = index.groups(options(50), admin);
  assert.ok(page instanceof Promise);
  let turns = 0;
  const count = (): void => {
    turns += 1;
    if (turns === 1) index.apply({ type: 'removed', id: clientRecord(ids[CLIENTS - 1] ?? '').id });
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const { items } = await page;
  clearImmediate(next);
  assert.ok(turns >= 4, `${turns} turns`);
  for (const group of JSON.parse(items)) assert.deepEqual(group, { client_ids: ids, num_clients: CLIENTS });
});

test('lists that are asked for at once are made one after the other', async () => {
  const index = fleet(30);
  const pages = await Promise.all(
    [admin, member('Ops'), admin].map((viewer) => index.groups(options(30), viewer)),
  );
  for (const { items } of pages) assert.equal(JSON.parse(items).length, 30);
});

test('an answer with too many ids is refused, and says what to do', async () => {
  const index = fleet(101);
  const title =
    'The answer would have more than 200000 client ids. Ask for fewer groups at a time, or for other fields.';
  assert.throws(() => index.groups(options(500), admin), { status: 400, title });
  assert.throws(() => index.groups(options(500), member('Ops')), { status: 400, title });
  // Nobody is refused for clients he does not see.
  assert.deepEqual(await index.groups(options(500), member('Dev')), { items: '[]', count: 0 });
  assert.equal(JSON.parse((await index.groups(options(100), admin)).items).length, 100);
});
