/** Who may access a client is kept whatever its connection is doing. Spec 03 §4.5 and §5.4. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askActor } from '../../../src/actors/ask.js';
import { clientRef } from '../../../src/actors/client/messages.js';
import { REGISTRAR } from '../../../src/actors/registrar/messages.js';
import { clientId } from '../../../src/ids.js';
import type { RequestReply } from '../../../src/protocol/session.js';
import { asked, clientFleet, type Fleet, introduce, text } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';
import { remote, tunnel } from '../../support/remotes.js';

const gone = { disconnectedAt: '2026-01-01T00:00:00.000Z' };

const setAccess = (
  fleet: Fleet,
  id: string,
  allowedUserGroups: readonly string[],
  shard = 0,
): Promise<unknown> => {
  const system = fleet.shards[shard]?.system ?? fleet.main;
  const message = { type: 'set-access', id: clientId(id), allowedUserGroups };
  return askActor(system, REGISTRAR, message, 10_000, 'no registrar');
};

const access = (fleet: Fleet, id: string): unknown => fleet.record(id)?.allowedUserGroups;

test('of a client that is not connected, kept when it connects and goes again', async (t) => {
  const fleet = await clientFleet(t, { stored: [clientRecord('c', gone)] });
  await setAccess(fleet, 'c', ['g1', 'g2']);
  assert.deepEqual(access(fleet, 'c'), ['g1', 'g2']);
  assert.equal(fleet.record('c')?.disconnectedAt, gone.disconnectedAt);
  const session = fleet.session();
  await introduce(session, { ID: 'c', Name: 'new name' });
  assert.equal(fleet.record('c')?.name, 'new name');
  assert.deepEqual(access(fleet, 'c'), ['g1', 'g2']);
  session.drop('gone');
  await fleet.ended();
  assert.deepEqual(access(fleet, 'c'), ['g1', 'g2']);
  await setAccess(fleet, 'c', []);
  assert.deepEqual(access(fleet, 'c'), []);
});

test('of a connected client, from another thread, kept by everything its actor saves', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  await setAccess(fleet, 'c', ['g1'], 1);
  assert.deepEqual(access(fleet, 'c'), ['g1']);
  session.tell('updates_status', JSON.stringify({ updates_available: 3 }));
  await fleet.until(() => fleet.record('c')?.updatesStatus?.updatesAvailable === 3);
  await fleet.ask('c', { type: 'create-tunnel', remote: remote('22'), checkPort: false });
  assert.deepEqual(access(fleet, 'c'), ['g1']);
  session.drop('gone');
  await fleet.ended();
  await introduce(fleet.session({}, 1), { ID: 'c' });
  assert.deepEqual(access(fleet, 'c'), ['g1']);
});

test('of a client about which nothing is known: 404, also when it is obsolete or just being deleted', async (t) => {
  const server = { purgeDisconnectedClients: true, keepDisconnectedClients: 1000 };
  const fleet = await clientFleet(t, { server, stored: [clientRecord('old', gone), clientRecord('c')] });
  const notFound = (id: string) => ({ code: 'not_found', title: `Client with id="${id}" not found.` });
  await assert.rejects(setAccess(fleet, 'nobody', []), notFound('nobody'));
  fleet.clock.advance(10 ** 12);
  await assert.rejects(setAccess(fleet, 'old', ['g']), notFound('old'));

  const still = await clientFleet(t, { stored: [clientRecord('c', gone)] });
  const deletion = askActor(still.main, REGISTRAR, { type: 'delete', id: clientId('c') }, 10_000, '');
  const [, changed] = await Promise.allSettled([deletion, setAccess(still, 'c', ['g'])]);
  assert.equal(changed.status, 'rejected');
  assert.equal(still.record('c'), undefined);
});

test('while the client connects, it waits and is not lost', async (t) => {
  const fleet = await clientFleet(t, {
    stored: [clientRecord('c', { ...gone, tunnels: [tunnel('1', remote('22', { lportRandom: true }))] })],
  });
  let allow: (reply: RequestReply) => void = () => undefined;
  const session = fleet.session({
    onRequest: () => new Promise<RequestReply>((resolve) => (allow = resolve)),
  });
  const connecting = introduce(session, { ID: 'c' });
  await fleet.until(() => session.requests.some(({ name }) => name === 'check_tunnel_allowed'));
  let done = false;
  const changing = setAccess(fleet, 'c', ['g1']).then(() => {
    done = true;
  });
  await fleet.ended(1);
  assert.equal(done, false);
  allow({ ok: true, payload: Buffer.from('{"IsAllowed":true}') });
  assert.match(text(await connecting), /^ok/);
  await changing;
  assert.deepEqual(access(fleet, 'c'), ['g1']);
  session.drop('gone');
  await fleet.ended();
  assert.deepEqual(access(fleet, 'c'), ['g1']);
});

test('when the connection fails on the way, the record as it was gets it', async (t) => {
  const fleet = await clientFleet(t, {
    stored: [clientRecord('c', { ...gone, tunnels: [tunnel('1', remote('22', { lportRandom: true }))] })],
  });
  const session = fleet.session({ onRequest: () => new Promise<RequestReply>(() => undefined) });
  void introduce(session, { ID: 'c' }).catch(() => undefined);
  await fleet.until(() => session.requests.length > 0);
  const changing = setAccess(fleet, 'c', ['g1']);
  session.drop('gone');
  await changing;
  assert.deepEqual(access(fleet, 'c'), ['g1']);
});

test('while a connection ends or is taken over, none of many changes is lost', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  for (let round = 0; round < 30; round++) {
    const id = `c-${round}`;
    const first = fleet.session();
    await introduce(first, { ID: id, SessionID: 'same' });
    const before = setAccess(fleet, id, [`before ${round}`], 1);
    const next = fleet.session({}, 1);
    // Every second one is a take-over, the others an end and a new connection.
    if (round % 2 === 0) first.drop('gone');
    const during = setAccess(fleet, id, [`during ${round}`], round % 3 === 0 ? 1 : 0);
    const connecting = introduce(next, { ID: id, SessionID: 'same' });
    await Promise.all([before, during, connecting]);
    const last = [`last ${round}`];
    await setAccess(fleet, id, last);
    assert.deepEqual(access(fleet, id), last);
    next.drop('gone');
    await fleet.until(() => fleet.record(id)?.disconnectedAt !== null);
    assert.deepEqual(access(fleet, id), last);
  }
});

test('changes made at the same time as reports of the agent do not overwrite each other', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  for (let round = 1; round <= 50; round++) {
    session.tell('updates_status', JSON.stringify({ updates_available: round }));
    await setAccess(fleet, 'c', [`g${round}`], round % 2);
    session.tell('updates_status', JSON.stringify({ updates_available: round + 1000 }));
    assert.deepEqual(access(fleet, 'c'), [`g${round}`]);
  }
  await fleet.until(() => fleet.record('c')?.updatesStatus?.updatesAvailable === 1050);
  assert.deepEqual(access(fleet, 'c'), ['g50']);
});

test('when the shard of the client is lost, the change is made in the record', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  await introduce(fleet.session(), { ID: 'c', Remotes: [asked('', '22')] });
  await fleet.until(() => fleet.main.locate(clientRef(clientId('c'))) !== undefined);
  fleet.shards[0]?.lose();
  await setAccess(fleet, 'c', ['g1'], 1);
  assert.deepEqual(access(fleet, 'c'), ['g1']);
  assert.notEqual(fleet.record('c')?.disconnectedAt, null);
});

test('a disk that fails: 500 without its text, and the client can go on', async (t) => {
  const fleet = await clientFleet(t, { stored: [clientRecord('c', gone)] });
  fleet.failSaves(true);
  await assert.rejects(setAccess(fleet, 'c', ['g1']), { status: 500, title: 'internal error', detail: '' });
  fleet.failSaves(false);
  assert.match(text(await introduce(fleet.session(), { ID: 'c' })), /^ok/);
  assert.equal(access(fleet, 'c'), null);
  fleet.failSaves(true);
  await assert.rejects(setAccess(fleet, 'c', ['g2']), { status: 500, title: 'internal error', detail: '' });
  fleet.failSaves(false);
  await setAccess(fleet, 'c', ['g3']);
  assert.deepEqual(access(fleet, 'c'), ['g3']);
});
