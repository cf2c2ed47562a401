/** Which clients a group has. Spec 03 §7.4 and §15.5. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createClientIndex } from '../../../src/clients/client-index.js';
import type { GroupParams } from '../../../src/clients/groups/group.js';
import type { ClientRecord } from '../../../src/clients/record.js';
import { clientId } from '../../../src/ids.js';
import { clientGroup } from '../../support/client-group.js';
import { clientRecord } from '../../support/client-record.js';
import { ManualClock } from '../../support/manual-clock.js';

const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 3_600_000 };

const groupsOf = (index: ReturnType<typeof createClientIndex>, id: string): unknown =>
  JSON.parse(index.detail(clientId(id), ['groups']) ?? 'null')?.groups;

function isMember(params: Partial<GroupParams>, changes: Partial<ClientRecord> = {}): boolean {
  const index = createClientIndex({ server, clock: new ManualClock() });
  index.applyGroup({ type: 'saved', group: clientGroup('g', params) });
  index.apply({ type: 'saved', record: clientRecord('c', changes) });
  return JSON.stringify(groupsOf(index, 'c')) === '["g"]';
}

for (const [pattern, value, expected] of [
  ['123', '123123', false],
  ['123*31', '1231', false],
  ['1123*31', '123431', false],
  ['113*21', '1134121211', false],
  ['id*', 'id', true],
  ['ID-*', 'id-2', true],
  ['id-*', 'ID-2', true],
  ['*', 'anything', true],
  ['*', '', true],
  ['*-inside-*', 'id-123-inside-45678', true],
  ['*-*in***side**-*', '-inside-', true],
  ['prefix*1**2*35', 'prefix-id-1234567835', true],
  ['prefix*1**2*35', 'prefix-id-1234567836', false],
  ['', '', true],
  ['', 'x', false],
  ['a?c', 'abc', false],
  ['a.c*', 'abc', false],
  ['[ab]*', '[AB]c', true],
  ['a*c', 'a\nb\nc', true],
  ['ÄÖ*', 'äöü', true],
] as const) {
  test(`pattern ${JSON.stringify(pattern)} and ${JSON.stringify(value)}`, () => {
    assert.equal(isMember({ hostname: [pattern] }, { hostname: value }), expected);
    assert.equal(isMember({ tag: ['never', pattern] }, { tags: ['nor this', value] }), expected);
  });
}

test('a pattern takes time linear in the value', () => {
  const started = process.cpuUsage();
  assert.equal(isMember({ name: [`${'*a'.repeat(200)}*b`] }, { name: 'a'.repeat(100_000) }), false);
  assert.ok(process.cpuUsage(started).user < 1_000_000);
});

test('a group without parameters has no members, one parameter without patterns those without values', () => {
  assert.equal(isMember({}), false);
  assert.equal(isMember({ ipv6: [] }, { ipv6: null }), true);
  assert.equal(isMember({ ipv6: [] }, { ipv6: [] }), true);
  assert.equal(isMember({ ipv6: [] }, { ipv6: [''] }), false);
  assert.equal(isMember({ ipv6: [] }, { ipv6: ['::1'] }), false);
  assert.equal(isMember({ name: [] }, { name: '' }), false, 'a single property always has a value');
  assert.equal(isMember({ ipv6: [''] }, { ipv6: [] }), false);
  assert.equal(isMember({ ipv6: [''] }, { ipv6: [''] }), true);
  assert.equal(isMember({ tag: ['x'] }, { tags: null }), false);
});

test('every parameter looks at its own property, and all have to match', () => {
  const record: Partial<ClientRecord> = {
    tags: ['Tag'],
    ipv6: ['FE80::1', '::1'],
    ipv4: ['10.0.0.7', '10.1.1.1'],
  };
  const matching: Partial<GroupParams> = {
    client_id: ['C'],
    name: ['client c'],
    os: ['linux host*'],
    os_arch: ['arm64', 'AMD64'],
    os_family: ['debian'],
    os_kernel: ['*'],
    hostname: ['host-c'],
    ipv4: ['10.1.*'],
    ipv6: ['fe80*'],
    tag: { and: ['t*'] },
    version: ['1.0.0'],
    address: ['198.51.100.7'],
    client_auth_id: ['FLEET'],
    connection_state: ['connected'],
  };
  assert.equal(isMember(matching, record), true);
  for (const [name, patterns] of Object.entries(matching)) {
    assert.equal(isMember({ [name]: patterns }, record), true, name);
    assert.equal(isMember({ ...matching, [name]: ['no such value'] }, record), false, name);
  }
});

test('tags: lists and operators', () => {
  const tags = ['Linux', 'Datacenter 3', 'TAG1'];
  for (const [tag, expected] of [
    [['linux'], true],
    [['nope', 'tag*'], true],
    [['nope'], false],
    [{ or: ['nope', 'TAG1'] }, true],
    [{ or: ['nope'] }, false],
    [{ and: ['linux', 'data*'] }, true],
    [{ and: ['linux', 'nope'] }, false],
    [{ and: ['*', 'nope*'] }, false],
    [{ and: ['linux', 'LINUX', 'linux'] }, true],
    [{ AND: ['linux', 'tag1'] }, true],
    [{ AND: ['linux', 'nope'] }, false],
    [{ Or: ['linux', 'nope'] }, true],
  ] as const) {
    assert.equal(isMember({ tag }, { tags }), expected, JSON.stringify(tag));
  }
  assert.equal(isMember({ tag: [null] }, { tags: [''] }), true, 'null is an empty text');
  assert.equal(isMember({ tag: { and: [null] } }, { tags: ['x'] }), false);
});

test('membership follows the state of the connection and changes of client and group', () => {
  const index = createClientIndex({ server, clock: new ManualClock() });
  index.apply({ type: 'saved', record: clientRecord('c') });
  assert.deepEqual(groupsOf(index, 'c'), []);
  index.applyGroup({ type: 'saved', group: clientGroup('here', { connection_state: ['connected'] }) });
  index.applyGroup({ type: 'saved', group: clientGroup('Gone', { connection_state: ['disconnected'] }) });
  index.applyGroup({ type: 'saved', group: clientGroup('all', { client_id: ['*'] }) });
  assert.deepEqual(groupsOf(index, 'c'), ['all', 'here']);
  index.apply({ type: 'saved', record: clientRecord('c', { disconnectedAt: '2026-01-01T00:00:00.000Z' }) });
  assert.deepEqual(groupsOf(index, 'c'), ['all', 'Gone'], 'ordered without regard to case');
  index.applyGroup({ type: 'saved', group: clientGroup('all', { client_id: ['d'] }) });
  assert.deepEqual(groupsOf(index, 'c'), ['Gone']);
  index.applyGroup({ type: 'removed', id: 'Gone' });
  index.applyGroup({ type: 'removed', id: 'never was' });
  assert.deepEqual(groupsOf(index, 'c'), []);
  index.applyGroup({ type: 'saved', group: clientGroup('next', { name: ['*c'] }) });
  assert.deepEqual(groupsOf(index, 'c'), ['next'], 'the number of the removed group means another one now');
});

test('an obsolete client is in no group, and in its groups again when it is back', () => {
  const clock = new ManualClock();
  const index = createClientIndex({ server: { ...server, purgeDisconnectedClients: true }, clock });
  index.applyGroup({ type: 'saved', group: clientGroup('g', { client_id: ['c'] }) });
  index.apply({
    type: 'saved',
    record: clientRecord('c', { disconnectedAt: new Date(clock.now()).toISOString() }),
  });
  const shown = (): unknown =>
    JSON.parse(index.group('g', ['client_ids'], { admin: true, groups: [] } as never) as string).client_ids;
  assert.deepEqual(shown(), ['c']);
  clock.advance(3_600_001);
  assert.equal(shown(), null);
  index.apply({ type: 'saved', record: clientRecord('c') });
  assert.deepEqual(shown(), ['c']);
});
