import assert from 'node:assert/strict';
import { request } from 'node:http';
import { test } from 'node:test';
import { testListener } from '../support/agent-listener.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawConnection } from '../support/raw-connection.js';
import { sessionHandlers } from '../support/session-pair.js';
import { wsAgent } from '../support/ws-agent.js';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly body: string;
}

const ask = (
  port: number,
  options: { method?: string; path?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { method = 'GET', path = '/', headers = {} } = options;
    const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (incoming) => {
      let body = '';
      incoming.setEncoding('utf8');
      incoming.on('data', (chunk) => {
        body += chunk;
      });
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }),
      );
    });
    outgoing.on('upgrade', (incoming, socket) => {
      socket.destroy();
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: '' });
    });
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });

const upgrade = {
  Connection: 'Upgrade',
  Upgrade: 'websocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Protocol': 'rport-v1',
};

const upgradeText = (path = '/'): string =>
  `GET ${path} HTTP/1.1\r\nHost: x\r\n${Object.entries(upgrade)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')}\r\n`;

test('requests that are not of agents get 404 without a body', async (t) => {
  const { port } = await testListener(t);
  for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'BREW']) {
    const answer = await ask(port, { method, path: '/any/path?x=1' });
    assert.deepEqual([answer.status, answer.body, answer.headers['content-length']], [404, '', '0'], method);
  }
});

test('upgrades for other protocols get 404', async (t) => {
  const { port, log } = await testListener(t);
  for (const protocol of ['chat', 'rport-v0', 'rport-v1, x']) {
    const answer = await ask(port, { headers: { ...upgrade, 'Sec-WebSocket-Protocol': protocol } });
    assert.equal(answer.status, 404, protocol);
  }
  const { 'Sec-WebSocket-Protocol': _none, ...without } = upgrade;
  assert.equal((await ask(port, { headers: without })).status, 404);
  assert.ok(log.lines.some((line) => line.includes('ignored client connection using protocol "rport-v0"')));
});

