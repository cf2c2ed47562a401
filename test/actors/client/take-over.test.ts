import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';
import { asked, clientFleet, introduce, text } from '../../support/client-fleet.js';
import { remote } from '../../support/remotes.js';

for (const shard of [0, 1]) {
  test(`the same agent process takes over its own connection, shard ${shard}`, async (t) => {
    const fleet = await clientFleet(t, { shards: 2 });
    const [port = 0] = fleet.allowed;
    const request = { ID: 'c', SessionID: 'same', Remotes: [asked(`${port}`, '22')] };
    const first = fleet.session();
    assert.match(text(await introduce(first, request)), /^ok/);

    // The explicit port is the old connection's until that is closed.
    const second = fleet.session({}, shard);
    assert.match(text(await introduce(second, request)), /^ok/);
    assert.equal(first.closed, true);
    assert.equal(second.closed, false);
    assert.equal(fleet.record('c')?.disconnectedAt, null);

    // The end of the first one has been told by now; the client is still the second's.
    const user = connect(port, '127.0.0.1');
    await once(user, 'connect');
    user.destroy();
    const stranger = fleet.session();
    assert.match(text(await introduce(stranger, { ID: 'c', SessionID: 'other' })), /already connected/);
    assert.equal(fleet.record('c')?.disconnectedAt, null);

    second.drop('gone');
    await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  });
}

test('tunnels made through the API survive a take-over with their ports', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const first = fleet.session();
  await introduce(first, { ID: 'c', SessionID: 'same' });
  const { lport } = await fleet.ask('c', {
    type: 'create-tunnel',
    remote: remote('22'),
    checkPort: false,
  });
  const reply = await introduce(fleet.session({}, 1), { ID: 'c', SessionID: 'same' });
  assert.equal(JSON.parse(reply.payload.toString())[0].lport, lport);
  assert.equal(fleet.record('c')?.tunnels[0]?.id, '2');
});

test('of two strangers who come at once to different shards, one gets the client', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  for (let round = 0; round < 20; round += 1) {
    const id = `c${round}`;
    const replies = await Promise.all(
      [0, 1].map((shard) => introduce(fleet.session({}, shard), { ID: id, SessionID: `${shard}` })),
    );
    assert.deepEqual(replies.map(text).sort(), [`failed: client is already connected:  [${id}]`, 'ok: null']);
  }
});

test('of many connections of one process at once, the last one to be taken remains', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const [port = 0] = fleet.allowed;
  const sessions = Array.from({ length: 6 }, (_, n) => fleet.session({}, n % 2));
  const request = { ID: 'c', SessionID: 'same', Remotes: [asked(`${port}`, '22')] };
  for (const session of sessions) void introduce(session, request);
  await fleet.until(() => sessions.filter(({ closed }) => !closed).length === 1);
  const [left] = sessions.filter(({ closed }) => !closed);
  await fleet.until(() => left?.requests.some(({ name }) => name === 'put_capabilities') ?? false);
  assert.equal(fleet.record('c')?.disconnectedAt, null);
  left?.drop('gone');
  await fleet.ended();
  assert.notEqual(fleet.record('c')?.disconnectedAt, null);
});

test('a take-over that fails leaves the client disconnected, and free', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  await introduce(fleet.session(), { ID: 'c', SessionID: 'same', Name: 'first' });
  const second = fleet.session({}, 1);
  const reply = await introduce(second, { ID: 'c', SessionID: 'same', Version: 'x' });
  assert.equal(text(reply), 'failed: failed to determine client version: Malformed version: x');
  await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  await fleet.ended();
  assert.equal(fleet.record('c')?.name, 'first');
  assert.equal(text(await introduce(fleet.session(), { ID: 'c', SessionID: 'new' })), 'ok: null');
});

test('a session that closes while it claims blocks nobody', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const session = fleet.session();
  void introduce(session, { ID: 'c', SessionID: 'one' });
  session.drop('reset');
  await fleet.ended();
  assert.equal(text(await introduce(fleet.session({}, 1), { ID: 'c', SessionID: 'two' })), 'ok: null');
});

test('a session that closes while its tunnels start blocks nobody and leaves no port', async (t) => {
  const fleet = await clientFleet(t, { ports: 1 });
  const session = fleet.session();
  void introduce(session, { ID: 'c', SessionID: 'one', Remotes: [asked('', '22')] });
  await fleet.until(() => fleet.main.locate({ kind: 'client', id: 'c' }) !== undefined);
  session.drop('reset');
  await fleet.ended();
  const next = await introduce(fleet.session(), { ID: 'c', SessionID: 'two', Remotes: [asked('', '22')] });
  assert.match(text(next), /^ok/);
});
