import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientFleet, introduce, text } from '../../support/client-fleet.js';

const INVALID = 'failed: invalid connection request: Invalid JSON config';

test('anything but new_connection first is refused, and the connection closed', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  assert.equal(text(await session.deliver('ping', '')), 'failed: expecting connection request');
  assert.equal(session.closed, true);
});

test('a request above the limit is refused with both sizes, and the connection closed', async (t) => {
  const fleet = await clientFleet(t, { server: { maxRequestBytesClient: 100 } });
  const session = fleet.session();
  assert.equal(
    text(await session.deliver('new_connection', 'x'.repeat(101))),
    'failed: request data exceeds the limit of 100 bytes, actual size: 101',
  );
  assert.equal(session.closed, true);
});

test('a session that says nothing for five minutes is closed', async (t) => {
  const fleet = await clientFleet(t);
  const silent = fleet.session();
  const late = fleet.session();
  fleet.clock.advance(299_999);
  assert.equal(silent.closed, false);
  assert.match(text(await introduce(late, { ID: 'late' })), /^ok/);
  fleet.clock.advance(1);
  assert.equal(silent.closed, true);
  assert.equal(late.closed, false);
});

test('a session that closes before it said anything leaves nothing behind', async (t) => {
  const fleet = await clientFleet(t);
  const waiting = fleet.clock.waiting;
  const session = fleet.session();
  session.drop('reset');
  assert.equal(fleet.clock.waiting, waiting);
  assert.equal(fleet.shards[0]?.gate.size, 0);
});

const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
const hostile: readonly (readonly [why: string, payload: string])[] = [
  ['no JSON', 'hello'],
  ['empty', ''],
  ['an array', '[]'],
  ['a string', '"x"'],
  ['text after the object', '{} {}'],
  ['a number for the name', '{"Name":1}'],
  ['an object for the id', '{"ID":{}}'],
  ['text for the CPUs', '{"NumCPUs":"4"}'],
  ['a fraction of a CPU', '{"NumCPUs":1.5}'],
  ['text for the tags', '{"Tags":"a"}'],
  ['numbers among the tags', '{"Tags":["a",1]}'],
  ['a list of labels', '{"Labels":["a"]}'],
  ['a nested label', '{"Labels":{"a":{}}}'],
  ['a remote that is a string', '{"Remotes":["3000:22"]}'],
  ['a numeric port', '{"Remotes":[{"lport":22}]}'],
  ['an unknown protocol', '{"Remotes":[{"protocol":"icmp"}]}'],
  ['a configuration that is a list', '{"ClientConfiguration":[]}'],
  ['a remote nested without end', `{"Remotes":[{"lport":${deep}}]}`],
  ['an endless id', JSON.stringify({ ID: 'x'.repeat(513) })],
  ['a NUL in the id', JSON.stringify({ ID: 'a\u0000b' })],
  ['a thousand and one tags', JSON.stringify({ Tags: Array.from({ length: 1001 }, () => 'a') })],
  [
    'a thousand and one remotes',
    JSON.stringify({ Remotes: Array.from({ length: 1001 }, () => ({ rport: '22' })) }),
  ],
];

for (const [why, payload] of hostile) {
  test(`a connection request is refused: ${why}`, async (t) => {
    const fleet = await clientFleet(t);
    const session = fleet.session();
    assert.equal(text(await session.deliver('new_connection', payload)), INVALID);
    assert.equal(session.closed, true);
    assert.match(text(await introduce(fleet.session(), { ID: 'next' })), /^ok/);
  });
}

test('keys match in any case, null is nothing, unknown keys and broken text do no harm', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  const payload = Buffer.concat([
    Buffer.from('{"id":"odd","NAME":"web","hostname":"'),
    Buffer.from([0xff]),
    Buffer.from(
      '","Timezone":"a\\ud800b","version":"","Tags":null,"IPv4":["10.0.0.1",null],"NumCPUs":-3,' +
        '"MemoryTotal":18446744073709551615,"Labels":{"__proto__":"x","a":null},"Remotes":null,"Other":[1]}',
    ),
  ]);
  assert.equal(text(await session.deliver('new_connection', payload)), 'ok: null');
  const record = fleet.record('odd');
  assert.equal(record?.name, 'web');
  assert.equal(record?.hostname, '\uFFFD');
  assert.equal(record?.timezone, 'a\uFFFDb');
  assert.equal(record?.tags, null);
  assert.deepEqual(record?.ipv4, ['10.0.0.1', '']);
  assert.equal(record?.numCpus, 0);
  assert.equal(record?.memTotal, Number.MAX_SAFE_INTEGER);
  assert.deepEqual(Object.entries(record?.labels ?? {}), [
    ['__proto__', 'x'],
    ['a', ''],
  ]);
});

test('an empty object is a client: everything is optional', async (t) => {
  const fleet = await clientFleet(t);
  assert.equal(text(await fleet.session().deliver('new_connection', 'null')), 'ok: null');
  assert.equal([...fleet.store.clients.all()].length, 1);
});

test('credentials in the configuration are not stored', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), {
    ID: 'c',
    ClientConfiguration: { client: { auth: 'user:secret', auth_pass: 'secret', id: 'c' }, monitoring: {} },
  });
  const stored = fleet.record('c')?.clientConfiguration ?? '';
  assert.doesNotMatch(stored, /secret/);
  assert.equal(JSON.parse(stored).client.id, 'c');
});

test('a configuration that cannot be kept is left out', async (t) => {
  const fleet = await clientFleet(t);
  const payload = `{"ID":"c","ClientConfiguration":{"client":${deep}}}`;
  assert.match(text(await fleet.session().deliver('new_connection', payload)), /^ok/);
  assert.equal(fleet.record('c')?.clientConfiguration, null);
});
