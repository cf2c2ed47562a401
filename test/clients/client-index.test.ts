import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../../src/auth/principal.js';
import { createClientIndex } from '../../src/clients/client-index.js';
import { clientFilters, clientSorts } from '../../src/clients/columns.js';
import type { ClientIndex } from '../../src/clients/read-model.js';
import type { ClientRecord } from '../../src/clients/record.js';
import { clientFields } from '../../src/clients/record-json.js';
import { parseQuery } from '../../src/http/query-string.js';
import { clientId } from '../../src/ids.js';
import { readListOptions } from '../../src/query/validate.js';
import { clientRecord } from '../support/client-record.js';
import { ManualClock } from '../support/manual-clock.js';
import { admin, member } from '../support/viewers.js';

const forever = { purgeDisconnectedClients: false, keepDisconnectedClients: 3_600_000 };
const oneHour = { ...forever, purgeDisconnectedClients: true };

function indexOf(records: readonly ClientRecord[], server = forever, clock = new ManualClock()): ClientIndex {
  const index = createClientIndex({ server, clock });
  for (const record of records) index.apply({ type: 'saved', record });
  return index;
}

const support = {
  sorts: Object.keys(clientSorts),
  filters: clientFilters,
  fields: { clients: clientFields, client_tags: ['tag', 'client_ids'] },
  page: { defaultLimit: 50, maxLimit: 500 },
};

const list = (index: ClientIndex, query = '', viewer: Principal = admin) => {
  const { items, count } = index.list(readListOptions(parseQuery(query), support), viewer);
  return { items: JSON.parse(items) as Record<string, unknown>[], count };
};

const ids = (index: ClientIndex, query = '', viewer: Principal = admin): unknown[] =>
  list(index, query, viewer).items.map(({ id }) => id);

const tags = (index: ClientIndex, query = '', viewer: Principal = admin) =>
  index.tags(readListOptions(parseQuery(query), support), viewer);

test('clients sort by every column in both directions, without regard to case, ties by id', () => {
  for (const [column, key] of Object.entries({
    name: 'name',
    os: 'os',
    hostname: 'hostname',
    version: 'version',
  })) {
    const index = indexOf([
      clientRecord('b', { [key]: 'same' }),
      clientRecord('A', { [key]: 'SAME' }),
      clientRecord('c', { [key]: 'Zeta' }),
      clientRecord('d', { [key]: 'alpha' }),
    ]);
    assert.deepEqual(ids(index, `sort=${column}`), ['d', 'A', 'b', 'c'], column);
    assert.deepEqual(ids(index, `sort=-${column}`), ['c', 'b', 'A', 'd'], column);
  }
  const index = indexOf([clientRecord('b'), clientRecord('A'), clientRecord('C')]);
  assert.deepEqual(ids(index), ['A', 'b', 'C']);
  assert.deepEqual(ids(index, 'sort=-id'), ['C', 'b', 'A']);
});

test('a list shows id, name and hostname unless asked for more', () => {
  const index = indexOf([clientRecord('c-1', { name: 'Web 1', hostname: 'web1' })]);
  assert.deepEqual(list(index), { items: [{ id: 'c-1', name: 'Web 1', hostname: 'web1' }], count: 1 });
  assert.equal(
    index.list(readListOptions(parseQuery('fields[clients]=tags,id,ip_addresses,id'), support), admin).items,
    '[{"id":"c-1","tags":null,"ext_ip_addresses":null}]',
  );
});

test('pages', () => {
  const index = indexOf(['a', 'b', 'c', 'd'].map((id) => clientRecord(id, { allowedUserGroups: ['g'] })));
  for (const viewer of [admin, member('g')]) {
    assert.deepEqual(ids(index, 'page[limit]=2&page[offset]=1', viewer), ['b', 'c']);
    assert.deepEqual(ids(index, 'sort=-id&page[limit]=2&page[offset]=3', viewer), ['a']);
    assert.deepEqual(list(index, 'page[offset]=9', viewer), { items: [], count: 4 });
    assert.equal(list(index, 'page[limit]=1&filter[id]=a,b,c', viewer).count, 3);
  }
});

