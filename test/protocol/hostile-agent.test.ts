/** What an agent, or somebody who only talks like one, must not be able to cost. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acceptAgent } from '../../src/protocol/accept-agent.js';
import { SshTransport } from '../../src/protocol/ssh/transport.js';
import { systemClock } from '../../src/time.js';
import { acceptAll, sessionHandlers, sessionPair } from '../support/session-pair.js';
import { type MemorySocket, socketPair } from '../support/socket-pair.js';
import { testHostKey } from '../support/transport-pair.js';

const MIB = 1024 * 1024;
const ping = Buffer.concat([Buffer.of(192), Buffer.alloc(30_000)]);

interface Stranger {
  readonly transport: SshTransport;
  readonly serverSocket: MemorySocket;
  readonly ended: Promise<string>;
}

/** Has exchanged keys and does not log in. */
const stranger = (): Promise<Stranger> => {
  const [serverSocket, socket] = socketPair();
  return new Promise((resolve) => {
    const ended = new Promise<string>((end) => {
      serverSocket.handlers = acceptAgent({
        socket: serverSocket,
        hostKey: testHostKey,
        login: acceptAll,
        ip: '127.0.0.1',
        clock: systemClock,
        onSession: () => assert.fail('nobody logged in'),
        onEnd: end,
        onError: (error) => assert.fail(String(error)),
      });
    });
    const transport: SshTransport = new SshTransport({
      role: 'client',
      verifyHost: () => true,
      write: (bytes) => socket.send(bytes),
      onReady: () => resolve({ transport, serverSocket, ended }),
      onMessage: () => undefined,
      onEnd: () => undefined,
    });
    socket.handlers = {
      onBytes: (bytes) => transport.receive(bytes),
      onDrain: () => undefined,
      onClose: () => undefined,
    };
    transport.start();
  });
};

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('who sends much without logging in is cut off', async () => {
  const { transport, serverSocket, ended } = await stranger();
  serverSocket.held = true;
  for (let round = 0; round < 20; round += 1) transport.send(ping);
  assert.equal(await ended, 'too much data before authentication');
  assert.ok(serverSocket.bufferedBytes() < MIB);
});

test('an agent that asks without reading is cut off before its answers fill the memory', async () => {
  const pair = await sessionPair();
  pair.server.handle(sessionHandlers());
  pair.serverSocket.held = true;
  for (let round = 0; round < 1000 && !pair.server.closed; round += 1) {
    pair.agent.send(ping);
    await turn();
  }
  assert.equal(await pair.ended, 'the agent does not read');
  assert.ok(pair.serverSocket.bufferedBytes() < 10 * MIB);
});

test('an agent that asks during a key exchange it delays is cut off', async () => {
  const pair = await sessionPair();
  pair.server.handle(sessionHandlers());
  // The KEXINIT of the server stays in its socket.
  pair.serverSocket.held = true;
  (pair.server as unknown as { rekey(): void }).rekey();
  for (let round = 0; round < 1000 && !pair.server.closed; round += 1) {
    pair.agent.send(ping);
    await turn();
  }
  assert.equal(await pair.ended, 'key exchange takes too long');
});

test('a message of very many tiny packets is not worked through', async () => {
  const pair = await sessionPair();
  pair.server.handle(sessionHandlers());
  const sent: Buffer[] = [];
  const { agentSocket } = pair;
  const send = agentSocket.send.bind(agentSocket);
  agentSocket.send = (bytes) => {
    sent.push(Buffer.from(bytes));
    return true;
  };
  for (let round = 0; round < 11_000; round += 1) pair.agent.send(Buffer.of(2, 0, 0, 0, 0));
  agentSocket.send = send;
  agentSocket.send(Buffer.concat(sent));
  assert.equal(await pair.ended, 'too many packets in one message');
});