test('an upgrade for rport-v1 is accepted on any path', async (t) => {
  const { port } = await testListener(t);
  const answer = await ask(port, { path: '/a/b?c=d', headers: upgrade });
  assert.equal(answer.status, 101);
  assert.equal(answer.headers.upgrade, 'websocket');
  assert.equal(answer.headers.connection?.toString().toLowerCase(), 'upgrade');
  assert.equal(answer.headers['sec-websocket-accept'], 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
  assert.equal(answer.headers['sec-websocket-protocol'], 'rport-v1');
  assert.equal(answer.headers['sec-websocket-extensions'], undefined);
});

for (const [name, change, method, status] of [
  ['no key', { 'Sec-WebSocket-Key': undefined }, 'GET', 400],
  ['a key of the wrong length', { 'Sec-WebSocket-Key': 'c2hvcnQ=' }, 'GET', 400],
  ['version 8', { 'Sec-WebSocket-Version': '8' }, 'GET', 400],
  ['Connection: close', { Connection: 'close' }, 'GET', 400],
  ['POST', {}, 'POST', 405],
] as const) {
  test(`an upgrade with ${name} is answered ${status}`, async (t) => {
    const { port } = await testListener(t);
    const headers = Object.fromEntries(
      Object.entries({ ...upgrade, ...change }).filter(([, value]) => value !== undefined),
    ) as Record<string, string>;
    const answer = await ask(port, { method, headers });
    assert.equal(answer.status, status);
    assert.equal(answer.headers['sec-websocket-version'], '13');
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(answer.body, status === 400 ? 'Bad Request\n' : 'Method Not Allowed\n');
  });
}

test('a bad query and a large body are refused with the limit in the text', async (t) => {
  const { port } = await testListener(t);
  for (const path of ['/?a=%zz', '/?a=1;b=2']) {
    const answer = await ask(port, { path });
    assert.equal(answer.status, 400);
    assert.match(answer.body, /^Request data exceeds the limit of 524288 bytes: .+\n$/);
  }
  const large = await ask(port, { method: 'POST', body: 'x'.repeat(600_000) });
  assert.equal(large.status, 400);
});

test('a banned address is refused before everything else', async (t) => {
  const { port, guard } = await testListener(t, { server: { trustedProxies: ['127.0.0.1'] } });
  guard.banned.add('8.8.8.8');
  const banned = { 'X-Forwarded-For': '8.8.8.8' };
  for (const headers of [banned, { ...banned, ...upgrade }]) {
    const answer = await ask(port, { path: '/?a=%zz', headers });
    assert.deepEqual([answer.status, answer.body], [423, 'Too many bad attempts. Please try later.\n']);
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  }
  assert.equal((await ask(port)).status, 404);
});

test('X-Forwarded-For of a stranger does not count', async (t) => {
  const { port, guard } = await testListener(t);
  guard.banned.add('127.0.0.1');
  assert.equal((await ask(port, { headers: { 'X-Forwarded-For': '8.8.8.8' } })).status, 423);
});

test('each finished request is logged, an agent connection when it ends, with status 200', async (t) => {
  const server = await testListener(t);
  await ask(server.port, { path: '/x' });
  assert.ok(server.log.lines.some((line) => /^\d{4}\/\d\d\/\d\d [\d:.]+ GET \/x 404 \d+\w+$/.test(line)));
  const joined = server.nextSession();
  const agent = await wsAgent({ port: server.port });
  const session = await joined;
  const before = server.log.lines.length;
  const ended = new Promise((resolve) => session.handle(sessionHandlers({ onClose: resolve })));
  agent.close();
  await ended;
  assert.ok(server.log.lines.slice(before).some((line) => / GET \/ 200 \d+\w+$/.test(line)));
});

test('an agent logs in, its requests are answered, and the listener counts it', async (t) => {
  const server = await testListener(t);
  const joined = server.nextSession();
  const agent = await wsAgent({ port: server.port });
  const session = await joined;
  assert.equal(session.remoteAddress, '127.0.0.1');
  session.handle(sessionHandlers({ onRequest: (_name, payload, answer) => answer?.(true, payload) }));
  assert.equal((await agent.request('a', 'b', 30_000)).payload.toString(), 'b');
  agent.handle(sessionHandlers());
  assert.deepEqual(server.listener.stats(), { handshakes: 0, waiting: 0, limit: 16, connections: 1 });
  agent.close();
});

test('a wrong password is refused', async (t) => {
  const { port, listener } = await testListener(t);
  await assert.rejects(wsAgent({ port, password: 'wrong' }), /unable to authenticate/);
  while (listener.stats().handshakes > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('silent peers lose their slots after 2 s and their connections after 30 s', async (t) => {
  const clock = new ManualClock();
  const server = await testListener(t, { clock, server: { maxConcurrentSshHandshakes: 2 } });
  const silent = [new RawConnection(server.port), new RawConnection(server.port)];
  for (const peer of silent) {
    await peer.write(upgradeText());
    await peer.until('SSH-rport-v1-server\r\n');
  }
  const agent = wsAgent({ port: server.port });
  const waiting = new RawConnection(server.port);
  await waiting.write(upgradeText());
  while (server.listener.stats().waiting < 2) await new Promise((resolve) => setImmediate(resolve));
  waiting.close();
  while (server.listener.stats().waiting > 1) await new Promise((resolve) => setImmediate(resolve));
  clock.advance(1_999);
  assert.equal(server.listener.stats().handshakes, 2);
  clock.advance(1);
  (await agent).close();
  clock.advance(27_999);
  assert.equal(silent.filter((peer) => peer.ended).length, 0);
  clock.advance(1);
  for (const peer of silent) await peer.closed();
  while (server.listener.stats().connections > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('every agent that waits for a slot is served', async (t) => {
  const server = await testListener(t, { server: { maxConcurrentSshHandshakes: 1 } });
  const agents = await Promise.all(Array.from({ length: 60 }, () => wsAgent({ port: server.port })));
  assert.equal(server.listener.stats().connections, 60);
  for (const agent of agents) agent.close();
});

test('an authenticated agent is not cut off by the handshake deadline', async (t) => {
  const clock = new ManualClock();
  const server = await testListener(t, { clock });
  const agent = await wsAgent({ port: server.port });
  clock.advance(60_000);
  server.sessions[0]?.handle(sessionHandlers({ onRequest: (_n, _p, answer) => answer?.(true) }));
  assert.equal((await agent.request('ping', '', 30_000)).ok, true);
  agent.close();
});

test('garbage before and after the upgrade ends that connection only', async (t) => {
  const server = await testListener(t);
  const before = new RawConnection(server.port);
  await before.write('\x16\x03\x01garbage\r\n\r\n');
  await before.closed();
  const after = new RawConnection(server.port);
  await after.write(upgradeText());
  await after.until('SSH-rport-v1-server\r\n');
  await after.write(Buffer.alloc(5000, 0xff));
  await after.closed();
  // A masked frame with an identification line and then noise.
  const noisy = new RawConnection(server.port);
  await noisy.write(upgradeText());
  await noisy.until('SSH-rport-v1-server\r\n');
  const payload = Buffer.concat([Buffer.from('SSH-x\r\n'), Buffer.alloc(100, 0x41)]);
  await noisy.write(Buffer.concat([Buffer.of(0x82, 0x80 | payload.length, 0, 0, 0, 0), payload]));
  await noisy.closed();
  (await wsAgent({ port: server.port })).close();
});

test('going down tells the agents', async (t) => {
  const server = await testListener(t);
  const agent = await wsAgent({ port: server.port });
  const heard = new Promise<string>((resolve) => agent.handle(sessionHandlers({ onClose: resolve })));
  server.listener.disconnectAll('server is going down');
  assert.equal(await heard, 'peer disconnected, reason 11: server is going down');
});
