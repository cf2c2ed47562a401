/**
 * Peers that break rules on both listeners. After each of them the same healthy agent, its tunnel and the API
 * must still work; at the end the memory is back.
 */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { after, afterEach, before, test } from 'node:test';
import { SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { message } from '../../src/protocol/ssh/messages.js';
import { PacketReader, packet } from '../../src/protocol/ssh/wire.js';
import type { ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { RawConnection } from '../support/raw-connection.js';
import { TestServer } from '../support/server.js';
import {
  connectTo,
  echoTarget,
  readExactly,
  readToEnd,
  roundTrip,
  type TcpTarget,
} from '../support/tcp-target.js';

const isLong = process.env.TIDEWAY_LONG === '1';
const IDLE_CONNECTIONS = isLong ? 10_000 : 2_000;
const WRONG_PASSWORDS = 1_000;
/** What may stay resident after the storm: caches, code compiled meanwhile, pages the allocator keeps. */
const MEMORY_SLACK_MIB = 96;
const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: x',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol: rport-v1',
  '\r\n',
].join('\r\n');

let server: TestServer;
let admin: ApiClient;
let healthy: SimulatedAgent;
let target: TcpTarget;
let tunnelPort = 0;
let restMiB = 0;
/** An established tunnel connection that must survive everything. */
let longLived: Socket;

before(async () => {
  server = await TestServer.start({
    probe: true,
    server: { max_failed_login: 0, client_login_wait: 0 },
    api: { max_failed_login: 0, user_login_wait: 0 },
  });
  admin = server.api();
  target = await echoTarget();
  healthy = await server.agent('healthy');
  await server.untilKnown('healthy');
  const tunnel = await eventually('the tunnel', async () => {
    const answer = await admin.put(`/clients/healthy/tunnels?remote=${target.port}&idle-timeout-minutes=0`);
    return answer.status === 200 && answer.data<{ lport: string }>();
  });
  tunnelPort = Number(tunnel.lport);
  longLived = await connectTo(tunnelPort);
  await stillWorks();
  restMiB = await server.residentMiB();
});
afterEach(() => stillWorks());
after(async () => {
  longLived?.destroy();
  await target?.close();
  await server?.remove();
});

async function stillWorks(): Promise<void> {
  assert.ok(server.running, `the server has ended:\n${server.tail()}`);
  assert.ok(!healthy.closed, 'the healthy agent has lost its connection');
  assert.ok((await healthy.request('ping', '')).ok);
  const bytes = randomBytes(5_000);
  assert.ok((await roundTrip(tunnelPort, bytes)).equals(bytes));
  const echoed = readExactly(longLived, bytes.length);
  longLived.write(bytes);
  assert.ok((await echoed).equals(bytes));
  longLived.removeAllListeners('close');
  longLived.removeAllListeners('error');
  assert.equal((await admin.get('/clients/healthy')).status, 200);
}

/** A logged-in agent, and the reason its connection ends with. */
async function intruder(
  id: string,
  options: { announce?: boolean; onMessage?: (payload: Buffer) => void } = {},
): Promise<{ agent: SimulatedAgent; closed: Promise<string> }> {
  let onClose: (cause: string) => void = () => undefined;
  const closed = new Promise<string>((resolve) => {
    onClose = resolve;
  });
  return { agent: await server.agent(id, {}, { ...options, onClose }), closed };
}

/** One frame as a client sends it, masked with zeros. */
function frame(payload: Buffer, opcode = 2): Buffer {
  const head = Buffer.alloc(payload.length < 126 ? 6 : 14);
  head[0] = 0x80 | opcode;
  head[1] = 0x80 | (payload.length < 126 ? payload.length : 127);
  if (payload.length >= 126) head.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([head, payload]);
}

test('garbage instead of HTTP, on both listeners', async () => {
  for (const port of [server.agentPort, server.apiPort]) {
    for (const bytes of [
      randomBytes(4096),
      Buffer.from('GET\r\n\r\n'),
      Buffer.from('GET / HTTP/9.9\r\n\r\n'),
      Buffer.from('\0\0\0\0\r\n\r\n'),
      Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n'),
      Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzzzz\r\n'),
      Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'),
      Buffer.from('\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 'latin1'),
    ]) {
      const connection = new RawConnection(port);
      await connection.write(bytes);
      connection.close();
    }
  }
});

test('garbage after the upgrade ends that connection', async () => {
  for (const bytes of [
    frame(Buffer.concat([Buffer.from('SSH-rport-v1-client\r\n'), Buffer.alloc(64, 0xff)])),
    frame(Buffer.from(`SSH-rport-v1-client\r\n${'x'.repeat(2000)}`)),
    frame(Buffer.from('x'.repeat(100_000))),
    // A reserved bit, an unknown opcode, a length of 2^63.
    Buffer.from('f28000000000', 'hex'),
    Buffer.from('838000000000', 'hex'),
    Buffer.from('82ff800000000000000000000000', 'hex'),
  ]) {
    const connection = new RawConnection(server.agentPort);
    await connection.write(UPGRADE);
    await connection.until('SSH-rport-v1-server');
    await connection.write(bytes);
    await connection.closed();
  }
  // What may still become a frame is ended with the handshake's deadline; this peer gives up earlier.
  const waiting = new RawConnection(server.agentPort);
  await waiting.write(UPGRADE);
  await waiting.write(Buffer.from('82ff0000', 'hex'));
  waiting.close();
});

test('packets that are no SSH after the identification', async () => {
  const connection = new RawConnection(server.agentPort);
  await connection.write(UPGRADE);
  await connection.until('SSH-rport-v1-server');
  const huge = Buffer.alloc(64);
  huge.writeUInt32BE(0x7fffffff);
  await connection.write(frame(Buffer.concat([Buffer.from('SSH-rport-v1-client\r\n'), huge])));
  await connection.closed();
});

test('login messages out of order', async () => {
  // Global requests and channels before the login must not get anywhere.
  const connection = new RawConnection(server.agentPort);
  await connection.write(UPGRADE);
  await connection.until('SSH-rport-v1-server');
  const body = packet(message.globalRequest, ['new_connection', true], '{"ID":"early"}');
  const padding = 8 + ((8 - ((5 + body.length) % 8)) % 8);
  const plain = Buffer.alloc(5 + body.length + padding);
  plain.writeUInt32BE(1 + body.length + padding);
  plain[4] = padding;
  body.copy(plain, 5);
  await connection.write(frame(Buffer.concat([Buffer.from('SSH-rport-v1-client\r\n'), plain])));
  await connection.closed();
  assert.equal((await admin.get('/clients/early')).status, 404);
});

test('half-open sockets and peers that reset', async () => {
  const upgraded: RawConnection[] = [];
  for (let at = 0; at < 60; at += 1) {
    const connection = new RawConnection(server.agentPort);
    // What is left unread makes a reset of the end.
    connection.pause();
    upgraded.push(connection);
    await connection.write(at % 3 === 0 ? 'GET / HT' : UPGRADE);
  }
  for (const connection of upgraded) connection.close();
  const ending = connect({ port: server.agentPort, host: '127.0.0.1', allowHalfOpen: true });
  ending.end(UPGRADE);
  await readToEnd(ending.resume());
});

test('agents still get in while silent peers hold handshakes', async () => {
  const silent = Array.from({ length: 20 }, () => new RawConnection(server.agentPort));
  await Promise.all(silent.map((connection) => connection.write(UPGRADE)));
  const startedAt = Date.now();
  const { agent } = await intruder('patient');
  assert.ok(Date.now() - startedAt < 45_000);
  agent.destroy();
  for (const connection of silent) connection.close();
});

test(`${IDLE_CONNECTIONS} idle connections`, async () => {
  const idle = await openMany(server.agentPort, IDLE_CONNECTIONS);
  assert.equal(idle.length, IDLE_CONNECTIONS);
  const { agent } = await intruder('among-idle');
  await stillWorks();
  agent.destroy();
  for (const socket of idle) socket.destroy();
});

test('slow headers: the connection is ended, others are served meanwhile', async () => {
  const slow = [server.agentPort, server.apiPort].map((port) => new RawConnection(port));
  const feeding = setInterval(() => {
    for (const connection of slow) if (!connection.ended) void connection.write('X-Slow: 1\r\n');
  }, 500);
  try {
    await Promise.all(slow.map((connection) => connection.write('GET / HTTP/1.1\r\nHost: x\r\n')));
    await stillWorks();
    await Promise.all(slow.map((connection) => connection.closed()));
  } finally {
    clearInterval(feeding);
  }
});

test('a new_connection of 64 MiB', async () => {
  const { agent, closed } = await intruder('fat', { announce: false });
  // Refused with the text, or cut off before it was read: never stored.
  const reply = agent.request('new_connection', Buffer.alloc(64 * 1024 * 1024, 0x20)).then(
    ({ ok, payload }) => `${ok} ${payload.toString()}`,
    (error: Error) => error.message,
  );
  await closed;
  assert.doesNotMatch(await reply, /^true/);
  assert.equal((await admin.get('/clients/fat')).status, 404);
});

test('a new_connection of 16 MiB is refused with the limit', async () => {
  const { agent, closed } = await intruder('plump', { announce: false });
  const size = 16 * 1024 * 1024;
  const reply = await agent.request('new_connection', Buffer.alloc(size, 0x20));
  assert.equal(reply.ok, false);
  assert.equal(
    reply.payload.toString(),
    `request data exceeds the limit of 524288 bytes, actual size: ${size}`,
  );
  await closed;
});

test('invalid JSON in every request, unknown requests, floods of them', async () => {
  const { agent } = await intruder('babbler');
  for (const name of ['updates_status', 'ip_addresses', 'save_measurement', 'cmd_result', 'x'.repeat(60)]) {
    for (const payload of [
      '',
      '{',
      'null',
      '[]',
      '{"a":',
      '"\\ud800"',
      randomBytes(500),
      '[['.repeat(50_000),
    ]) {
      agent.notify(name, payload);
    }
  }
  const replies = await Promise.all(Array.from({ length: 100 }, () => agent.request('nonsense', '{')));
  assert.ok(replies.every(({ ok, payload }) => !ok && payload.toString() === 'unknown request'));
  assert.ok((await agent.request('ping', '')).ok);
  agent.destroy();
});

test('a flood of requests that want replies is bounded', async () => {
  const { agent } = await intruder('flood');
  const replies = Array.from({ length: 20_000 }, () =>
    agent.request('nonsense', 'x'.repeat(200)).catch(() => null),
  );
  await Promise.all(replies);
  agent.destroy();
});

test('rules of channels broken: more data than the window, data on unknown and closed channels', async () => {
  for (const violate of [
    // 3 MiB into a window of 2 MiB.
    (agent: SimulatedAgent, channel: number) => {
      const chunk = Buffer.alloc(32_768);
      for (let at = 0; at < 96; at += 1) agent.sendRaw(packet(message.channelData, [channel, chunk]));
    },
    (agent: SimulatedAgent, channel: number) =>
      agent.sendRaw(packet(message.channelData, [channel, Buffer.alloc(200_000)])),
    (agent: SimulatedAgent, channel: number) => {
      agent.sendRaw(packet(message.channelClose, [channel]));
      agent.sendRaw(packet(message.channelData, [channel, Buffer.from('late')]));
    },
    (agent: SimulatedAgent) => agent.sendRaw(packet(message.channelData, [4_000_000, Buffer.from('x')])),
    (agent: SimulatedAgent, channel: number) => {
      for (let at = 0; at < 3; at += 1) {
        agent.sendRaw(packet(message.channelWindowAdjust, [channel, 0xffff_ffff]));
      }
    },
    (agent: SimulatedAgent, channel: number) =>
      agent.sendRaw(packet(message.channelOpenConfirmation, [channel, 5, 100, 100])),
    (agent: SimulatedAgent) => agent.sendRaw(Buffer.from([message.channelData, 0, 0])),
    (agent: SimulatedAgent) => agent.sendRaw(Buffer.from([message.globalRequest, 0xff, 0xff, 0xff, 0xff])),
    (agent: SimulatedAgent) => agent.sendRaw(Buffer.from([250, 1, 2, 3])),
    (agent: SimulatedAgent) => agent.sendRaw(packet(message.authRequest, ['again'])),
    (agent: SimulatedAgent) => agent.sendRaw(packet(message.requestSuccess, [], 'nobody asked')),
  ]) {
    let channel = -1;
    const onMessage = (payload: Buffer): void => {
      if (payload[0] !== message.channelOpen) return;
      const reader = new PacketReader(payload);
      reader.text();
      channel = reader.u32() ?? -1;
    };
    // The one before is shown as disconnected a moment before its id is free.
    const { agent } = await eventually('the next one to be let in', () =>
      intruder('violator', { onMessage }),
    );
    const sink = await echoTarget();
    const tunnel = await eventually('the tunnel', async () => {
      const answer = await admin.put(`/clients/violator/tunnels?remote=${sink.port}`);
      return answer.status === 200 && answer.data<{ lport: string; id: string }>();
    });
    const user = await connectTo(Number(tunnel.lport));
    user.on('error', () => undefined);
    user.write('x');
    await eventually('the channel', () => channel >= 0);
    violate(agent, channel);
    // Whether the connection is ended or the message ignored: this agent may suffer, nobody else.
    await agent.request('ping', '').catch(() => null);
    user.destroy();
    agent.destroy();
    await eventually('its end', async () => {
      const { connection_state } = (await admin.get('/clients/violator')).data<{
        connection_state: string;
      }>();
      return connection_state === 'disconnected';
    });
    await sink.close();
    await stillWorks();
  }
});

test('a window violation ends the connection of the violator', async () => {
  let channel = -1;
  const { agent, closed } = await intruder('greedy', {
    onMessage: (payload) => {
      if (payload[0] !== message.channelOpen) return;
      const reader = new PacketReader(payload);
      reader.text();
      channel = reader.u32() ?? -1;
    },
  });
  const tunnel = await eventually('the tunnel', async () => {
    const answer = await admin.put(`/clients/greedy/tunnels?remote=${target.port}`);
    return answer.status === 200 && answer.data<{ lport: string }>();
  });
  const reader = await connectTo(Number(tunnel.lport));
  reader.on('error', () => undefined);
  reader.pause();
  await eventually('the channel', () => channel >= 0);
  const chunk = Buffer.alloc(32_768);
  // The user reads nothing: the kernel takes a few MiB, then the window is used up.
  for (let at = 0; at < 2_000 && !agent.closed; at += 1)
    agent.sendRaw(packet(message.channelData, [channel, chunk]));
  await closed;
  reader.destroy();
});

test(`${WRONG_PASSWORDS} wrong passwords of agents and users are each refused`, async () => {
  let refused = 0;
  const guess = async (at: number): Promise<void> => {
    await assert.rejects(
      SimulatedAgent.connect({
        port: server.agentPort,
        auth: `agents:wrong-${at}`,
        fields: { ID: `guess-${at}` },
      }),
      { message: 'unable to authenticate' },
    );
    refused += 1;
  };
  await inParallel(WRONG_PASSWORDS, 32, guess);
  assert.equal(refused, WRONG_PASSWORDS);
  await inParallel(100, 8, async (at) => {
    assert.equal((await server.api('admin', `wrong-${at}`).get('/me')).status, 401);
  });
});

test('API bodies that never come, and far too large ones', async () => {
  const authorization = `Authorization: Basic ${Buffer.from('admin:admin-password-1').toString('base64')}`;
  const waiting = Array.from({ length: 50 }, () => new RawConnection(server.apiPort));
  for (const connection of waiting) {
    await connection.write(
      `PUT /api/v1/clients/healthy/tunnels/1/acl HTTP/1.1\r\nHost: x\r\n${authorization}\r\nContent-Length: 500\r\n\r\n{`,
    );
  }
  await stillWorks();
  for (const connection of waiting) connection.close();
  const large = new RawConnection(server.apiPort);
  await large.write(
    `PUT /api/v1/clients/healthy/tunnels/1/acl HTTP/1.1\r\nHost: x\r\n${authorization}\r\nContent-Length: 5000000\r\n\r\n`,
  );
  await large.write('x'.repeat(30_000));
  assert.match(await large.closed(), /^HTTP\/1\.1 400 [\s\S]*http: request body too large/);
});

test('after all of that the memory is back', async () => {
  const now = await eventually(
    'the memory to come back',
    async () => {
      const resident = await server.residentMiB();
      return resident < restMiB + MEMORY_SLACK_MIB && resident;
    },
    20_000,
  ).catch(async (error: unknown) => {
    throw new Error(`${restMiB.toFixed()} MiB before, ${(await server.residentMiB()).toFixed()} MiB now`, {
      cause: error,
    });
  });
  assert.ok(now > 0);
});

async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = [];
  await inParallel(count, 100, async () => {
    const socket = await connectTo(port);
    socket.on('error', () => undefined);
    sockets.push(socket);
  });
  return sockets;
}

async function inParallel(count: number, width: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: width }, async () => {
      while (next < count) {
        const at = next;
        next += 1;
        await work(at);
      }
    }),
  );
}
