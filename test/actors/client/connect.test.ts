import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tunnelId } from '../../../src/ids.js';
import { asked, clientFleet, introduce, text, times } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';
import { failure, success } from '../../support/fake-session.js';
import { occupy } from '../../support/free-ports.js';
import { remote, tunnel } from '../../support/remotes.js';

const gone = { disconnectedAt: '2025-12-31T23:00:00.000Z' };

test('a client without remotes gets null and then its capabilities, once', async (t) => {
  for (const monitoring of [true, false]) {
    const fleet = await clientFleet(t, { monitoring });
    const session = fleet.session();
    assert.equal(text(await introduce(session, { ID: 'c' })), 'ok: null');
    assert.deepEqual(session.requests, [
      {
        name: 'put_capabilities',
        payload: `{"ServerVersion":"1.2.3","MonitoringVersion":${monitoring ? 1 : 0},"IPAddressesVersion":1}`,
      },
    ]);
  }
});

const IN_USE = 'failed: client auth ID is already in use: "test-client-auth"';
const CONNECTED = 'failed: client is already connected:  [test-client]';
const table = [
  ['test-client-auth', 'test-client', false, CONNECTED],
  ['test-client-auth-2', 'test-client', false, CONNECTED],
  ['test-client-auth', 'test-client-2', false, IN_USE],
  ['test-client-auth-2', 'test-client-2', false, 'ok: null'],
  ['test-client-auth', 'test-client', true, CONNECTED],
  ['test-client-auth-2', 'test-client', true, CONNECTED],
  ['test-client-auth', 'test-client-2', true, 'ok: null'],
  ['test-client-auth-2', 'test-client-2', true, 'ok: null'],
] as const;
for (const [authId, id, multiuse, result] of table) {
  test(`${id} of ${authId}, multi-use ${multiuse}, beside test-client: ${result}`, async (t) => {
    const fleet = await clientFleet(t, { server: { authMultiuseCreds: multiuse } });
    const first = fleet.session({ authId: 'test-client-auth' });
    await introduce(first, { ID: 'test-client', SessionID: 'one' });
    const second = fleet.session({ authId });
    assert.equal(text(await introduce(second, { ID: id, SessionID: 'two' })), result);
    assert.equal(second.closed, result !== 'ok: null');
    assert.equal(first.closed, false);
  });
}

test('an empty session id never takes over', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), { ID: 'c', Name: 'web1' });
  assert.equal(
    text(await introduce(fleet.session(), { ID: 'c' })),
    'failed: client is already connected: web1 [c]',
  );
});

test('a disconnected record still blocks its auth id for others, until it is obsolete', async (t) => {
  const fleet = await clientFleet(t, {
    server: {
      authMultiuseCreds: false,
      purgeDisconnectedClients: true,
      keepDisconnectedClients: 3_600_000 + 60_000,
    },
    stored: [clientRecord('old', { clientAuthId: 'agent', ...gone })],
  });
  assert.match(text(await introduce(fleet.session(), { ID: 'new' })), /already in use/);
  fleet.clock.advance(60_001);
  assert.equal(text(await introduce(fleet.session(), { ID: 'new' })), 'ok: null');
});

test('the same client may come back with other credentials, which frees the old ones', async (t) => {
  const fleet = await clientFleet(t, {
    server: { authMultiuseCreds: false },
    stored: [clientRecord('c', { clientAuthId: 'first', ...gone })],
  });
  assert.equal(text(await introduce(fleet.session({ authId: 'second' }), { ID: 'c' })), 'ok: null');
  assert.equal(fleet.record('c')?.clientAuthId, 'second');
  assert.equal(text(await introduce(fleet.session({ authId: 'first' }), { ID: 'd' })), 'ok: null');
});

test('a returning client tells everything anew; what others said of it is kept', async (t) => {
  const kept = {
    allowedUserGroups: ['ops'],
    extIpAddresses: { ipv4: '192.0.2.1', ipv6: '', updatedAt: '2025-12-01T00:00:00Z', error: '' },
    updatesStatus: {
      refreshed: '2025-12-01T00:00:00Z',
      updatesAvailable: 1,
      securityUpdatesAvailable: 0,
      updateSummaries: null,
      rebootPending: false,
      error: '',
      hint: '',
    },
  };
  const fleet = await clientFleet(t, { stored: [clientRecord('c', { ...kept, ...gone, tags: ['old'] })] });
  await introduce(fleet.session({ authId: 'other' }), { ID: 'c', Name: 'new', Labels: { city: 'Oslo' } });
  const record = fleet.record('c');
  assert.deepEqual(
    { groups: record?.allowedUserGroups, ip: record?.extIpAddresses, updates: record?.updatesStatus },
    { groups: kept.allowedUserGroups, ip: kept.extIpAddresses, updates: kept.updatesStatus },
  );
  assert.equal(record?.name, 'new');
  assert.equal(record?.hostname, '');
  assert.equal(record?.tags, null);
  assert.deepEqual(record?.labels, { city: 'Oslo' });
  assert.equal(record?.clientAuthId, 'other');
  assert.equal(record?.address, '127.0.0.1');
  assert.equal(record?.disconnectedAt, null);
});

