/** The index after any changes of clients and groups: as one built afresh, and as the plain rule of spec 03 §7.4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientIndex, type LoadableClientIndex } from '../../../src/clients/client-index.js';
import {
  type ClientGroup,
  type GroupParamName,
  type GroupParams,
  groupParamNames,
} from '../../../src/clients/groups/group.js';
import { type GroupedClient, GroupIndex } from '../../../src/clients/groups/group-index.js';
import type { Page } from '../../../src/clients/page.js';
import type { ClientRecord } from '../../../src/clients/record.js';
import { clientId } from '../../../src/ids.js';
import { clientGroup } from '../../support/client-group.js';
import { clientRecord } from '../../support/client-record.js';
import { ManualClock } from '../../support/manual-clock.js';
import { admin, member } from '../../support/viewers.js';

const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 3_600_000 };
const USER_GROUPS = ['u1', 'u2', 'u3', 'U1'];

function randomness(start: number) {
  let seed = start;
  const below = (limit: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % limit;
  };
  const pick = <Item>(items: readonly Item[]): Item => items[below(items.length)] as Item;
  const some = <Item>(items: readonly Item[], most: number): Item[] =>
    Array.from({ length: below(most + 1) }, () => pick(items));
  return { below, pick, some };
}
type Random = ReturnType<typeof randomness>;

const VALUES = ['', 'a', 'A', 'ab', 'abc', 'b', 'B-1', 'b-2', 'ÄB', 'c*'];
const PATTERNS = [...VALUES, '*', 'a*', '*B', 'b-*', '*b*', 'ä*', 'nobody'];

function randomRecord(id: string, { pick, some, below }: Random): ClientRecord {
  const list = (): string[] | null => (below(4) === 0 ? null : some(VALUES, 3));
  return clientRecord(id, {
    name: pick(VALUES),
    os: pick(VALUES),
    hostname: pick(VALUES),
    version: pick(VALUES),
    clientAuthId: pick(VALUES),
    ipv4: list(),
    ipv6: list(),
    tags: list(),
    allowedUserGroups: below(3) === 0 ? some(USER_GROUPS, 2) : null,
    disconnectedAt: below(3) === 0 ? '2026-01-01T00:00:00.000Z' : null,
  });
}

function randomGroup(id: string, { pick, some, below }: Random): ClientGroup {
  const params: Record<string, unknown> = {};
  for (let count = below(4); count > 0; count--) {
    const name = pick(groupParamNames);
    const patterns = name === 'connection_state' ? ['connected'] : some(PATTERNS, 3);
    const list = name === 'client_id' ? [`C-${below(40)}`, ...some(PATTERNS, 1)] : patterns;
    if (name !== 'tag') params[name] = list;
    else if (patterns.length > 0) params.tag = pick([patterns, { and: patterns }, { or: patterns }]);
  }
  return clientGroup(id, params as Partial<GroupParams>, {
    allowedUserGroups: below(2) === 0 ? some(USER_GROUPS, 2) : null,
  });
}

/** The rule as it is written, without any cleverness. */
function belongs(record: ClientRecord, { params }: ClientGroup): boolean {
  const set = groupParamNames.filter((name) => params[name] !== null);
  return set.length > 0 && set.every((name) => holds(name, record, params));
}

function holds(name: GroupParamName, record: ClientRecord, params: GroupParams): boolean {
  const values = valuesOf(name, record);
  const given = params[name];
  if (given !== null && !Array.isArray(given)) {
    const [[operator, patterns] = ['', []]] = Object.entries(given);
    const matched = (patterns ?? []).map((pattern: string | null) =>
      values.some((value) => glob(pattern ?? '', value)),
    );
    return operator === 'and' ? matched.every(Boolean) : matched.some(Boolean);
  }
  const patterns = (given ?? []) as readonly string[];
  if (patterns.length === 0) return values.length === 0;
  return values.some((value) => patterns.some((pattern) => glob(pattern, value)));
}

function valuesOf(name: GroupParamName, record: ClientRecord): readonly string[] {
  const single = (value: string): string[] => [value];
  switch (name) {
    case 'client_id':
      return single(record.id);
    case 'connection_state':
      return single(record.disconnectedAt === null ? 'connected' : 'disconnected');
    case 'tag':
      return record.tags ?? [];
    case 'ipv4':
    case 'ipv6':
      return record[name] ?? [];
    case 'os_arch':
      return single(record.osArch);
    case 'os_family':
      return single(record.osFamily);
    case 'os_kernel':
      return single(record.osKernel);
    case 'client_auth_id':
      return single(record.clientAuthId);
    default:
      return single(record[name]);
  }
}

function glob(pattern: string, value: string): boolean {
  const source = pattern
    .toLowerCase()
    .split('*')
    .map((part) => part.replace(/[^\w]/gu, '\\u{$&}'));
  const escaped = source.map((part) =>
    part.replace(/\\u\{(.)\}/gsu, (_, character: string) => `\\u{${character.codePointAt(0)?.toString(16)}}`),
  );
  return new RegExp(`^${escaped.join('.*')}$`, 'su').test(value.toLowerCase());
}

const listOptions = {
  sorts: [],
  filters: [],
  fields: {
    client_groups: ['id', 'client_ids', 'num_clients', 'num_clients_connected'],
    clients: ['id', 'groups'],
  },
  offset: 0,
  limit: 500,
};

const viewers = [admin, member(), member('u1'), member('u2', 'u3'), member('unknown')];

/** Everything that depends on groups, as one value. */
const everything = (index: LoadableClientIndex): unknown =>
  viewers.map((viewer) => [
    JSON.parse(index.list(listOptions, viewer).items),
    JSON.parse((index.groups(listOptions, viewer) as Page).items),
    JSON.parse(index.tags(listOptions, viewer).items),
    [...index.visible(viewer)].map(({ id }) => id),
  ]);

