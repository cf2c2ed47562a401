import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientId } from '../../../src/ids.js';
import { clientFleet, introduce, text, times } from '../../support/client-fleet.js';

test('ping is answered with nothing and counts as a heartbeat', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  fleet.clock.advance(1000);
  assert.equal(text(await session.deliver('ping', '')), 'ok: ');
  assert.equal(fleet.heartbeats.get(clientId('c')), '2026-01-01T00:00:01.000Z');
});

test('a second new_connection is refused and ends the connection', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  assert.equal(
    text(await introduce(session, { ID: 'c' })),
    'failed: unexpected connection request. please reconnect',
  );
  assert.equal(session.closed, true);
  await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  assert.equal(times(session, 'put_capabilities'), 1);
});

test('an unknown request gets a failure when it wants a reply, and the connection stays', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  session.tell('whatever', 'x');
  session.tell('cmd_result', '{"jid":"1"}');
  assert.equal(text(await session.deliver('upload_now\n', '{}')), 'failed: unknown request');
  assert.equal(text(await session.deliver('ping', '')), 'ok: ');
});

test('a request above the limit is dropped, with a failure when it wants a reply', async (t) => {
  const fleet = await clientFleet(t, { server: { maxRequestBytesClient: 200 } });
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  session.tell('updates_status', JSON.stringify({ error: 'x'.repeat(200) }));
  assert.equal(
    text(await session.deliver('ping', 'x'.repeat(201))),
    'failed: request data exceeds the limit of 200 bytes, actual size: 201',
  );
  assert.equal(text(await session.deliver('ping', '')), 'ok: ');
  assert.equal(fleet.record('c')?.updatesStatus, null);
});

test('updates and addresses are stored, the time of addresses is ours', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  session.tell(
    'updates_status',
    JSON.stringify({
      refreshed: '2026-01-01T10:00:00.123456789+02:00',
      updates_available: 2,
      security_updates_available: 1,
      update_summaries: [{ title: 'bash', description: 'shell', is_security_update: true }],
      reboot_pending: true,
    }),
  );
  session.tell(
    'ip_addresses',
    '{"ipv4":"192.0.2.7","ipv6":"2001:db8::7","updated_at":"1999-01-01T00:00:00Z","error":""}',
  );
  await fleet.until(() => fleet.record('c')?.extIpAddresses !== null);
  assert.deepEqual(fleet.record('c')?.updatesStatus, {
    refreshed: '2026-01-01T10:00:00.123456789+02:00',
    updatesAvailable: 2,
    securityUpdatesAvailable: 1,
    updateSummaries: [{ title: 'bash', description: 'shell', rebootRequired: false, isSecurityUpdate: true }],
    rebootPending: true,
    error: '',
    hint: '',
  });
  assert.deepEqual(fleet.record('c')?.extIpAddresses, {
    ipv4: '192.0.2.7',
    ipv6: '2001:db8::7',
    updatedAt: '2026-01-01T00:00:00.000Z',
    error: '',
  });
});

test('what cannot be decoded is dropped and logged', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  for (const [name, payload] of [
    ['updates_status', '{"refreshed":""}'],
    ['updates_status', '{"update_summaries":{}}'],
    ['updates_status', '['],
    ['ip_addresses', '{"ipv4":4}'],
    ['save_measurement', '{"cpu_usage_percent":"much"}'],
    ['save_measurement', '{"net_lan":[]}'],
  ] as const) {
    session.tell(name, payload);
  }
  assert.equal(text(await session.deliver('ping', '')), 'ok: ');
  assert.equal(fleet.log.lines.filter((line) => line.startsWith('error: client c: ')).length, 6);
  assert.equal(fleet.record('c')?.updatesStatus, null);
});

test('a measurement is of the client that sent it, at the time it came', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  fleet.clock.advance(5_000);
  session.tell(
    'save_measurement',
    JSON.stringify({
      client_id: 'other',
      timestamp: '1999-01-01T00:00:00Z',
      cpu_usage_percent: 12.5,
      memory_usage_percent: 50,
      io_usage_percent: 1,
      processes: '[{"pid":1}]',
      mountpoints: '{"free_b./":1}',
      net_lan: { in: 1, out: 2 },
      net_wan: null,
    }),
  );
  await session.deliver('ping', '');
  fleet.clock.advance(1_000);
  const rows = () => [...fleet.store.measurements.range(clientId('c'), 0, Number.MAX_SAFE_INTEGER)];
  await fleet.until(() => rows().length > 0);
  assert.deepEqual(rows(), [
    {
      clientId: 'c',
      timestamp: Date.UTC(2026, 0, 1) + 5_000,
      cpuUsagePercent: 12.5,
      memoryUsagePercent: 50,
      ioUsagePercent: 1,
      processes: '[{"pid":1}]',
      mountpoints: '{"free_b./":1}',
      netLan: { in: 1, out: 2 },
      netWan: null,
    },
  ]);
});

test('measurements are dropped when monitoring is off', async (t) => {
  const fleet = await clientFleet(t, { monitoring: false });
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  session.tell('save_measurement', '{}');
  await session.deliver('ping', '');
  assert.ok(fleet.log.lines.includes('error: client c: measurement dropped, monitoring is disabled'));
  fleet.clock.advance(1_000);
  assert.deepEqual([...fleet.store.measurements.range(clientId('c'), 0, Number.MAX_SAFE_INTEGER)], []);
});

test('an agent that floods is closed; others do not notice', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  const other = fleet.session();
  await introduce(session, { ID: 'c' });
  await introduce(other, { ID: 'd' });
  for (let n = 0; n < 5000; n += 1) session.tell('save_measurement', '{}');
  await fleet.until(() => session.closed);
  assert.equal(text(await other.deliver('ping', '')), 'ok: ');
  await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
  fleet.clock.advance(1_000);
});

test('reports without end cost one write at a time, and the last one is what is stored', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  for (let n = 1; n <= 100; n += 1) session.tell('ip_addresses', `{"ipv4":"192.0.2.${n}"}`);
  await fleet.until(() => fleet.record('c')?.extIpAddresses?.ipv4 === '192.0.2.100');
});