test('an obsolete record is as good as none', async (t) => {
  const fleet = await clientFleet(t, {
    server: { purgeDisconnectedClients: true },
    stored: [clientRecord('c', { allowedUserGroups: ['ops'], disconnectedAt: '2025-12-31T22:59:59.999Z' })],
  });
  // The version is only looked at when the client is known.
  assert.equal(text(await introduce(fleet.session(), { ID: 'c', Version: '' })), 'ok: null');
  assert.equal(fleet.record('c')?.allowedUserGroups, null);
});

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
for (const [multiuse, equate, id] of [
  [true, true, UUID],
  [true, false, UUID],
  [false, true, /^agent$/],
  [false, false, UUID],
] as const) {
  test(`without an id, multi-use ${multiuse}, equate ${equate}: ${id}`, async (t) => {
    const fleet = await clientFleet(t, {
      server: { authMultiuseCreds: multiuse, equateClientauthidClientid: equate },
    });
    await introduce(fleet.session());
    const [record] = fleet.store.clients.all();
    assert.match(record?.id ?? '', id);
  });
}

test('a known client must tell a version that can be read, a new one need not', async (t) => {
  const fleet = await clientFleet(t, { stored: [clientRecord('known', gone)] });
  assert.equal(
    text(await introduce(fleet.session(), { ID: 'known', Version: '' })),
    'failed: failed to determine client version: Malformed version: ',
  );
  assert.deepEqual(fleet.record('known')?.disconnectedAt, gone.disconnectedAt);
  assert.equal(text(await introduce(fleet.session(), { ID: 'new', Version: '' })), 'ok: null');
  // The failure has given the claim back.
  await fleet.ended(1);
  assert.equal(text(await introduce(fleet.session(), { ID: 'known', SessionID: 'x' })), 'ok: null');
});

test('an old random tunnel comes back on its port; where that is taken, on another', async (t) => {
  for (const taken of [false, true]) {
    const fleet = await clientFleet(t);
    const first = fleet.session();
    const reply = await introduce(first, { ID: 'c', Remotes: [asked('', '22')] });
    const port = JSON.parse(reply.payload.toString())[0].lport;
    first.drop('gone');
    await fleet.ended();
    const occupied = taken ? await occupy(Number(port)) : null;
    const second = await introduce(fleet.session(), { ID: 'c' });
    const [again] = JSON.parse(second.payload.toString());
    assert.equal(again.lport === port, !taken);
    assert.equal(again.lport_random, true);
    assert.deepEqual(
      fleet.record('c')?.tunnels.map(({ lport, id }) => ({ lport, id })),
      [{ lport: again.lport, id: tunnelId('2') }],
    );
    await occupied?.free();
  }
});

test('the reply has the requested remotes, then the old ones, as remotes without ids', async (t) => {
  const fleet = await clientFleet(t);
  const [port = 0, other = 0] = fleet.allowed;
  const first = fleet.session();
  await introduce(first, { ID: 'c', Remotes: [asked(`${port}`, '22'), asked(`${other}`, '80')] });
  first.drop('gone');
  await fleet.ended();
  const reply = await introduce(fleet.session(), { ID: 'c', Remotes: [asked(`${other}`, '80')] });
  assert.deepEqual(JSON.parse(reply.payload.toString()), [asked(`${other}`, '80'), asked(`${port}`, '22')]);
});

test('only agents that know the question are asked about old tunnels', async (t) => {
  for (const [version, count] of [
    ['0.6.4', 1],
    ['0.6.3', 0],
    ['0.0.0-src', 0],
  ] as const) {
    const fleet = await clientFleet(t, {
      stored: [clientRecord('c', { ...gone, tunnels: [tunnel('1', remote('22', { lportRandom: true }))] })],
    });
    const session = fleet.session();
    const reply = await introduce(session, { ID: 'c', Version: version });
    assert.equal(times(session, 'check_tunnel_allowed'), count, version);
    assert.equal(JSON.parse(reply.payload.toString()).length, 1);
  }
});

