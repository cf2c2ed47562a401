import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type RequestReply, SessionError } from '../../../src/protocol/session.js';
import { turn } from '../../support/actor-system.js';
import { clientFleet, introduce, times } from '../../support/client-fleet.js';
import { failure, success } from '../../support/fake-session.js';

const empty: RequestReply = { ok: true, payload: Buffer.alloc(0) };
const INTERVAL = 300_000;

const outcomes: readonly (readonly [what: string, reply: () => RequestReply, alive: boolean])[] = [
  ['success, empty', () => empty, true],
  ['success, null', () => success(null), true],
  ['unknown request', () => failure('unknown request'), true],
  ['success with something else', () => success(1), false],
  ['success and very much', () => ({ ok: true, payload: Buffer.alloc(1_000_000) }), false],
  ['another failure', () => failure('busy'), false],
  [
    'time-out',
    () => {
      throw new SessionError('timeout', 'timeout');
    },
    false,
  ],
  [
    'end of the connection',
    () => {
      throw new SessionError('closed', 'EOF');
    },
    false,
  ],
];
for (const [what, reply, alive] of outcomes) {
  test(`a silent agent that answers a ping with ${what} is ${alive ? 'alive' : 'disconnected'}`, async (t) => {
    const fleet = await clientFleet(t);
    const session = fleet.session({ onRequest: (name) => (name === 'ping' ? reply() : empty) });
    await introduce(session, { ID: 'c' });
    fleet.clock.advance(INTERVAL - 1);
    await turn();
    assert.equal(times(session, 'ping'), 0);
    fleet.clock.advance(1);
    await fleet.until(() => times(session, 'ping') === 1);
    if (alive) {
      await fleet.until(() => fleet.heartbeats.size === 1);
      assert.equal(session.closed, false);
      // A sign of life counts for a whole interval.
      fleet.clock.advance(INTERVAL - 10_001);
      assert.equal(fleet.record('c')?.disconnectedAt, null);
    } else {
      await fleet.until(() => fleet.record('c')?.disconnectedAt !== null);
      assert.equal(session.closed, true);
      assert.equal(fleet.record('c')?.disconnectedAt, '2026-01-01T00:05:00.000Z');
    }
  });
}

test('only clients silent for an interval less 10 s are pinged, and none with a request under way', async (t) => {
  const fleet = await clientFleet(t);
  const agents = ['recent', 'old', 'busy'].map((id) => ({ id, session: fleet.session() }));
  for (const { id, session } of agents) await introduce(session, { ID: id });
  const [recent, old, busy] = agents.map(({ session }) => session);
  assert.ok(recent && old && busy);
  fleet.clock.advance(9_999);
  await old.deliver('ping', '');
  fleet.clock.advance(1);
  await recent.deliver('ping', '');
  busy.requestPending = true;
  fleet.clock.advance(INTERVAL - 10_000);
  await fleet.until(() => times(old, 'ping') === 1);
  await turn();
  assert.equal(times(recent, 'ping'), 0);
  assert.equal(times(busy, 'ping'), 0);
  assert.equal(busy.closed, false);
});

test('an interval below two minutes is raised to two minutes', async (t) => {
  const fleet = await clientFleet(t, { server: { checkClientsConnectionInterval: 1_000 } });
  const session = fleet.session();
  await introduce(session, { ID: 'c' });
  fleet.clock.advance(119_999);
  await turn();
  assert.equal(times(session, 'ping'), 0);
  fleet.clock.advance(1);
  await fleet.until(() => times(session, 'ping') === 1);
});

test('at most a hundred pings are under way', async (t) => {
  const fleet = await clientFleet(t);
  const answers: (() => void)[] = [];
  const sessions = [];
  for (let n = 0; n < 120; n += 1) {
    const session = fleet.session({
      onRequest: (name) =>
        name === 'ping' ? new Promise((resolve) => answers.push(() => resolve(empty))) : empty,
    });
    sessions.push(session);
  }
  await Promise.all(sessions.map((session, n) => introduce(session, { ID: `c${n}` })));
  fleet.clock.advance(INTERVAL);
  await fleet.until(() => answers.length === 100);
  for (let n = 0; n < 5; n += 1) await turn();
  assert.equal(answers.length, 100);
  for (const answer of answers.splice(0)) answer();
  await fleet.until(() => answers.length === 20);
  for (const answer of answers) answer();
  await fleet.until(() => fleet.heartbeats.size === 120);
});