test('every filter column finds its value', () => {
  const index = indexOf([
    clientRecord('c-1', {
      tags: ['Linux', 'Datacenter 3', 'TAG1'],
      labels: { country: 'France' },
      ipv6: ['fe80::1'],
      allowedUserGroups: ['g1'],
    }),
    clientRecord('c-2', { allowedUserGroups: [], disconnectedAt: '2026-01-01T00:00:00.000Z', numCpus: 9 }),
  ]);
  const found = {
    id: 'C-1',
    name: 'client c-1',
    os: 'Linux*',
    os_arch: 'amd64',
    os_family: 'debian',
    os_kernel: 'linux',
    os_full_name: 'debian 12',
    os_version: '12',
    os_virtualization_system: 'KVM',
    os_virtualization_role: 'guest',
    cpu_family: '6',
    cpu_model: '85',
    cpu_model_name: '*2.10GHz',
    cpu_vendor: 'genuineintel',
    num_cpus: '2',
    timezone: 'utc*',
    hostname: 'HOST-C-1',
    ipv4: '10.0.0.7',
    ipv6: 'fe80*',
    tags: 'and(linux,tag1)',
    labels: 'country: france',
    version: '1.0.0',
    address: '198.51.100.*',
    client_auth_id: 'fleet',
    allowed_user_groups: 'g1',
    connection_state: 'connected',
  };
  assert.deepEqual([...Object.keys(found), 'groups'].sort(), [...clientFilters].sort());
  for (const [column, value] of Object.entries(found)) {
    assert.equal(ids(index, `filter[${column}]=${value}`)[0], 'c-1', column);
    assert.deepEqual(ids(index, `filter[${column}]=no such value`), [], column);
  }
  assert.deepEqual(ids(index, 'filter[groups]=*'), []);
  assert.deepEqual(ids(index, 'filter[connection_state]=disconnected'), ['c-2']);
  assert.deepEqual(ids(index, 'filter[num_cpus]=9'), ['c-2']);
  assert.deepEqual(ids(index, 'filter[*]=*datacenter*'), ['c-1']);
  // Null is found by a lone star, an empty list by nothing.
  assert.deepEqual(ids(index, 'filter[tags]=*'), ['c-1', 'c-2']);
  assert.deepEqual(ids(index, 'filter[allowed_user_groups]=*'), ['c-1']);
});

test('users see what a group of theirs may access, administrators everything', () => {
  const index = indexOf([
    clientRecord('none'),
    clientRecord('empty', { allowedUserGroups: [] }),
    clientRecord('one', { allowedUserGroups: ['g1'] }),
    clientRecord('two', { allowedUserGroups: ['g1', 'g2'] }),
  ]);
  assert.equal(list(index).count, 4);
  assert.deepEqual(list(index, '', member()), { items: [], count: 0 });
  assert.deepEqual(ids(index, '', member('g1')), ['one', 'two']);
  assert.deepEqual(ids(index, '', member('g2', 'x')), ['two']);
  assert.deepEqual(ids(index, '', member('G1')), []);
  assert.deepEqual(
    [...index.visible(member('g1'))].map(({ id }) => id),
    ['one', 'two'],
  );
  assert.equal(index.canAccess(clientId('one'), member('g1')), true);
  assert.equal(index.canAccess(clientId('none'), member('g1')), false);
  assert.equal(index.canAccess(clientId('unknown'), admin), false);
});

test('a change is seen by the next reading, whatever was read before', () => {
  const index = indexOf([clientRecord('c-1', { name: 'old' }), clientRecord('c-2')]);
  assert.equal(list(index, 'sort=name').items[1]?.name, 'old');
  assert.match(index.detail(clientId('c-1'), undefined) ?? '', /"name":"old"/);
  index.apply({ type: 'saved', record: clientRecord('c-1', { name: 'a new one' }) });
  assert.equal(list(index, 'sort=name').items[0]?.name, 'a new one');
  assert.match(index.detail(clientId('c-1'), undefined) ?? '', /"name":"a new one"/);
  index.apply({ type: 'removed', id: clientId('c-1') });
  assert.deepEqual(list(index, 'sort=name'), {
    items: [{ id: 'c-2', name: 'Client c-2', hostname: 'host-c-2' }],
    count: 1,
  });
  assert.equal(index.detail(clientId('c-1'), undefined), undefined);
  assert.equal(index.get(clientId('c-1')), undefined);
  index.apply({ type: 'removed', id: clientId('c-1') });
  assert.deepEqual(index.counts(), { connected: 1, disconnected: 0 });
});

