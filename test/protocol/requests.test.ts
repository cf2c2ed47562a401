import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Answer, SessionError } from '../../src/protocol/session.js';
import type { Session } from '../../src/protocol/session-core.js';
import { packet } from '../../src/protocol/ssh/wire.js';
import { ManualClock } from '../support/manual-clock.js';
import { sessionHandlers, sessionPair } from '../support/session-pair.js';

/** For replies that must come, however busy the machine is. */
const PATIENCE = 30_000;

const turns = async (count = 6): Promise<void> => {
  for (let round = 0; round < count; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

const code = (wanted: string) => (error: unknown) => error instanceof SessionError && error.code === wanted;

test('requests and replies carry raw payloads both ways, error texts included', async () => {
  const { server, agent } = await sessionPair();
  agent.handle(
    sessionHandlers({
      onRequest: (name, payload, answer) =>
        name === 'check_port'
          ? answer?.(true, Buffer.concat([payload, payload]))
          : answer?.(false, 'unknown request'),
    }),
  );
  server.handle(sessionHandlers({ onRequest: (_name, _payload, answer) => answer?.(true) }));
  const yes = await server.request('check_port', 'ab', PATIENCE);
  assert.deepEqual([yes.ok, yes.payload.toString()], [true, 'abab']);
  const no = await server.request('nope', '', PATIENCE);
  assert.deepEqual([no.ok, no.payload.toString()], [false, 'unknown request']);
  const empty = await agent.request('ping', '', PATIENCE);
  assert.deepEqual([empty.ok, empty.payload.length], [true, 0]);
  server.close();
});

test('one request is on the wire at a time, the others follow in order', async () => {
  const { server, agent } = await sessionPair();
  const answers: Answer[] = [];
  const names: string[] = [];
  agent.handle(
    sessionHandlers({
      onRequest: (name, _payload, answer) => {
        names.push(name);
        if (answer) answers.push(answer);
      },
    }),
  );
  const one = server.request('one', '', PATIENCE);
  const two = server.request('two', '', PATIENCE);
  server.notify('note', 'x');
  await turns();
  assert.deepEqual(names, ['one', 'note']);
  assert.equal(server.requestPending, true);
  answers[0]?.(true, '1');
  await one;
  await turns();
  answers[1]?.(true, '2');
  assert.equal((await two).payload.toString(), '2');
  assert.equal(server.requestPending, false);
  server.close();
});

test('a late reply is consumed and does not answer the next request', async () => {
  const clock = new ManualClock();
  const { server, agent } = await sessionPair({ clock });
  const answers: Answer[] = [];
  agent.handle(sessionHandlers({ onRequest: (_name, _payload, answer) => answer && answers.push(answer) }));
  const slow = server.request('slow', '', 1000);
  const waiting = server.request('waiting', '', 1000);
  await turns();
  clock.advance(1000);
  await assert.rejects(slow, code('timeout'));
  await assert.rejects(waiting, code('timeout'));
  const next = server.request('next', '', 1000);
  await turns();
  assert.equal(answers.length, 1, 'the slot is still taken');
  answers[0]?.(true, 'late');
  await turns();
  answers[1]?.(true, 'right');
  assert.equal((await next).payload.toString(), 'right');
  server.close();
});

test('the second reply of old agents to ping is not taken for another reply', async () => {
  const { server, agent } = await sessionPair();
  agent.handle(
    sessionHandlers({
      onRequest: (name, _payload, answer) => {
        answer?.(true, name === 'ping' ? '' : `reply to ${name}`);
        if (name === 'ping') agent.send(packet(81, [], 'null'));
      },
    }),
  );
  for (let round = 0; round < 3; round += 1) {
    const replies = await Promise.all(
      ['ping', 'a', 'ping', 'ping', 'b'].map((name) => server.request(name, '', PATIENCE)),
    );
    assert.deepEqual(
      replies.map((reply) => reply.payload.toString()),
      ['', 'reply to a', '', '', 'reply to b'],
    );
  }
  server.close();
});

test('a reply nobody asked for is dropped', async () => {
  const { server, agent } = await sessionPair();
  agent.handle(sessionHandlers({ onRequest: (_n, _p, answer) => answer?.(true, 'x') }));
  agent.send(packet(81, [], 'surplus'));
  agent.send(packet(82, []));
  await turns();
  assert.equal((await server.request('a', '', PATIENCE)).payload.toString(), 'x');
  server.close();
});

test('answers leave in the order of the questions, whoever is ready first', async () => {
  const { server, agent } = await sessionPair();
  const answers: Answer[] = [];
  server.handle(sessionHandlers({ onRequest: (_n, _p, answer) => answer && answers.push(answer) }));
  agent.handle(sessionHandlers());
  // A peer that does not wait for the reply, as agents do, but may.
  agent.send(packet(80, ['one', true]));
  agent.send(packet(80, ['two', true]));
  await turns();
  answers[1]?.(false, 'second');
  await turns();
  answers[0]?.(true, 'first');
  answers[0]?.(false, 'twice');
  await turns();
  const real = agent.request('three', '', PATIENCE);
  await turns();
  answers[2]?.(true, 'third');
  // The two replies without a request were dropped in order, so the third is the right one.
  assert.equal((await real).payload.toString(), 'third');
  server.close();
});

test('requests that come before the receiver are delivered to it in order', async () => {
  const { server, agent } = await sessionPair();
  agent.notify('first', '1');
  const second = agent.request('second', '2', PATIENCE);
  await turns();
  const got: string[] = [];
  server.handle(
    sessionHandlers({
      onRequest: (name, payload, answer) => {
        got.push(`${name} ${payload}`);
        answer?.(true);
      },
    }),
  );
  await second;
  assert.deepEqual(got, ['first 1', 'second 2']);
  server.close();
});

test('an agent that floods an absent or silent receiver is disconnected', async () => {
  for (const silent of [false, true]) {
    const { server, agent, ended } = await sessionPair();
    if (silent) server.handle(sessionHandlers({ onRequest: () => undefined }));
    for (let at = 0; at < 200; at += 1) agent.send(packet(80, ['x', true]));
    assert.match(await ended, /too many requests without an answer/);
  }
  const { agent, ended } = await sessionPair();
  const large = Buffer.alloc(15 * 1024 * 1024);
  for (let at = 0; at < 4; at += 1) agent.send(packet(80, ['x', false], large));
  assert.match(await ended, /too many requests without an answer/);
});

test('a request of 300 kB is read, one of 64 MiB ends the connection', async () => {
  const { server, agent, ended } = await sessionPair();
  let size = 0;
  server.handle(
    sessionHandlers({
      onRequest: (_name, payload, answer) => {
        size = payload.length;
        answer?.(true);
      },
    }),
  );
  agent.send(packet(80, ['cmd_result', false], Buffer.alloc(300_000)));
  await turns();
  assert.equal(size, 300_000);
  agent.send(packet(80, ['cmd_result', false], Buffer.alloc(64 * 1024 * 1024)));
  assert.match(await ended, /Bad packet length/);
});

test('what agents cannot read is refused before it is sent', async () => {
  const { server } = await sessionPair();
  await assert.rejects(server.request('run_cmd', Buffer.alloc(261_001), PATIENCE), code('too_large'));
  assert.throws(() => server.notify('x', Buffer.alloc(261_001)), code('too_large'));
  server.close();
});

test('the end of the connection rejects what waits and is told once', async () => {
  const { server, agent, serverSocket } = await sessionPair();
  const causes: string[] = [];
  server.handle(sessionHandlers({ onClose: (cause) => causes.push(cause) }));
  const one = server.request('one', '', PATIENCE);
  const two = server.request('two', '', PATIENCE);
  agent.close();
  await assert.rejects(one, code('closed'));
  await assert.rejects(two, code('closed'));
  await assert.rejects(server.request('three', '', PATIENCE), code('closed'));
  server.close();
  server.disconnect(11, 'x');
  assert.equal(causes.length, 1);
  assert.equal(serverSocket.closed, true);
});

test('disconnect tells the agent reason and text; close(grace) lets the last reply out', async () => {
  const one = await sessionPair();
  const heard = new Promise<string>((resolve) => one.agent.handle(sessionHandlers({ onClose: resolve })));
  one.server.disconnect(11, 'going down');
  assert.equal(await heard, 'peer disconnected, reason 11: going down');

  const two = await sessionPair();
  two.server.handle(
    sessionHandlers({
      onRequest: (_name, _payload, answer) => {
        answer?.(false, 'expecting connection request');
        two.server.close(PATIENCE);
      },
    }),
  );
  const reply = await two.agent.request('ping', '', PATIENCE);
  assert.equal(reply.payload.toString(), 'expecting connection request');
});

test('a receiver that throws fails its request and nothing else', async () => {
  const errors: unknown[] = [];
  const pair = await sessionPair();
  pair.server.handle(
    sessionHandlers({
      onRequest: (name, _payload, answer) => {
        if (name === 'bad') throw new Error('bug');
        answer?.(true, 'fine');
      },
    }),
  );
  const bad = await pair.agent.request('bad', '', PATIENCE);
  assert.equal(bad.ok, false);
  assert.equal((await pair.agent.request('good', '', PATIENCE)).payload.toString(), 'fine');
  assert.deepEqual(errors, []);
  pair.server.close();
});

test('an agent that asks and does not read the answers is cut off', async () => {
  const { server, agent, serverSocket, ended } = await sessionPair();
  server.handle(sessionHandlers({ onRequest: (_n, _p, answer) => answer?.(true, Buffer.alloc(200_000)) }));
  serverSocket.held = true;
  for (let at = 0; at < 100; at += 1) agent.send(packet(80, ['x', true]));
  assert.match(await ended, /does not read/);
});

test('an agent that asks during a key exchange it never finishes is cut off', async () => {
  const { server, agent, serverSocket, ended } = await sessionPair();
  server.handle(sessionHandlers({ onRequest: (_n, _p, answer) => answer?.(true, Buffer.alloc(200_000)) }));
  // Our KEXINIT does not reach the agent, which asks on.
  serverSocket.held = true;
  (server as Session).rekey();
  for (let at = 0; at < 100; at += 1) agent.send(packet(80, ['x', true]));
  assert.match(await ended, /key exchange takes too long/);
});

test('a malformed request ends the connection', async () => {
  const { agent, ended } = await sessionPair();
  agent.send(Buffer.of(80, 0, 0, 1, 0, 1));
  assert.match(await ended, /malformed global request/);
});

test('a request whose time is over is not under way any more, so that a silent agent is found out', async () => {
  const clock = new ManualClock();
  const { server } = await sessionPair({ clock });
  const slow = server.request('check_port', '', 1000);
  assert.equal(server.requestPending, true);
  clock.advance(1000);
  await assert.rejects(slow, code('timeout'));
  assert.equal(server.requestPending, false);
  server.close();
});
