import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnRetention } from '../../../src/actors/retention/behavior.js';
import type { Config } from '../../../src/config/types.js';
import { clientId } from '../../../src/ids.js';
import type { Measurement } from '../../../src/store/measurements.js';
import { clientFleet, type Fleet, introduce } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';

const HOUR = 3_600_000;

const KEEP_ALL: Config['monitoring'] = { enabled: true, dataStorageDuration: 30 * 24 * HOUR };

function start(fleet: Fleet, monitoring: Config['monitoring'] = KEEP_ALL): void {
  spawnRetention(fleet.main, {
    config: { server: fleet.server, monitoring },
    store: fleet.store,
    log: fleet.log,
  });
}

const measurement = (id: string, timestamp: number): Measurement => ({
  clientId: clientId(id),
  timestamp,
  cpuUsagePercent: 0,
  memoryUsagePercent: 0,
  ioUsagePercent: 0,
  processes: '',
  mountpoints: '',
  netLan: null,
  netWan: null,
});

test('obsolete clients are removed by the task, with their measurements; others stay', async (t) => {
  const stored = Array.from({ length: 600 }, (_, n) =>
    clientRecord(`old${n}`, { disconnectedAt: '2025-12-31T22:00:00.000Z' }),
  );
  const fleet = await clientFleet(t, {
    server: { purgeDisconnectedClients: true },
    stored: [...stored, clientRecord('recent', { disconnectedAt: '2025-12-31T23:30:00.000Z' })],
  });
  fleet.store.measurements.append(measurement('old0', fleet.clock.now() - HOUR));
  await introduce(fleet.session(), { ID: 'connected' });
  start(fleet);
  const ids = (): string[] => [...fleet.store.clients.all()].map(({ id }) => id);
  assert.equal(ids().length, 602);
  fleet.clock.advance(60_000);
  await fleet.until(() => ids().length === 2);
  assert.deepEqual(ids(), ['connected', 'recent']);
  assert.deepEqual([...fleet.store.measurements.range(clientId('old0'), 0, Number.MAX_SAFE_INTEGER)], []);
  // The next runs go on from there.
  await fleet.until(() => fleet.log.lines.includes('info: removed 600 old clients'));
  fleet.clock.advance(HOUR / 2);
  await fleet.until(() => ids().length === 1);
});

test('without purging, disconnected clients are kept for ever', async (t) => {
  const fleet = await clientFleet(t, {
    stored: [clientRecord('old', { disconnectedAt: '2024-12-31T00:00:00.000Z' })],
  });
  start(fleet);
  fleet.clock.advance(HOUR);
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(fleet.record('old'), undefined);
});

test('measurements older than the storage duration are removed, strictly', async (t) => {
  const fleet = await clientFleet(t);
  const now = fleet.clock.now();
  for (const age of [120_000, 60_000, 0]) fleet.store.measurements.append(measurement('c', now - age));
  const rows = (): number[] =>
    [...fleet.store.measurements.range(clientId('c'), 0, Number.MAX_SAFE_INTEGER)].map(
      (row) => row.timestamp,
    );
  fleet.clock.advance(1_000);
  await fleet.until(() => rows().length === 3);
  fleet.clock.advance(-1_000);
  start(fleet, { enabled: true, dataStorageDuration: 120_000 });
  fleet.clock.advance(120_000);
  await fleet.until(() => rows().length === 1);
  assert.deepEqual(rows(), [now]);
});

test('what is switched on or shortened while the server runs counts for the next run', async (t) => {
  const fleet = await clientFleet(t, {
    stored: [clientRecord('old', { disconnectedAt: '2024-12-31T00:00:00.000Z' })],
  });
  const now = fleet.clock.now();
  fleet.store.measurements.append(measurement('c', now));
  const monitoring = { enabled: false, dataStorageDuration: 30 * 24 * HOUR };
  start(fleet, monitoring);
  fleet.clock.advance(HOUR);
  await new Promise((resolve) => setImmediate(resolve));
  assert.notEqual(fleet.record('old'), undefined);
  const rows = (): number =>
    [...fleet.store.measurements.range(clientId('c'), 0, Number.MAX_SAFE_INTEGER)].length;
  await fleet.until(() => rows() === 1);
  Object.assign(fleet.server, { purgeDisconnectedClients: true });
  Object.assign(monitoring, { enabled: true, dataStorageDuration: 1_000 });
  fleet.clock.advance(HOUR);
  await fleet.until(() => fleet.record('old') === undefined && rows() === 0);
});

test('expired API sessions are removed hourly', async (t) => {
  const fleet = await clientFleet(t);
  const session = {
    tokenId: '',
    username: 'admin',
    issuedTo: 'admin',
    pending: false,
    lastAccessAt: 0,
    userAgent: '',
    ipAddress: '',
  };
  await fleet.store.sessions.put({ ...session, id: 1, expiresAt: fleet.clock.now() + HOUR - 1 });
  await fleet.store.sessions.put({ ...session, id: 2, expiresAt: fleet.clock.now() + 2 * HOUR });
  start(fleet);
  fleet.clock.advance(HOUR);
  await fleet.until(() => fleet.store.sessions.get(1) === undefined);
  assert.notEqual(fleet.store.sessions.get(2), undefined);
});
