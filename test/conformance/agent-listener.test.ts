/** The agent listener of a running server, up to the login. Spec 01 §18 cases 1 to 8 and 13. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import type { WebSocket } from 'ws';
import { connectionRequest } from '../../bench/fleet/connection-request.js';
import { ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { RawConnection } from '../support/raw-connection.js';
import { AGENT_AUTH, FINGERPRINT, TestServer } from '../support/server.js';
import { wsAgent } from '../support/ws-agent.js';
import { joinInPieces } from '../support/ws-stream.js';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const UPGRADE = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': KEY,
  'sec-websocket-protocol': 'rport-v1',
};
/** So long that the steps of a test come within it, also where everything stands still for a moment. */
const WAIT_SECONDS = 3;
let server: TestServer;

before(async () => {
  server = await TestServer.start({
    server: {
      auth: null,
      auth_file: 'clients.json',
      trusted_proxies: ['127.0.0.1'],
      client_login_wait: WAIT_SECONDS,
      max_failed_login: 5,
      ban_time: WAIT_SECONDS,
    },
    prepare(_dataDir, folder) {
      const known = { agents: 'agent-secret', colon: 'a:b:c', waiter: 'right' };
      writeFileSync(`${folder}/clients.json`, JSON.stringify(known));
    },
  });
});
after(() => server.remove());

const plain = (method: string, path: string, headers = {}) =>
  new ApiClient(server.agentPort).send(method, path, { headers });