test('heartbeats show in pages and details, survive a save, never go back', () => {
  const index = indexOf([clientRecord('c-1')]);
  const shown = () => list(index, 'fields[clients]=last_heartbeat_at').items[0]?.last_heartbeat_at;
  const beat = (at: string) => index.apply({ type: 'heartbeats', beats: [[clientId('c-1'), at]] });
  assert.equal(shown(), null);
  beat('2026-01-01T00:00:01.500Z');
  assert.equal(shown(), '2026-01-01T00:00:01.5Z');
  beat('2026-01-01T00:00:00.000Z');
  assert.equal(index.lastHeartbeat(clientId('c-1')), '2026-01-01T00:00:01.500Z');
  assert.match(
    index.detail(clientId('c-1'), undefined) ?? '',
    /"last_heartbeat_at":"2026-01-01T00:00:01.5Z"/,
  );
  index.apply({ type: 'saved', record: clientRecord('c-1', { name: 'x' }) });
  assert.equal(shown(), '2026-01-01T00:00:01.5Z');
  index.apply({ type: 'removed', id: clientId('c-1') });
  beat('2026-01-02T00:00:00.000Z');
  assert.equal(index.lastHeartbeat(clientId('c-1')), null);
});

test('an obsolete client disappears when its time is over, without any event', () => {
  const clock = new ManualClock();
  const at = (minutesAgo: number) => new Date(clock.now() - minutesAgo * 60_000).toISOString();
  const records = [
    clientRecord('here', { tags: ['t'] }),
    clientRecord('5m', { disconnectedAt: at(5), tags: ['t'] }),
    clientRecord('61m', { disconnectedAt: at(61), tags: ['t'] }),
  ];
  const index = indexOf(records, oneHour, clock);
  assert.deepEqual(ids(index), ['5m', 'here']);
  assert.equal(index.get(clientId('61m')), undefined);
  assert.deepEqual(index.counts(), { connected: 1, disconnected: 1 });
  assert.equal(tags(index).items, '[{"tag":"t","client_ids":["5m","here"]}]');
  clock.advance(55 * 60_000);
  assert.deepEqual(ids(index), ['5m', 'here'], 'not before the time is over');
  clock.advance(1);
  assert.deepEqual(ids(index), ['here']);
  assert.equal(index.detail(clientId('5m'), undefined), undefined);
  assert.equal(index.canAccess(clientId('5m'), admin), false);
  assert.deepEqual(index.counts(), { connected: 1, disconnected: 0 });
  assert.equal(tags(index).items, '[{"tag":"t","client_ids":["here"]}]');
  index.apply({ type: 'saved', record: clientRecord('5m') });
  assert.deepEqual(ids(index), ['5m', 'here'], 'it came back');
  assert.deepEqual(
    ids(indexOf(records, forever, clock)),
    ['5m', '61m', 'here'],
    'without purging nothing goes',
  );
});

test('with a keep time of zero a client is gone once it is disconnected', () => {
  const clock = new ManualClock();
  const record = clientRecord('c', { disconnectedAt: new Date(clock.now()).toISOString() });
  const index = indexOf([record], { purgeDisconnectedClients: true, keepDisconnectedClients: 0 }, clock);
  clock.advance(1);
  assert.deepEqual(ids(index), []);
});