test("an agent's no drops an old tunnel, an unknown question keeps it, another failure refuses", async (t) => {
  for (const [answer, result] of [
    [success({ IsAllowed: false }), /^ok: null$/],
    [failure('unknown request'), /^ok: \[\{.*"rport":"22"/],
    [failure('no such host'), /^failed: failed to filter tunnels: client error: no such host$/],
  ] as const) {
    const fleet = await clientFleet(t, {
      stored: [clientRecord('c', { ...gone, tunnels: [tunnel('1', remote('22', { lportRandom: true }))] })],
    });
    const session = fleet.session({ onRequest: () => answer });
    assert.match(text(await introduce(session, { ID: 'c' })), result);
  }
});

test('an old tunnel that cannot start is skipped and logged', async (t) => {
  const fleet = await clientFleet(t);
  const [port = 0] = fleet.allowed;
  const first = fleet.session();
  await introduce(first, { ID: 'c', Remotes: [asked(`${port}`, '22')] });
  first.drop('gone');
  await fleet.ended();
  const occupied = await occupy(port, '0.0.0.0');
  assert.equal(text(await introduce(fleet.session(), { ID: 'c' })), 'ok: null');
  assert.deepEqual(fleet.record('c')?.tunnels, []);
  assert.ok(fleet.log.lines.some((line) => line.includes(`${port} already in use`)));
  await occupied.free();
});

test('a requested remote that cannot start refuses the connection and changes nothing', async (t) => {
  const fleet = await clientFleet(t, { stored: [clientRecord('c', { ...gone, name: 'before' })] });
  const [port = 0] = fleet.allowed;
  const occupied = await occupy(port, '0.0.0.0');
  for (const [request, why] of [
    [asked('1', '22'), 'Local port 1 is not among allowed ports.'],
    [asked(`${port}`, '22'), `Local port ${port} already in use.`],
    [asked('abc', '22'), 'strconv.Atoi: parsing "abc": invalid syntax'],
    [asked('', '22', { acl: 'x' }), 'invalid IP addr: x'],
  ] as const) {
    const session = fleet.session();
    const started = asked('', '80');
    const reply = await introduce(session, { ID: 'c', Name: 'after', Remotes: [started, request] });
    assert.equal(text(reply), `failed: ${why}`);
    assert.equal(session.closed, true);
    assert.equal(times(session, 'put_capabilities'), 0);
    await fleet.ended();
    assert.deepEqual(fleet.record('c'), clientRecord('c', { ...gone, name: 'before' }));
  }
  await occupied.free();
  // Nothing of the failed attempts holds a port: as many as there are can be had.
  const all = fleet.allowed.map(() => asked('', '22')).map((one, n) => ({ ...one, rport: `${n + 1}` }));
  assert.match(text(await introduce(fleet.session(), { ID: 'c', Remotes: all })), /^ok/);
});

test('a record that cannot be stored refuses the connection', async (t) => {
  const fleet = await clientFleet(t);
  fleet.failSaves(true);
  const session = fleet.session();
  assert.equal(text(await introduce(session, { ID: 'c' })), 'failed: failed to save client: disk full');
  assert.equal(session.closed, true);
  fleet.failSaves(false);
  await fleet.ended();
  assert.equal(text(await introduce(fleet.session(), { ID: 'c' })), 'ok: null');
});

test('an agent without a stored updates status is asked for one, once', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  fleet.clock.advance(60_000);
  await fleet.until(() => times(session, 'refresh_updates_status') > 0);
  assert.deepEqual(
    session.requests.filter(({ name }) => name === 'refresh_updates_status'),
    [{ name: 'refresh_updates_status', payload: 'null' }],
  );
});

test('an agent may not claim to be a user, a sub-domain or a restored tunnel', async (t) => {
  const fleet = await clientFleet(t);
  const forged = asked(`${fleet.allowed[0]}`, '22', {
    owner: 'admin',
    tunnel_url: 'https://x.example',
    lport_random: true,
    idle_timeout_minutes: -1,
    auto_close: -1,
  });
  await introduce(fleet.session(), { ID: 'c', Remotes: [forged] });
  const [stored] = fleet.record('c')?.tunnels ?? [];
  assert.equal(stored?.owner, '');
  assert.equal(stored?.tunnelUrl, '');
  assert.equal(stored?.lportRandom, false);
  assert.equal(stored?.idleTimeoutMinutes, 0);
  assert.equal(stored?.autoClose, 0);
});
