import assert from 'node:assert/strict';
import { test } from 'node:test';
import { disconnectStored } from '../../../src/actors/registrar/records.js';
import { clientId } from '../../../src/ids.js';
import { asked, clientFleet, introduce, text } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';

test('a client that goes is disconnected since then, its tunnels stay listed and their ports are free', async (t) => {
  const fleet = await clientFleet(t, { ports: 1 });
  const session = fleet.session();
  await introduce(session, { ID: 'c', Remotes: [asked('', '22')] });
  fleet.clock.advance(7_000);
  session.drop('reset');
  await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  assert.equal(fleet.record('c')?.disconnectedAt, '2026-01-01T00:00:07.000Z');
  assert.equal(fleet.record('c')?.tunnels.length, 1);
  assert.match(text(await introduce(fleet.session(), { ID: 'd', Remotes: [asked('', '22')] })), /^ok/);
  await assert.rejects(fleet.ask('c', { type: 'close-connection', reason: 'test' }), {
    title: 'client with id c not found',
    status: 404,
  });
});

test('with purging and nothing to keep, a client that goes is gone with its measurements', async (t) => {
  const fleet = await clientFleet(t, {
    server: { purgeDisconnectedClients: true, keepDisconnectedClients: 0 },
  });
  const session = fleet.session();
  await introduce(session, { ID: 'c', SessionID: 'one' });
  session.tell('save_measurement', '{}');
  await session.deliver('ping', '');
  session.drop('gone');
  await fleet.until(() => fleet.record('c') === undefined);
  await fleet.ended();
  fleet.clock.advance(1_000);
  assert.deepEqual([...fleet.store.measurements.range(clientId('c'), 0, Number.MAX_SAFE_INTEGER)], []);
  assert.equal(text(await introduce(fleet.session(), { ID: 'c', SessionID: 'two' })), 'ok: null');
});

test('at server start, who was connected is disconnected since this start', async (t) => {
  const fleet = await clientFleet(t);
  const before = '2025-12-31T00:00:00.000Z';
  await Promise.all(
    Array.from({ length: 2500 }, (_, n) =>
      fleet.store.clients.put(clientRecord(`c${n}`, { disconnectedAt: n % 5 === 0 ? before : null })),
    ),
  );
  assert.equal(await disconnectStored(fleet.store, fleet.clock.now()), 2000);
  const times = new Map<string | null, number>();
  for (const { disconnectedAt } of fleet.store.clients.all()) {
    times.set(disconnectedAt, (times.get(disconnectedAt) ?? 0) + 1);
  }
  assert.deepEqual(
    times,
    new Map<string | null, number>([
      [before, 500],
      ['2026-01-01T00:00:00.000Z', 2000],
    ]),
  );
});

test('a shard that is shut down leaves its clients disconnected', async (t) => {
  const fleet = await clientFleet(t);
  const sessions = Array.from({ length: 50 }, () => fleet.session());
  await Promise.all(sessions.map((session, n) => introduce(session, { ID: `c${n}` })));
  await fleet.shards[0]?.system.shutdown();
  assert.ok(sessions.every(({ closed }) => closed));
  for (const { disconnectedAt } of fleet.store.clients.all()) assert.notEqual(disconnectedAt, null);
});

test('close-connection ends the connection', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  assert.equal(await fleet.ask('c', { type: 'close-connection', reason: 'credentials removed' }), null);
  await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  assert.equal(session.closed, true);
});

test('an end that cannot be stored still frees the client', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c', SessionID: 'one' });
  fleet.failSaves(true);
  session.drop('gone');
  await fleet.until(() => fleet.log.lines.some((line) => line.includes('failed to mark clients')));
  fleet.failSaves(false);
  await fleet.ended();
  assert.equal(text(await introduce(fleet.session(), { ID: 'c', SessionID: 'two' })), 'ok: null');
});

test('what could not be stored goes along with the next change', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  fleet.failSaves(true);
  session.tell('ip_addresses', '{"ipv4":"192.0.2.1"}');
  await fleet.until(() => fleet.log.lines.some((line) => line.includes('failed to save client c')));
  fleet.failSaves(false);
  session.tell('updates_status', '{"updates_available":3}');
  await fleet.until(() => fleet.record('c')?.updatesStatus?.updatesAvailable === 3);
  assert.equal(fleet.record('c')?.extIpAddresses?.ipv4, '192.0.2.1');
});