/** The same from the plain rule. */
function expected(
  clients: ReadonlyMap<string, ClientRecord>,
  groups: ReadonlyMap<string, ClientGroup>,
): unknown {
  const records = [...clients.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  const sorted = [...groups.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
  return viewers.map((viewer) => {
    const inGroup = (list: readonly string[] | null): boolean =>
      list?.some((name) => viewer.groups.includes(name)) ?? false;
    const visible = records.filter(
      (record) =>
        viewer.admin ||
        inGroup(record.allowedUserGroups) ||
        sorted.some((group) => inGroup(group.allowedUserGroups) && belongs(record, group)),
    );
    const tags = [...new Set(visible.flatMap((record) => record.tags ?? []))]
      .sort((one, other) => Buffer.from(one).compare(Buffer.from(other)))
      .map((tag) => ({
        tag,
        client_ids: visible.filter((record) => record.tags?.includes(tag)).map(({ id }) => id),
      }));
    const listed = sorted.flatMap((group) => {
      const members = visible.filter((record) => belongs(record, group));
      if (members.length === 0 && !viewer.admin) return [];
      const ids = members.length === 0 ? null : members.map(({ id }) => id);
      const connected = members.filter(({ disconnectedAt }) => disconnectedAt === null).length;
      return [
        { id: group.id, client_ids: ids, num_clients: members.length, num_clients_connected: connected },
      ];
    });
    const clientsShown = visible.map((record) => ({
      id: record.id,
      groups: sorted.filter((group) => belongs(record, group)).map(({ id }) => id),
    }));
    return [clientsShown, listed, tags, visible.map(({ id }) => id)];
  });
}

for (const seed of [1, 2, 3]) {
  test(`after random changes the index is right, seed ${seed}`, () => {
    const random = randomness(seed * 7919);
    const clients = new Map<string, ClientRecord>();
    const groups = new Map<string, ClientGroup>();
    const index = createClientIndex({ server, clock: new ManualClock() });
    for (let round = 0; round < 60; round++) {
      for (let change = random.below(12); change > 0; change--) {
        const id = `c-${10 + random.below(30)}`;
        const group = `g-${10 + random.below(24)}`;
        switch (random.below(5)) {
          case 0:
            clients.delete(id);
            index.apply({ type: 'removed', id: clientId(id) });
            break;
          case 1:
            groups.delete(group);
            index.applyGroup({ type: 'removed', id: group });
            break;
          case 2:
            groups.set(group, randomGroup(group, random));
            index.applyGroup({ type: 'saved', group: groups.get(group) as ClientGroup });
            break;
          default: {
            const before = clients.get(id);
            const fresh = randomRecord(id, random);
            // Mostly a change of one thing, as in life.
            const record =
              before === undefined || random.below(2) === 0
                ? fresh
                : { ...before, disconnectedAt: fresh.disconnectedAt, tags: fresh.tags };
            clients.set(id, record);
            index.apply({ type: 'saved', record });
          }
        }
      }
      const fresh = createClientIndex({ server, clock: new ManualClock() });
      for (const record of clients.values()) fresh.apply({ type: 'saved', record });
      for (const group of groups.values()) fresh.applyGroup({ type: 'saved', group });
      assert.deepEqual(everything(index), everything(fresh));
      assert.deepEqual(everything(index), expected(clients, groups));
    }
  });
}

test('clients in the same groups share one membership, and none stays behind', () => {
  const random = randomness(5);
  const index = new GroupIndex();
  const clients = new Map<string, GroupedClient>();
  for (let n = 0; n < 3000; n++) {
    const id = `c-${random.below(50)}`;
    const previous = clients.get(id);
    if (previous !== undefined && random.below(3) === 0) {
      clients.delete(id);
      index.release(previous.membership);
    } else {
      const record = randomRecord(id, random);
      clients.set(id, { record, membership: index.assess(record, previous) });
      if (previous !== undefined) index.release(previous.membership);
    }
    if (random.below(10) > 0) continue;
    const group = `g-${random.below(40)}`;
    const reassess = random.below(2) === 0 ? index.remove(group) : index.put(randomGroup(group, random));
    if (reassess === undefined) continue;
    for (const [key, client] of clients) clients.set(key, { ...client, membership: reassess(client) });
  }
  const distinct = new Set(Array.from(clients.values(), ({ membership }) => membership));
  assert.equal(index.membershipCount, distinct.size);
  assert.equal(new Set(Array.from(distinct, ({ bits }) => bits)).size, distinct.size);
  for (const { membership } of clients.values()) index.release(membership);
  assert.equal(index.membershipCount, 0);
});

test('a change of one client among 10 000 with 500 groups takes a fraction of a millisecond', () => {
  const index = createClientIndex({ server, clock: new ManualClock() });
  for (let n = 0; n < 500; n++) {
    const params = n % 2 === 0 ? { client_id: [`c-${n}`] } : { name: [`*client c-${n}*`] };
    index.applyGroup({ type: 'saved', group: clientGroup(`g-${n}`, params) });
  }
  for (let n = 0; n < 10_000; n++) index.apply({ type: 'saved', record: clientRecord(`c-${n}`) });
  const started = process.cpuUsage();
  for (let n = 0; n < 2000; n++) {
    index.apply({ type: 'saved', record: clientRecord(`c-${n}`, { name: `other ${n}` }) });
  }
  const { user, system } = process.cpuUsage(started);
  assert.ok((user + system) / 2000 < 500, `${(user + system) / 2000} µs each`);
});
