/** What becomes of clients, and of logins under way, when their credential is deleted. Spec 03 §8.2. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { askActor } from '../../../src/actors/ask.js';
import { REGISTRAR, type RegistrarMessage } from '../../../src/actors/registrar/messages.js';
import { clientId } from '../../../src/ids.js';
import { clientFleet, type Fleet, introduce, text } from '../../support/client-fleet.js';
import { clientRecord } from '../../support/client-record.js';

const LONG_AGO = '2025-12-31T00:00:00.000Z';
const DELETED = 'failed: client auth ID has been deleted: "agent"';

const revoke = (fleet: Fleet, force = false): Promise<number> =>
  askActor<number>(
    fleet.main,
    REGISTRAR,
    { type: 'revoke', authId: 'agent', force },
    100_000,
    'no registrar',
  );

/** Resolves when the registrar has heard of it. */
async function revoked(fleet: Fleet, deleted: boolean): Promise<void> {
  const message: RegistrarMessage = { type: 'revoked', authId: 'agent', deleted };
  fleet.main.tell(REGISTRAR, message);
  await fleet.main.ask(REGISTRAR, { type: 'purge', limit: 0 }, { timeoutMs: 10_000 });
}

const has409 = (count: number) => ({
  status: 409,
  title: `Client Auth expected to have no active or disconnected bound client(s), got ${count}.`,
  apiCode: 'ERR_CODE_CLIENT_AUTH_HAS_CLIENT',
});

test('with clients, connected or not, it is refused and nothing changes', async (t) => {
  const fleet = await clientFleet(t, {
    stored: [clientRecord('away', { clientAuthId: 'agent', disconnectedAt: LONG_AGO })],
  });
  const session = fleet.session({ authId: 'agent' });
  await introduce(session, { ID: 'here' });
  await introduce(fleet.session({ authId: 'other' }), { ID: 'stranger' });
  await assert.rejects(revoke(fleet), has409(2));
  assert.equal(session.closed, false);
  assert.equal(text(await introduce(fleet.session({ authId: 'agent' }), { ID: 'third' })), 'ok: null');
});

test('without clients, nobody who has logged in becomes one any more', async (t) => {
  const fleet = await clientFleet(t);
  const early = fleet.session({ authId: 'agent' });
  assert.equal(await revoke(fleet), 0);
  const meanwhile = fleet.session({ authId: 'agent' });
  assert.equal(text(await introduce(meanwhile, { ID: 'a' })), DELETED);
  await revoked(fleet, true);
  // However late within the five minutes it has.
  fleet.clock.advance(299_000);
  assert.equal(text(await introduce(early, { ID: 'b' })), DELETED);
  assert.equal(fleet.record('a') ?? fleet.record('b'), undefined);
  // The credential was added again.
  assert.equal(text(await introduce(fleet.session({ authId: 'agent' }), { ID: 'c' })), 'ok: null');
});

test('when it was not deleted after all, logins count as before', async (t) => {
  const fleet = await clientFleet(t);
  const session = fleet.session({ authId: 'agent' });
  await revoke(fleet);
  await revoked(fleet, false);
  assert.equal(text(await introduce(session, { ID: 'a' })), 'ok: null');
});

test('by force, its clients are disconnected and removed with all that is kept of them', async (t) => {
  const fleet = await clientFleet(t, {
    shards: 2,
    stored: [
      clientRecord('away', { clientAuthId: 'agent', disconnectedAt: LONG_AGO }),
      clientRecord('foreign', { clientAuthId: 'other', disconnectedAt: LONG_AGO }),
    ],
  });
  const sessions = [fleet.session({ authId: 'agent' }, 0), fleet.session({ authId: 'agent' }, 1)];
  for (const [n, session] of sessions.entries()) {
    await introduce(session, { ID: `c${n}` });
    session.tell('save_measurement', '{}');
    await session.deliver('ping', '');
  }
  const other = fleet.session({ authId: 'other' });
  await introduce(other, { ID: 'stranger' });
  assert.equal(await revoke(fleet, true), 3);
  assert.deepEqual(
    [...fleet.store.clients.all()].map(({ id }) => id),
    ['foreign', 'stranger'],
  );
  assert.deepEqual([...fleet.store.measurements.range(clientId('c0'), 0, Number.MAX_SAFE_INTEGER)], []);
  assert.deepEqual(
    [...sessions, other].map(({ closed }) => closed),
    [true, true, false],
  );
  // Agents reconnect at once.
  assert.equal(text(await introduce(fleet.session({ authId: 'agent' }), { ID: 'c0' })), DELETED);
  await fleet.ended(1);
  assert.equal(fleet.record('c0'), undefined);
});

test('a client that has changed its credential belongs to the new one', async (t) => {
  const fleet = await clientFleet(t, {
    stored: [clientRecord('c', { clientAuthId: 'agent', disconnectedAt: LONG_AGO })],
  });
  const session = fleet.session({ authId: 'new' });
  await introduce(session, { ID: 'c' });
  assert.equal(await revoke(fleet, true), 0);
  assert.equal(session.closed, false);
  assert.equal(fleet.record('c')?.clientAuthId, 'new');
});

test('obsolete clients do not count', async (t) => {
  const fleet = await clientFleet(t, {
    server: { purgeDisconnectedClients: true },
    stored: [clientRecord('c', { clientAuthId: 'agent', disconnectedAt: LONG_AGO })],
  });
  assert.equal(await revoke(fleet), 0);
});

test('agents that connect while it is deleted end either removed or refused', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const count = 40;
  const sessions = Array.from({ length: count }, (_, n) => fleet.session({ authId: 'agent' }, n % 2));
  const connecting = sessions.map((session, n) => introduce(session, { ID: `c${n}` }).catch(String));
  const removed = revoke(fleet, true);
  await Promise.all(connecting);
  await removed;
  await fleet.ended();
  assert.deepEqual([...fleet.store.clients.all()], []);
});

test('more clients than one batch, and a shard that dies under way', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  const count = 1100;
  await Promise.all(
    Array.from({ length: count }, (_, n) =>
      introduce(fleet.session({ authId: 'agent' }, n % 2), { ID: `c${n}` }),
    ),
  );
  const removed = revoke(fleet, true);
  fleet.shards[1]?.lose();
  let done = false;
  const finished = removed.finally(() => {
    done = true;
  });
  // What another operation is busy with is looked at again a little later.
  await fleet.passing(() => done, 1);
  assert.equal(await finished, count);
  assert.deepEqual([...fleet.store.clients.all()], []);
});

test('a shard that hangs makes it fail, and the credential stays', async (t) => {
  const fleet = await clientFleet(t, { shards: 2 });
  await introduce(fleet.session({ authId: 'agent' }), { ID: 'c' });
  await fleet.shards[0]?.system.stop({ kind: 'connections', id: '1' });
  fleet.shards[0]?.system.spawn(
    { kind: 'connections', preStart: () => null, receive: () => undefined },
    '1',
    null,
    { epoch: 2 },
  );
  let refusal: unknown;
  void revoke(fleet, true).catch((error: unknown) => {
    refusal = error;
  });
  await fleet.passing(() => refusal !== undefined, 100);
  assert.equal((refusal as { status: number }).status, 503);
  assert.equal(fleet.record('c')?.disconnectedAt, null);
});
