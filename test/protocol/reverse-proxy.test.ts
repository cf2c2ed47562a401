import assert from 'node:assert/strict';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { createReverseProxy } from '../../src/protocol/reverse-proxy.js';
import { testListener } from '../support/agent-listener.js';
import { MemoryLogger } from '../support/memory-logger.js';

const upstreamServer = async (
  t: TestContext,
  handler: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<{ server: Server; url: string; host: string }> => {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, url: `http://${host}/ignored`, host };
};

const send = (
  port: number,
  options: { method?: string; path?: string; headers?: Record<string, string> },
  body: Buffer | string = '',
): Promise<{ status: number; headers: IncomingMessage['headers']; body: Buffer }> =>
  new Promise((resolve, reject) => {
    const outgoing = request({ host: '127.0.0.1', port, agent: false, ...options }, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () =>
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });

test('path, query, method and body go through; host and X-Forwarded-For are set', async (t) => {
  const seen: { line: string; headers: IncomingMessage['headers']; body: string }[] = [];
  const { url, host } = await upstreamServer(t, (incoming, response) => {
    let body = '';
    incoming.on('data', (chunk) => {
      body += chunk;
    });
    incoming.on('end', () => {
      seen.push({ line: `${incoming.method} ${incoming.url}`, headers: incoming.headers, body });
      response.writeHead(201, {
        'X-From': 'upstream',
        'Set-Cookie': ['a=1', 'b=2'],
        'Keep-Alive': 'timeout=9',
      });
      response.end('hello');
    });
  });
  const { port } = await testListener(t, { server: { proxy: url } });
  const answer = await send(
    port,
    {
      method: 'POST',
      path: '/a%20b/c?d=e&f',
      headers: {
        Host: 'public.example',
        'Content-Type': 'application/x-www-form-urlencoded',
        'X-Forwarded-For': '1.2.3.4',
        Connection: 'close, X-Private',
        'X-Private': 'hop',
      },
    },
    'x=1&y=2',
  );
  assert.deepEqual([answer.status, answer.body.toString()], [201, 'hello']);
  assert.equal(answer.headers['x-from'], 'upstream');
  assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
  const [request1] = seen;
  assert.equal(request1?.line, 'POST /a%20b/c?d=e&f');
  assert.equal(request1?.body, 'x=1&y=2');
  assert.equal(request1?.headers.host, host);
  assert.equal(request1?.headers['x-forwarded-for'], '1.2.3.4, 127.0.0.1');
  assert.equal(request1?.headers['x-private'], undefined);
});

test('large bodies stream both ways', async (t) => {
  const { url } = await upstreamServer(t, (incoming, response) => {
    response.writeHead(200);
    incoming.pipe(response);
  });
  const { port } = await testListener(t, { server: { proxy: url, maxRequestBytesClient: 20_000_000 } });
  const body = Buffer.alloc(10_000_000, 'abc');
  const answer = await send(port, { method: 'PUT' }, body);
  assert.equal(answer.status, 200);
  assert.ok(answer.body.equals(body));
});

test('HEAD and empty answers pass', async (t) => {
  const { url } = await upstreamServer(t, (incoming, response) => {
    response.writeHead(
      incoming.method === 'HEAD' ? 200 : 204,
      incoming.method === 'HEAD' ? { 'Content-Length': '77' } : {},
    );
    response.end();
  });
  const { port } = await testListener(t, { server: { proxy: url } });
  const head = await send(port, { method: 'HEAD' });
  assert.deepEqual([head.status, head.headers['content-length']], [200, '77']);
  assert.equal((await send(port, { method: 'GET' })).status, 204);
});

test('an upstream that is down or fails gives 502', async (t) => {
  const { server, url } = await upstreamServer(t, (incoming) => incoming.socket.destroy());
  const { port } = await testListener(t, { server: { proxy: url } });
  const failed = await send(port, {});
  assert.deepEqual([failed.status, failed.body.length], [502, 0]);
  server.close();
  assert.equal((await send(port, {})).status, 502);
});

test('WebSockets of other protocols are carried, text and binary, with the upstream’s protocol choice', async (t) => {
  const { server, url } = await upstreamServer(t, (_request, response) => response.end());
  const upstream = new WebSocketServer({ server, handleProtocols: (offered) => [...offered][1] ?? false });
  t.after(() => upstream.close());
  const requested: string[] = [];
  upstream.on('connection', (ws, incoming) => {
    requested.push(`${incoming.url} ${incoming.headers['x-forwarded-for']}`);
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
  });
  const { port } = await testListener(t, { server: { proxy: url } });
  const ws = new WebSocket(`ws://127.0.0.1:${port}/socket?x=1`, ['chat', 'rport-v0']);
  const messages: string[] = [];
  await new Promise<void>((resolve, reject) => {
    ws.on('error', reject);
    ws.on('open', () => {
      ws.send('text');
      ws.send(Buffer.from('binary'));
    });
    ws.on('message', (data, isBinary) => {
      messages.push(`${isBinary} ${data}`);
      if (messages.length === 2) resolve();
    });
  });
  assert.equal(ws.protocol, 'rport-v0');
  assert.deepEqual(messages, ['false text', 'true binary']);
  assert.deepEqual(requested, ['/socket?x=1 127.0.0.1']);
  const closed = new Promise((resolve) => ws.on('close', resolve));
  for (const client of upstream.clients) client.close();
  await closed;
});

test('an upstream that refuses the WebSocket answers for itself', async (t) => {
  const { url } = await upstreamServer(t, (_request, response) => response.writeHead(403).end('no'));
  const { port } = await testListener(t, { server: { proxy: url } });
  const ws = new WebSocket(`ws://127.0.0.1:${port}/`, 'chat');
  const status = await new Promise((resolve, reject) => {
    ws.on('unexpected-response', (_request, incoming) => {
      resolve(incoming.statusCode);
      incoming.destroy();
    });
    ws.on('error', reject);
  });
  assert.equal(status, 403);
});

test('the setting must be an absolute URL', () => {
  for (const target of ['example.com', '/path', 'ftp://x', '']) {
    assert.throws(
      () => createReverseProxy({ target, limit: 1, log: new MemoryLogger() }),
      new RegExp(`missing protocol: ${target}`),
    );
  }
});
