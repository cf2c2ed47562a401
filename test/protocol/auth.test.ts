import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerAuth } from '../../src/protocol/session-auth.js';
import { packet } from '../../src/protocol/ssh/wire.js';
import { sessionPair } from '../support/session-pair.js';
import { byteWise, cutAt } from '../support/transport-pair.js';

interface Trial {
  readonly auth: ServerAuth;
  readonly sent: Buffer[];
  readonly asked: [string, string][];
  decide: (verified: string | null) => void;
  disconnected: string | null;
  authId: string | null;
}

const trial = (): Trial => {
  const sent: Buffer[] = [];
  const asked: [string, string][] = [];
  const state: Trial = {
    sent,
    asked,
    decide: () => undefined,
    disconnected: null,
    authId: null,
    auth: new ServerAuth({
      send: (payload) => sent.push(payload),
      disconnect: (reason, text) => {
        state.disconnected = `${reason} ${text}`;
      },
      verify: (authId, password) => {
        asked.push([authId, password]);
        return new Promise((resolve) => {
          state.decide = resolve;
        });
      },
      onSuccess: (authId) => {
        state.authId = authId;
      },
      onError: (error) => assert.fail(String(error)),
    }),
  };
  return state;
};

const service = packet(5, ['ssh-userauth']);
const none = packet(50, ['id', 'ssh-connection', 'none']);
const password = (text: string): Buffer => packet(50, ['id', 'ssh-connection', 'password', false, text]);
const refusal = packet(51, ['password', false]);
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('none is refused with the method password, then the right password is accepted', async () => {
  const t = trial();
  t.auth.receive(service);
  t.auth.receive(none);
  t.auth.receive(password('pass:word'));
  assert.deepEqual(t.asked, [['id', 'pass:word']]);
  t.decide('id');
  await turn();
  assert.deepEqual(t.sent, [packet(6, ['ssh-userauth']), refusal, packet(52, [])]);
  assert.equal(t.authId, 'id');
});

test('passwords are checked one by one', async () => {
  const t = trial();
  t.auth.receive(service);
  t.auth.receive(password('one'));
  t.auth.receive(password('two'));
  assert.equal(t.asked.length, 1);
  t.decide(null);
  await turn();
  assert.equal(t.asked.length, 2);
  assert.deepEqual(t.sent.slice(1), [refusal]);
});

test('the sixth failure ends the connection, the first none does not count', async () => {
  const t = trial();
  t.auth.receive(service);
  t.auth.receive(none);
  for (let round = 0; round < 5; round += 1)
    t.auth.receive(packet(50, ['id', 'ssh-connection', 'publickey']));
  assert.equal(t.disconnected, null);
  t.auth.receive(password('x'));
  t.decide(null);
  await turn();
  assert.equal(t.disconnected, '2 too many authentication failures');
});

for (const [name, bad] of [
  ['a request to change the password', packet(50, ['id', 'ssh-connection', 'password', true, 'a', 'b'])],
  ['trailing bytes', packet(50, ['id', 'ssh-connection', 'password', false, 'a'], 'x')],
  ['a wrong service', packet(50, ['id', 'ssh-foo', 'password', false, 'a'])],
  ['a request cut short', packet(50, ['id', 'ssh-connection', 'password'])],
  ['another message', packet(80, ['ping', true])],
] as const) {
  test(`${name} closes the connection without an answer`, () => {
    const t = trial();
    t.auth.receive(service);
    t.auth.receive(bad);
    assert.equal(t.sent.length, 1);
    assert.notEqual(t.disconnected, null);
  });
}

test('a flood during a password check closes the connection', () => {
  const t = trial();
  t.auth.receive(service);
  for (let round = 0; round < 20; round += 1) t.auth.receive(password('x'));
  assert.match(t.disconnected ?? '', /too many messages/);
});

test('a whole login works over messages of any cut', async () => {
  for (const cut of [byteWise, cutAt(1024), cutAt(7)]) {
    const pair = await sessionPair({ cut });
    assert.equal(pair.server.authId, 'agent-1');
    pair.server.close();
  }
});

test('a wrong password and a wrong fingerprint are refused', async () => {
  await assert.rejects(sessionPair({ login: { verify: async () => null } }), /unable to authenticate/);
  await assert.rejects(sessionPair({ fingerprint: 'aa:0d:c9:18' }));
  const pair = await sessionPair({ fingerprint: 'aa:0d:c9:17' });
  pair.server.close();
});

test('a check that throws counts as a failure', async () => {
  const errors: unknown[] = [];
  const pair = sessionPair({
    login: {
      verify: () => {
        errors.push('asked');
        return Promise.reject(new Error('store is down'));
      },
    },
  });
  await assert.rejects(pair);
  assert.deepEqual(errors, ['asked']);
});

test('a receiver that throws at a new session is reported, nothing else', async () => {
  const errors: unknown[] = [];
  const auth = new ServerAuth({
    send: () => undefined,
    disconnect: () => undefined,
    verify: async (authId) => authId,
    onSuccess: () => {
      throw new Error('shutting down');
    },
    onError: (error) => errors.push(error),
  });
  auth.receive(service);
  auth.receive(password('x'));
  await turn();
  assert.deepEqual(errors.map(String), ['Error: shutting down']);
});
