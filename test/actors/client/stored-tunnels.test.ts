/** Stored tunnels that open by themselves, as a client's actor opens them: without an agent, on a clock of the test. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { REGISTRAR } from '../../../src/actors/registrar/messages.js';
import { clientId } from '../../../src/ids.js';
import { SessionError } from '../../../src/protocol/session.js';
import type { StoredTunnel } from '../../../src/tunnels/stored/stored-tunnel.js';
import { clientFleet, type Fleet, introduce, text } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';
import type { FakeSessionOptions } from '../../support/fake-session.js';
import { success } from '../../support/fake-session.js';
import { occupy } from '../../support/free-ports.js';
import { remote, tunnel } from '../../support/remotes.js';

const gone = { disconnectedAt: '2025-12-31T23:00:00.000Z' };

const stored = (port: number, changes: Partial<StoredTunnel> = {}): StoredTunnel => ({
  id: `s${port}`,
  clientId: clientId('c'),
  createdAt: '2026-01-01T00:00:00.000Z',
  name: 'stored',
  scheme: null,
  remoteIp: null,
  remotePort: 22,
  publicPort: port,
  acl: null,
  furtherOptions: null,
  autoOpen: true,
  owner: 'admin',
  revision: 1,
  ...changes,
});

async function world(t: TestContext, record = clientRecord('c', gone), server = {}): Promise<Fleet> {
  return clientFleet(t, { stored: [record], ports: 6, server });
}

async function store(fleet: Fleet, ...tunnels: readonly StoredTunnel[]): Promise<void> {
  for (const one of tunnels) assert.equal(await fleet.store.storedTunnels.add(one, 100), 'added');
  for (const { reservations } of fleet.shards) reservations.load();
}

const allows: FakeSessionOptions = { onRequest: () => success({ IsAllowed: true }) };
const lports = (fleet: Fleet): string[] => (fleet.record('c')?.tunnels ?? []).map(({ lport }) => lport);
const untilPorts = (fleet: Fleet, ...ports: readonly number[]): Promise<void> =>
  fleet.until(() => JSON.stringify(lports(fleet)) === JSON.stringify(ports.map(String)));
const changed = (fleet: Fleet): Promise<null> => {
  for (const { reservations } of fleet.shards) reservations.load();
  return fleet.ask('c', { type: 'stored-tunnels-changed' });
};

test('the agent has its reply before anything stored is opened, whatever becomes of that', async (t) => {
  const fleet = await world(t);
  const [port = 0] = fleet.allowed;
  await store(fleet, stored(port));
  const session = fleet.session({
    onRequest: () => {
      throw new SessionError('timeout', 'no answer');
    },
  });
  assert.equal(text(await introduce(session, { ID: 'c' })), 'ok: null');
  await fleet.until(() =>
    fleet.log.lines.some((line) => line.includes('not opened: failed to send request')),
  );
  assert.equal(session.closed, false);
  assert.deepEqual(lports(fleet), []);
});

test('a busy port is tried again after 5 s, 10 s, 20 s, and said to be busy once', async (t) => {
  const fleet = await world(t);
  const [port = 0, other = 0] = fleet.allowed;
  const program = await occupy(port, '0.0.0.0');
  await store(fleet, stored(port), stored(other, { id: 'other' }));
  const session = fleet.session(allows);
  await introduce(session, { ID: 'c' });
  await untilPorts(fleet, other);
  const asked = (): number => session.requests.filter(({ name }) => name === 'check_tunnel_allowed').length;
  let count = 2;
  assert.equal(asked(), count);
  for (const pause of [5_000, 10_000, 20_000]) {
    // The pause begins when the failure has been dealt with.
    await changedNothing(fleet);
    fleet.clock.advance(pause - 1);
    await changedNothing(fleet);
    assert.equal(asked(), count, `nothing before ${pause} ms`);
    fleet.clock.advance(1);
    count += 1;
    await fleet.until(() => asked() === count);
  }
  await program.free();
  await changedNothing(fleet);
  fleet.clock.advance(40_000);
  await untilPorts(fleet, other, port);
  assert.equal(fleet.log.lines.filter((line) => line.includes('already in use')).length, 1);
});

/** Lets everything run that needs no time. */
async function changedNothing(_fleet: Fleet): Promise<void> {
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('closing and changing cross opening without leaving anything behind', async (t) => {
  const fleet = await world(t);
  const [one = 0, two = 0] = fleet.allowed;
  await store(fleet, stored(one));
  let answer: (() => void) | null = null;
  const session = fleet.session({
    onRequest: (name) =>
      name === 'check_tunnel_allowed'
        ? new Promise((resolve) => {
            answer = () => resolve(success({ IsAllowed: true }));
          })
        : success(null),
  });
  await introduce(session, { ID: 'c' });
  await fleet.until(() => answer !== null);
  // While the agent thinks about the first port, it becomes another one.
  const before = stored(one);
  await fleet.store.storedTunnels.replace(before, { ...before, publicPort: two, revision: 2 });
  const done = changed(fleet);
  for (let time = 0; time < 2; time += 1) {
    await fleet.until(() => answer !== null);
    const reply = answer as unknown as () => void;
    answer = null;
    reply();
  }
  await done;
  assert.deepEqual(lports(fleet), [String(two)]);
  await (await occupy(one)).free();
  // Deleted.
  await fleet.store.storedTunnels.remove({ ...before, revision: 2 });
  await changed(fleet);
  assert.deepEqual(lports(fleet), []);
  await (await occupy(two)).free();
});

test('a record that still shows a stored tunnel opens none, and the reserved port goes to no old tunnel', async (t) => {
  const fleet = await clientFleet(t, { ports: 6 });
  const [kept = 0, taken = 0] = fleet.allowed;
  const old = (port: number, name: string, more: object) =>
    tunnel('1', { ...remote(`0.0.0.0:${port}:127.0.0.1:80`), name, ...more });
  await fleet.store.clients.put(
    clientRecord('c', {
      ...gone,
      tunnels: [old(kept, 'gone', { storedId: 'deleted' }), old(taken, 'old', {})],
    }),
  );
  await store(fleet, stored(taken, { clientId: clientId('c') }));
  const reply = text(await introduce(fleet.session(allows), { ID: 'c' }));
  assert.equal(reply, 'ok: null');
  await untilPorts(fleet, taken);
  assert.deepEqual(
    fleet.record('c')?.tunnels.map(({ name, storedId }) => [name, storedId]),
    [['stored', `s${taken}`]],
  );
});

test('a client that comes back after it was forgotten has none', async (t) => {
  const policy = { purgeDisconnectedClients: true, keepDisconnectedClients: 60_000 };
  const fleet = await world(t, clientRecord('c', { disconnectedAt: '2001-01-01T00:00:00.000Z' }), policy);
  const [port = 0] = fleet.allowed;
  await store(fleet, stored(port));
  await introduce(fleet.session(allows), { ID: 'c' });
  assert.equal(fleet.store.storedTunnels.count(clientId('c')), 0);
  assert.equal(fleet.store.storedTunnels.holder(port), undefined);
  assert.equal(fleet.record('c')?.disconnectedAt, null);
});

test('deleting a credential by force takes the stored tunnels of its clients along', async (t) => {
  const fleet = await world(t);
  const [port = 0, other = 0] = fleet.allowed;
  await store(fleet, stored(port), stored(other, { autoOpen: false }));
  await introduce(fleet.session({ ...allows, authId: 'key' }), { ID: 'c' });
  await untilPorts(fleet, port);
  const revoke = { type: 'revoke', authId: 'key', force: true };
  assert.equal(await fleet.main.ask(REGISTRAR, revoke, { timeoutMs: 10_000 }), 1);
  assert.equal(fleet.store.storedTunnels.count(clientId('c')), 0);
  assert.equal(fleet.store.storedTunnels.holder(port), undefined);
  await (await occupy(port)).free();
});
