import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askActor } from '../../../src/actors/ask.js';
import { REGISTRAR } from '../../../src/actors/registrar/messages.js';
import { clientId } from '../../../src/ids.js';
import { asked, clientFleet, type Fleet, introduce, text } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';

const remove = (fleet: Fleet, id: string): Promise<unknown> =>
  askActor(fleet.main, REGISTRAR, { type: 'delete', id: clientId(id) }, 10_000, 'no registrar');

test('clients of a lost shard are disconnected, and welcome elsewhere', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const count = 700;
  await Promise.all(
    Array.from({ length: count }, (_, n) => introduce(fleet.session(), { ID: `c${n}`, SessionID: 'one' })),
  );
  await introduce(fleet.session({}, 1), { ID: 'other' });
  fleet.clock.advance(3_000);
  fleet.shards[0]?.lose();
  // One comes back before the others are even marked, as another process: nobody remembers a connection.
  await fleet.until(() => fleet.log.lines.some((line) => line.includes(`thread 1 is lost with ${count}`)));
  const back = introduce(fleet.session({}, 1), { ID: `c${count - 1}`, SessionID: 'two' });
  fleet.clock.advance(1);
  assert.equal(text(await back), 'ok: null');
  const connected = (): string[] =>
    [...fleet.store.clients.all()]
      .filter(({ disconnectedAt }) => disconnectedAt === null)
      .map(({ id }) => id);
  await fleet.until(() => connected().length === 2);
  assert.deepEqual(connected().sort(), [`c${count - 1}`, 'other']);
  assert.equal(fleet.record('c0')?.disconnectedAt, '2026-01-01T00:00:03.000Z');
});

test('the ids of a lost shard are not given out again', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  await introduce(fleet.session(), { ID: 'c', Remotes: [asked('', '22'), asked('', '80')] });
  fleet.shards[0]?.lose();
  await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  await introduce(fleet.session({}, 1), { ID: 'c' });
  assert.deepEqual(
    fleet.record('c')?.tunnels.map(({ id }) => id),
    ['3', '4'],
  );
});

test('a disconnected client can be deleted, with its measurements; a connected one cannot', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  session.tell('save_measurement', '{}');
  await session.deliver('ping', '');
  await assert.rejects(remove(fleet, 'c'), {
    title: 'Client is active, should be disconnected',
    status: 400,
  });
  session.drop('gone');
  await fleet.ended();
  assert.equal(await remove(fleet, 'c'), null);
  assert.equal(fleet.record('c'), undefined);
  assert.deepEqual([...fleet.store.measurements.range(clientId('c'), 0, Number.MAX_SAFE_INTEGER)], []);
  await assert.rejects(remove(fleet, 'c'), { title: 'Client with id="c" not found.', status: 404 });
});

test('a client that connects while it is deleted is either refused deletion or new', async (t) => {
  const fleet = await clientFleet(t, {
    stored: Array.from({ length: 20 }, (_, n) =>
      clientRecord(`c${n}`, { allowedUserGroups: ['ops'], disconnectedAt: '2025-12-31T00:00:00.000Z' }),
    ),
  });
  for (let n = 0; n < 20; n += 1) {
    const deletion = remove(fleet, `c${n}`).then(
      () => 'deleted',
      () => 'refused',
    );
    const connection = introduce(fleet.session(), { ID: `c${n}` });
    assert.equal(text(await connection), 'ok: null');
    const groups = fleet.record(`c${n}`)?.allowedUserGroups;
    assert.deepEqual(groups, (await deletion) === 'deleted' ? null : ['ops']);
  }
});

test('an obsolete client cannot be deleted: it is not there', async (t) => {
  const fleet = await clientFleet(t, {
    server: { purgeDisconnectedClients: true },
    stored: [clientRecord('c', { disconnectedAt: '2025-12-31T00:00:00.000Z' })],
  });
  await assert.rejects(remove(fleet, 'c'), { status: 404 });
});

test('deleting a client frees its auth id', async (t) => {
  const fleet = await clientFleet(t, {
    server: { authMultiuseCreds: false },
    stored: [clientRecord('old', { clientAuthId: 'agent', disconnectedAt: '2025-12-31T00:00:00.000Z' })],
  });
  assert.match(text(await introduce(fleet.session(), { ID: 'new' })), /already in use/);
  await remove(fleet, 'old');
  assert.equal(text(await introduce(fleet.session(), { ID: 'new' })), 'ok: null');
});

test('an old connection whose shard does not answer is given up after ten seconds', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  await introduce(fleet.session(), { ID: 'c', SessionID: 'same' });
  await fleet.shards[0]?.system.stop({ kind: 'connections', id: '1' });
  fleet.shards[0]?.system.spawn(
    { kind: 'connections', preStart: () => null, receive: () => undefined },
    '1',
    null,
    { epoch: 2 },
  );
  const second = introduce(fleet.session({}, 1), { ID: 'c', SessionID: 'same' });
  let answered = false;
  void second.then(() => {
    answered = true;
  });
  for (let n = 0; n < 20; n += 1) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(answered, false);
  fleet.clock.advance(10_000);
  assert.equal(text(await second), 'ok: null');
});
