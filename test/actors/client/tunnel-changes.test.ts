import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Restrictions } from '../../../src/auth/restrictions/check-tunnel.js';
import { tunnelId } from '../../../src/ids.js';
import { clientFleet, introduce } from '../../support/client-fleet.js';
import { success } from '../../support/fake-session.js';
import { remote } from '../../support/remotes.js';

test('a tunnel is stored when its creation, change or removal has been answered', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), { ID: 'c' });
  const made = await fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: true });
  assert.equal(made.id, '1');
  assert.deepEqual(fleet.record('c')?.tunnels, [made]);
  await fleet.ask('c', { type: 'set-tunnel-acl', id: made.id, acl: '192.0.2.1', restrictions: null });
  assert.equal(fleet.record('c')?.tunnels[0]?.acl, '192.0.2.1');
  await fleet.ask('c', { type: 'delete-tunnel', id: made.id, force: false });
  assert.deepEqual(fleet.record('c')?.tunnels, []);
});

test('what cannot be done is refused and changes nothing', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), { ID: 'c' });
  await fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false });
  await assert.rejects(fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false }), {
    title: 'Tunnel to port 22 already exists.',
    apiCode: 'ERR_CODE_TUNNEL_TO_PORT_EXIST',
  });
  await assert.rejects(fleet.ask('c', { type: 'delete-tunnel', id: tunnelId('9'), force: false }), {
    title: 'tunnel not found',
    status: 404,
  });
  const setAcl = (id: string, acl: string | null, restrictions: Restrictions = null) =>
    fleet.ask('c', { type: 'set-tunnel-acl', id: tunnelId(id), acl, restrictions });
  await assert.rejects(setAcl('1', 'x'), { title: 'invalid IP addr: x' });
  await assert.rejects(setAcl('9', null, [{ remote: ['80'] }]), { title: 'tunnel not found', status: 404 });
  await assert.rejects(setAcl('1', null, [{ remote: ['80'] }]), {
    title: 'Tunnel with parameter remote=22 is forbidden. Allowed values: [80]',
    status: 400,
  });
  await setAcl('1', '192.0.2.1', [{ remote: ['80'] }, { remote: ['22'] }]);
  assert.deepEqual(
    fleet.record('c')?.tunnels.map(({ acl }) => acl),
    ['192.0.2.1'],
  );
});

test('equal creations at once make one tunnel', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), { ID: 'c' });
  const results = await Promise.allSettled(
    Array.from({ length: 5 }, () =>
      fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: true }),
    ),
  );
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  assert.equal(fleet.record('c')?.tunnels.length, 1);
});

test('a slow agent holds up its creations only; beyond a bound they are refused', async (t) => {
  const fleet = await clientFleet(t);
  let slow = false;
  const session = fleet.session({
    onRequest: () => (slow ? new Promise(() => undefined) : success({ IsAllowed: true })),
  });
  await introduce(session, { ID: 'c' });
  const { id } = await fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false });
  slow = true;
  const waiting = Array.from({ length: 40 }, (_, n) =>
    fleet.ask('c', { type: 'create-tunnel', remote: remote(`${n + 100}`), checkPort: false }).then(
      () => 'made',
      (error) => error.status,
    ),
  );
  assert.equal(await fleet.ask('c', { type: 'delete-tunnel', id, force: false }), null);
  const first = await Promise.all(waiting.slice(33));
  assert.deepEqual(new Set(first), new Set([503]));
  session.drop('gone');
  assert.deepEqual(new Set(await Promise.all(waiting.slice(0, 33))), new Set([404]));
});

test('a tunnel that ends by itself is no longer stored', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), { ID: 'c' });
  await fleet.ask('c', {
    type: 'create-tunnel',
    remote: remote('22', { autoClose: 60e9 }),
    checkPort: false,
  });
  fleet.clock.advance(60_000);
  await fleet.until(() => fleet.record('c')?.tunnels.length === 0);
});

test('tunnel ids go on over reconnects', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const first = fleet.session();
  await introduce(first, { ID: 'c' });
  const made = await fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false });
  await fleet.ask('c', { type: 'delete-tunnel', id: made.id, force: false });
  first.drop('gone');
  await fleet.ended();
  await introduce(fleet.session({}, 1), { ID: 'c' });
  const next = await fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false });
  assert.equal(next.id, '2');
});

test('a change that cannot be stored says so', async (t) => {
  const fleet = await clientFleet(t);
  await introduce(fleet.session(), { ID: 'c' });
  fleet.failSaves(true);
  await assert.rejects(fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false }), {
    title: 'failed to save client: disk full',
    status: 500,
  });
  fleet.failSaves(false);
});