test('tags are sorted bytewise, distinct by case, with sorted and distinct ids', () => {
  const index = indexOf([
    clientRecord('c-2', { tags: ['Linux', 'ä'], allowedUserGroups: ['g'] }),
    clientRecord('c-1', { tags: ['Linux', 'Linux', 'a'] }),
    clientRecord('c-3', { tags: ['linux'], disconnectedAt: '2026-01-01T00:00:00.000Z' }),
    clientRecord('c-4'),
  ]);
  const all = [
    { tag: 'Linux', client_ids: ['c-1', 'c-2'] },
    { tag: 'a', client_ids: ['c-1'] },
    { tag: 'linux', client_ids: ['c-3'] },
    { tag: 'ä', client_ids: ['c-2'] },
  ];
  assert.deepEqual(tags(index), { items: JSON.stringify(all), count: 4 });
  assert.deepEqual(tags(index, 'page[limit]=1&page[offset]=1&fields[client_tags]=tag'), {
    items: '[{"tag":"a"}]',
    count: 4,
  });
  assert.equal(
    tags(index, 'fields[client_tags]=client_ids,tag', member('g')).items,
    JSON.stringify([
      { tag: 'Linux', client_ids: ['c-2'] },
      { tag: 'ä', client_ids: ['c-2'] },
    ]),
  );
  index.apply({ type: 'saved', record: clientRecord('c-4', { tags: ['zz'] }) });
  assert.equal(tags(index).count, 5);
  index.apply({ type: 'saved', record: clientRecord('c-2', { tags: ['Linux', 'ä'] }) });
  assert.equal(tags(index, '', member('g')).count, 0);
  index.apply({ type: 'removed', id: clientId('c-4') });
  assert.equal(tags(index).count, 4);
});

test('at 10 000 clients with changes between the readings, orders and filters equal a full sort', () => {
  let seed = 1;
  const random = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const make = (n: number): ClientRecord =>
    clientRecord(`c-${n}`, {
      name: `${'abcDEF'[random(6)]}${random(500)}`,
      hostname: `host${random(9000)}`,
      version: `1.${random(20)}.${random(3)}`,
      os: `os ${random(4)}`,
      tags: [`t${random(10)}`, `u${random(100)}`],
      allowedUserGroups: random(3) === 0 ? ['ops'] : null,
    });
  const model = new Map(Array.from({ length: 10_000 }, (_, n) => [`c-${n}`, make(n)]));
  const index = indexOf([...model.values()]);

  const expected = (
    column: 'id' | keyof typeof clientSorts,
    wanted: (record: ClientRecord) => boolean,
  ): string[] =>
    [...model.values()]
      .filter(wanted)
      .map((record) => [clientSorts[column](record).toLowerCase(), record.id] as const)
      .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x < y ? -1 : 1))
      .map(([, id]) => id);

  for (let round = 0; round < 6; round++) {
    for (const column of ['id', 'name', 'os', 'hostname', 'version'] as const) {
      const all = expected(column, () => true);
      assert.deepEqual(ids(index, `sort=${column}&page[limit]=500&page[offset]=4800`), all.slice(4800, 5300));
      assert.deepEqual(ids(index, `sort=-${column}&page[limit]=3`), all.slice(-3).reverse());
      const tagged = expected(column, ({ tags: own }) => own?.includes('u7') ?? false);
      const page = list(index, `sort=${column}&filter[tags]=U7&page[limit]=500`);
      assert.deepEqual([page.items.map(({ id }) => id), page.count], [tagged, tagged.length]);
    }
    const ops = expected('name', ({ allowedUserGroups }) => allowedUserGroups !== null);
    assert.deepEqual(list(index, 'sort=name&page[limit]=500', member('ops')).count, ops.length);
    // More changes than clients in one of the rounds: the orders start afresh.
    const changes = round === 3 ? 25_000 : 10 ** round;
    for (let n = 0; n < Math.min(changes, 25_000); n++) {
      const id = random(11_000);
      if (random(4) === 0) {
        model.delete(`c-${id}`);
        index.apply({ type: 'removed', id: clientId(`c-${id}`) });
      } else {
        const record = make(id);
        model.set(`c-${id}`, record);
        index.apply({ type: 'saved', record });
      }
    }
    assert.deepEqual(index.counts(), { connected: model.size, disconnected: 0 });
  }
});