/** Status, headers and body of an upgrade request; the connection is closed at once. */
function upgrade(
  headers: Record<string, string | undefined>,
  path = '/',
  method = 'GET',
): Promise<{ status: number; headers: Record<string, unknown> }> {
  const all = Object.fromEntries(
    Object.entries({ ...UPGRADE, ...headers }).filter(([, value]) => value !== undefined),
  ) as Record<string, string>;
  return new Promise((resolve, reject) => {
    const sent = request({
      port: server.agentPort,
      host: '127.0.0.1',
      path,
      method,
      headers: all,
      agent: false,
    });
    sent.on('upgrade', (response, socket) => {
      socket.destroy();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    sent.on('response', (response) => {
      response.resume();
      resolve({ status: response.statusCode ?? 0, headers: response.headers });
    });
    sent.on('error', reject);
    sent.end();
  });
}

test('what is no agent is answered 404 without a body', async () => {
  for (const [method, path] of [
    ['GET', '/'],
    ['HEAD', '/'],
    ['POST', '/api/v1/login'],
    ['DELETE', '/a/b?c=d'],
  ] as const) {
    const answer = await plain(method, path);
    assert.deepEqual([answer.status, answer.text], [404, ''], `${method} ${path}`);
  }
  for (const protocol of ['chat', 'rport-v0', 'rport-v1, x', undefined]) {
    const answer = await upgrade({ 'sec-websocket-protocol': protocol });
    assert.equal(answer.status, 404, String(protocol));
  }
});

test('an agent is welcome on any path', async () => {
  const { status, headers } = await upgrade({}, '/a/b?c=d');
  assert.equal(status, 101);
  assert.equal(headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.equal(headers['sec-websocket-protocol'], 'rport-v1');
  assert.equal(headers['sec-websocket-extensions'], undefined);
});

test('malformed upgrades', async () => {
  for (const [headers, status] of [
    [{ 'sec-websocket-key': undefined }, 400],
    [{ 'sec-websocket-key': 'c2hvcnQ=' }, 400],
    [{ 'sec-websocket-version': '8' }, 400],
    [{ connection: 'close' }, 400],
  ] as const) {
    const connection = new RawConnection(server.agentPort);
    const lines = Object.entries({ ...UPGRADE, ...headers })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) => `${name}: ${value}\r\n`);
    await connection.write(`GET / HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`);
    assert.match(
      await connection.until('\r\n\r\n'),
      new RegExp(`^HTTP/1\\.1 ${status} `),
      JSON.stringify(headers),
    );
    connection.close();
  }
  assert.equal((await upgrade({}, '/', 'POST')).status, 405);
});

test('a query that cannot be parsed', async () => {
  const answer = await plain('GET', '/?a=%zz');
  assert.equal(answer.status, 400);
  assert.match(answer.text, /^Request data exceeds the limit of 524288 bytes:/);
});

test('the server shows the identification line first', async () => {
  const connection = new RawConnection(server.agentPort);
  const lines = Object.entries(UPGRADE).map(([name, value]) => `${name}: ${value}\r\n`);
  await connection.write(`GET / HTTP/1.1\r\nHost: x\r\n${lines.join('')}\r\n`);
  await connection.until('SSH-rport-v1-server\r\n');
  connection.close();
});

for (const [name, send] of [
  [
    'one-byte messages',
    (ws: WebSocket, bytes: Buffer) => {
      for (const byte of bytes) ws.send(Buffer.of(byte), { binary: true });
    },
  ],
  [
    'fragments of 1024 bytes',
    (ws: WebSocket, bytes: Buffer) => {
      for (let at = 0; at < bytes.length; at += 1024) {
        ws.send(bytes.subarray(at, at + 1024), { binary: true, fin: at + 1024 >= bytes.length });
      }
    },
  ],
  [
    'an identification line as text',
    (ws: WebSocket, bytes: Buffer) => {
      const isLine = bytes.subarray(0, 4).toString() === 'SSH-' && bytes.at(-1) === 0x0a;
      ws.send(bytes, { binary: !isLine });
    },
  ],
] as const) {
  test(`an agent that sends ${name}`, async () => {
    const session = await joinInPieces({ port: server.agentPort, auth: AGENT_AUTH, send });
    const big = { ID: `pieces ${name}`, Labels: { filler: 'x'.repeat(100_000) } };
    const reply = await session.request('new_connection', JSON.stringify(connectionRequest(big)), 30_000);
    assert.ok(reply.ok, reply.payload.toString());
    session.close();
  });
}

const agentFrom = (ip: string, authId: string, password: string) =>
  wsAgent({ port: server.agentPort, authId, password, headers: { 'X-Forwarded-For': ip } });

test('passwords may hold colons; unknown ids and wrong passwords are refused', async () => {
  (await agentFrom('198.51.100.1', 'colon', 'a:b:c')).close();
  await assert.rejects(agentFrom('198.51.100.1', 'nobody', 'right'), /unable to authenticate/);
  await assert.rejects(agentFrom('198.51.100.1', 'colon', ''), /unable to authenticate/);
});

test('after a failure the credential must wait, others need not', async () => {
  await assert.rejects(agentFrom('198.51.100.2', 'waiter', 'wrong'), /unable to authenticate/);
  await assert.rejects(agentFrom('198.51.100.3', 'waiter', 'right'), /unable to authenticate/);
  (await agentFrom('198.51.100.2', 'agents', 'agent-secret')).close();
  const session = await eventually('the wait to end', () => agentFrom('198.51.100.2', 'waiter', 'right'));
  session.close();
});

test('five wrong passwords ban the address with the exact text, for a while', async () => {
  const ip = '198.51.100.4';
  const asked = () => plain('GET', '/', { 'x-forwarded-for': ip });
  for (let attempt = 0; attempt < 5; attempt += 1) {
    assert.equal((await asked()).status, 404, `before failure ${attempt + 1}`);
    // Each under another name: nobody has to wait.
    await assert.rejects(agentFrom(ip, `stranger-${attempt}`, 'wrong'), /unable to authenticate/);
  }
  const answer = await asked();
  assert.equal(answer.status, 423);
  assert.equal(answer.text, 'Too many bad attempts. Please try later.\n');
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  await assert.rejects(agentFrom(ip, 'agents', 'agent-secret'), /423/);
  assert.equal((await plain('GET', '/')).status, 404, 'other addresses are not affected');
  await eventually('the ban to end', async () => (await asked()).status === 404);
  (await agentFrom(ip, 'agents', 'agent-secret')).close();
});

test('a right password clears the count', async () => {
  const ip = '198.51.100.5';
  const fail = async (id: string) => assert.rejects(agentFrom(ip, id, 'wrong'), /unable to authenticate/);
  for (const id of ['a', 'b', 'c', 'd']) await fail(`clear-${id}`);
  (await agentFrom(ip, 'agents', 'agent-secret')).close();
  for (const id of ['e', 'f', 'g', 'h']) await fail(`clear-${id}`);
  assert.equal((await plain('GET', '/', { 'x-forwarded-for': ip })).status, 404);
});

test('the fingerprint is kept in a file, without a line break', () => {
  assert.equal(readFileSync(`${server.dataDir}/rportd-fingerprint.txt`, 'utf8'), FINGERPRINT);
});
