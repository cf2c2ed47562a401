/** WebSocket routes over the real engine: bounds of what is buffered, of messages, and of sockets. */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test } from 'node:test';
import Type from 'typebox';
import { WebSocket } from 'ws';
import { createApi } from '../../src/http/api.js';
import { listen } from '../../src/http/server.js';
import type { Conversation, WebSocketRoute } from '../../src/http/ws/websocket-route.js';
import { systemClock } from '../../src/time.js';
import { administrator, apiContext } from '../support/api-context.js';
import { eventually } from '../support/eventually.js';

const route = (open: Conversation): WebSocketRoute => ({
  method: 'GET',
  path: '/ws/test',
  access: { kind: 'user' },
  docs: { tag: 'test', summary: 'test' },
  messages: { sends: Type.Any() },
  maxMessageBytes: 100,
  open: () => open,
});

async function serve(
  t: import('node:test').TestContext,
  open: Conversation,
  idleTimeoutSeconds = 50,
): Promise<number> {
  const context = apiContext({ clock: systemClock, auth: { follow: () => async () => administrator } });
  const listening = await listen({
    host: '127.0.0.1',
    port: 0,
    idleTimeoutSeconds,
    onRequest: createApi({ context, routes: [route(open)] }),
  });
  t.after(() => listening.close());
  return listening.port;
}

const dial = (port: number): WebSocket =>
  new WebSocket(`ws://127.0.0.1:${port}/api/v1/ws/test?access_token=t`);

/** Upgrades by hand, and never reads what comes. */
async function deafSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  socket.write(
    'GET /api/v1/ws/test?access_token=t HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
      'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
  );
  await once(socket, 'readable');
  return socket;
}

test('a handler that goes on sending to a reader who does not read is stopped', async (t) => {
  let ended = false;
  let sent = 0;
  const text = 'x'.repeat(64 * 1024);
  const port = await serve(t, (socket) => {
    const more = (): void => {
      if (ended || sent > 2000) return;
      sent += 1;
      socket.send(text);
      setImmediate(more);
    };
    more();
    return {
      onClose: () => {
        ended = true;
      },
    };
  });
  const deaf = await deafSocket(port);
  await eventually('it to be stopped', () => ended);
  // What the kernel's own buffers take, and one MiB.
  assert.ok(sent < 1000, `${sent} messages`);
  deaf.destroy();
});

test('a peer that does not answer pings is dead', async (t) => {
  let ended = false;
  const port = await serve(t, () => ({ onClose: () => (ended = true) }), 8);
  const deaf = await deafSocket(port);
  const alive = dial(port);
  await once(alive, 'open');
  await eventually('the deaf one to be closed', () => ended);
  assert.equal(alive.readyState, WebSocket.OPEN);
  deaf.destroy();
  alive.terminate();
});

test('messages reach the handler; longer ones than the route takes end the socket', async (t) => {
  const heard: string[] = [];
  const port = await serve(t, (socket) => ({
    onMessage(message) {
      heard.push(message);
      socket.send(`you said ${message}`);
    },
  }));
  const client = dial(port);
  await once(client, 'open');
  client.send('hello');
  const [answer] = await once(client, 'message');
  assert.equal(String(answer), 'you said hello');
  client.send('x'.repeat(101));
  const [code] = await once(client, 'close');
  assert.equal(code, 1009);
  assert.deepEqual(heard, ['hello']);
});

test('a handler that throws loses its socket with a code', async (t) => {
  const port = await serve(t, () => ({
    onMessage() {
      throw new Error('on purpose');
    },
  }));
  const client = dial(port);
  await once(client, 'open');
  client.send('x');
  const [code] = await once(client, 'close');
  assert.equal(code, 1011);
});

test('one user has a bounded number open', async (t) => {
  const port = await serve(t, () => ({}));
  const clients = Array.from({ length: 100 }, () => dial(port));
  await Promise.all(clients.map((client) => once(client, 'open')));
  const refused = dial(port);
  const [error] = await once(refused, 'error');
  assert.match(String(error), /429/);
  const [first] = clients;
  first?.close();
  await once(first as WebSocket, 'close');
  await eventually('a place to be free', async () => {
    const again = dial(port);
    const opened = await Promise.race([
      once(again, 'open').then(() => true),
      once(again, 'error').then(() => false),
    ]);
    if (opened) clients.push(again);
    return opened;
  });
  for (const client of clients) client.terminate();
});

test('one message may be as long as it has to be', async (t) => {
  const text = 'x'.repeat(8 * 1024 * 1024);
  let drained = false;
  const port = await serve(t, (socket) => {
    assert.equal(socket.send(text), false);
    assert.ok(socket.bufferedBytes() > 1024 * 1024);
    return {
      onDrain: () => {
        drained = true;
        socket.close(1000);
      },
    };
  });
  const reader = dial(port);
  const [data] = (await once(reader, 'message')) as [Buffer];
  assert.equal(data.length, text.length);
  const [code] = (await once(reader, 'close')) as [number];
  assert.deepEqual([code, drained], [1000, true]);
});
