import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { EngineOptions, EngineRequest, EngineResponse, Listening } from '../../src/http/engine.js';
import { upgradeFault } from '../../src/http/upgrade-check.js';
import type { ByteSocket, ByteSocketHandlers } from '../../src/protocol/byte-socket.js';
import { listen } from '../support/http-engine.js';
import { RawConnection } from '../support/raw-connection.js';
import {
  clientFrame,
  OPCODE,
  openWebSocket,
  serverFrames,
  upgradeRequest,
} from '../support/raw-websocket.js';

const silent: ByteSocketHandlers = {
  onBytes: () => undefined,
  onDrain: () => undefined,
  onClose: () => undefined,
};

async function serve(t: TestContext, more: Partial<EngineOptions>): Promise<Listening> {
  const listening = await listen({
    host: '127.0.0.1',
    port: 0,
    onRequest: (_request, response) => response.send(404, []),
    onError: () => undefined,
    ...more,
  });
  t.after(() => listening.close());
  return listening;
}

async function open(t: TestContext, { port }: Listening, headers = '') {
  const opened = await openWebSocket(port, headers);
  t.after(() => opened.connection.close());
  return opened;
}

/** A listener that upgrades everything; resolves `accepted` with the first socket. */
async function upgrading(t: TestContext, makeHandlers: (socket: ByteSocket) => Partial<ByteSocketHandlers>) {
  return serve(t, {
    maxMessageBytes: 1024 * 1024,
    onUpgrade: (_request, response) =>
      response.upgrade((socket) => ({ ...silent, ...makeHandlers(socket) }), 'rport-v1'),
  });
}

test('the answer to an upgrade accepts the key and names the protocol', async (t) => {
  const server = await upgrading(t, () => ({}));
  const { head } = await open(t, server, 'Sec-WebSocket-Protocol: rport-v1\r\n');
  assert.match(head, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(head, /\r\nSec-WebSocket-Accept: [A-Za-z0-9+/]{27}=\r\n/);
  assert.match(head, /\r\nSec-WebSocket-Protocol: rport-v1\r\n/);
});

test('extensions are never agreed to', async (t) => {
  const server = await upgrading(t, () => ({}));
  const { head } = await open(t, server, 'Sec-WebSocket-Extensions: permessage-deflate\r\n');
  assert.doesNotMatch(head, /extensions/i);
});

test('an upgrade may wait for its turn', async (t) => {
  const server = await serve(t, {
    onUpgrade: async (request, response) => {
      await new Promise(setImmediate);
      assert.notEqual(request.header('sec-websocket-key'), '');
      response.upgrade((socket) => ({ ...silent, onBytes: (bytes) => socket.send(bytes) }), null);
    },
  });
  const { connection, head, bodyAt } = await open(t, server);
  assert.doesNotMatch(head, /Sec-WebSocket-Protocol/i);
  await connection.write(clientFrame(OPCODE.binary, Buffer.from('echo')));
  await connection.untilBytes(bodyAt + 6);
  assert.equal(serverFrames(connection.received.subarray(bodyAt))[0]?.payload.toString(), 'echo');
});

test('a peer that leaves while its upgrade waits is noticed and never upgraded', async (t) => {
  let made = 0;
  let release: () => void = () => undefined;
  const reached = new Promise<EngineResponse>((resolve) => {
    release = () => undefined;
    void serve(t, {
      onUpgrade: async (_request, response) => {
        resolve(response);
        await new Promise<void>((open) => {
          release = open;
        });
        response.upgrade(() => {
          made += 1;
          return silent;
        }, null);
      },
    }).then((server) => {
      connection = new RawConnection(server.port);
      return connection.write(upgradeRequest());
    });
  });
  let connection: RawConnection | null = null;
  const response = await reached;
  const left = new Promise<void>((resolve) => response.onAborted(resolve));
  (connection as RawConnection | null)?.reset();
  await left;
  release();
  await new Promise(setImmediate);
  assert.deepEqual([response.done, made], [true, 0]);
});

test('text, binary and fragmented messages are the same bytes, each a copy to keep', async (t) => {
  const kept: Buffer[] = [];
  const server = await upgrading(t, (socket) => ({
    onBytes: (bytes) => {
      kept.push(bytes);
      if (kept.length === 3) socket.send(Buffer.from('all'));
    },
  }));
  const { connection, bodyAt } = await open(t, server);
  await connection.write(clientFrame(OPCODE.text, Buffer.from('one')));
  await connection.write(clientFrame(OPCODE.binary, Buffer.from('two')));
  await connection.write(
    Buffer.concat([
      clientFrame(OPCODE.binary, Buffer.from('th'), false),
      clientFrame(OPCODE.continuation, Buffer.from('re'), false),
      clientFrame(OPCODE.continuation, Buffer.from('e')),
    ]),
  );
  await connection.untilBytes(bodyAt + 5);
  assert.deepEqual(kept.map(String), ['one', 'two', 'three']);
});

test('a message above the limit ends the connection', async (t) => {
  let closed = 0;
  const server = await upgrading(t, () => ({ onClose: () => (closed += 1) }));
  const { connection } = await open(t, server);
  await connection.write(clientFrame(OPCODE.binary, Buffer.alloc(1024 * 1024 + 1)));
  await connection.closed();
  assert.equal(closed, 1);
});

test('a receiver that throws loses its connection, not the process', async (t) => {
  const errors: unknown[] = [];
  const server = await serve(t, {
    onError: (error) => errors.push((error as Error).message),
    onUpgrade: (_request, response) =>
      response.upgrade(
        () => ({
          ...silent,
          onBytes: () => {
            throw new Error('broken');
          },
        }),
        null,
      ),
  });
  const { connection } = await open(t, server);
  await connection.write(clientFrame(OPCODE.binary, Buffer.from('x')));
  await connection.closed();
  assert.deepEqual(errors, ['broken']);
});

test('a slow reader fills the buffer, is reported once and loses nothing', async (t) => {
  const chunk = 64 * 1024;
  const total = 512;
  let drains = 0;
  let highest = 0;
  const sent = createHash('sha256');
  const server = await upgrading(t, (socket) => {
    let next = 0;
    const more = (): void => {
      while (next < total) {
        const bytes = Buffer.alloc(chunk, next);
        sent.update(bytes);
        next += 1;
        const room = socket.send(bytes);
        highest = Math.max(highest, socket.bufferedBytes());
        if (!room) return;
      }
    };
    return {
      onBytes: more,
      onDrain: () => {
        drains += 1;
        more();
      },
    };
  });
  const { connection, bodyAt } = await open(t, server);
  connection.pause();
  await connection.write(clientFrame(OPCODE.binary, Buffer.from('go')));
  connection.resume();
  const all = await connection.untilBytes(bodyAt + total * (chunk + 10));
  const received = createHash('sha256');
  for (const frame of serverFrames(all.subarray(bodyAt))) received.update(frame.payload);
  assert.equal(received.digest('hex'), sent.digest('hex'));
  assert(drains > 0, 'the sender was told to go on');
  assert(highest < 2 * 1024 * 1024, `at most the high-water mark and one chunk are buffered, not ${highest}`);
});

test('what was sent before an orderly close arrives', async (t) => {
  const server = await upgrading(t, (socket) => ({
    onBytes: () => {
      socket.cork(() => {
        socket.send(Buffer.from('last '));
        socket.send(Buffer.from('words'));
      });
      socket.close(true);
      socket.send(Buffer.from('too late'));
    },
  }));
  const { connection, bodyAt } = await open(t, server);
  await connection.write(clientFrame(OPCODE.binary, Buffer.from('x')));
  await connection.closed();
  const frames = serverFrames(connection.received.subarray(bodyAt));
  assert.deepEqual(
    frames.slice(0, 2).map(({ payload }) => String(payload)),
    ['last ', 'words'],
  );
  assert.deepEqual(
    frames.slice(2).map(({ opcode }) => opcode),
    [OPCODE.close],
  );
});

test('closing and losing the peer each end in one onClose', async (t) => {
  const closes: string[] = [];
  let noticed: () => void = () => undefined;
  const server = await serve(t, {
    onUpgrade: (request, response) =>
      response.upgrade(
        (socket) => ({
          ...silent,
          onBytes: () => {
            socket.close(false);
            socket.close(true);
          },
          onClose: () => {
            closes.push(request.header('x-name'));
            noticed();
          },
        }),
        null,
      ),
  });
  const here = await open(t, server, 'X-Name: here\r\n');
  await here.connection.write(clientFrame(OPCODE.binary, Buffer.from('x')));
  await here.connection.closed();
  const there = await open(t, server, 'X-Name: there\r\n');
  const lost = new Promise<void>((resolve) => {
    noticed = resolve;
  });
  there.connection.reset();
  await lost;
  assert.deepEqual(closes, ['here', 'there']);
});

test('pings are answered', async (t) => {
  const server = await upgrading(t, () => ({}));
  const { connection, bodyAt } = await open(t, server);
  await connection.write(clientFrame(OPCODE.ping, Buffer.from('beat')));
  await connection.untilBytes(bodyAt + 6);
  assert.deepEqual(serverFrames(connection.received.subarray(bodyAt)), [
    { opcode: OPCODE.pong, payload: Buffer.from('beat') },
  ]);
});

test('upgrades go to onRequest when nobody wants them', async (t) => {
  const server = await serve(t, { onRequest: (request, response) => response.send(200, [], request.method) });
  const connection = new RawConnection(server.port);
  t.after(() => connection.close());
  await connection.write(upgradeRequest());
  assert.match(await connection.until('\r\n\r\nGET'), /^HTTP\/1\.1 200/);
});

const key = 'dGhlIHNhbXBsZSBub25jZQ==';
const valid = {
  Connection: 'keep-alive, Upgrade',
  Upgrade: 'WebSocket',
  'Sec-WebSocket-Version': '13',
  'Sec-WebSocket-Key': key,
};

const malformed: readonly (readonly [what: string, method: string, headers: object, fault: number | null])[] =
  [
    ['is fine', 'GET', {}, null],
    ['has no Connection token', 'GET', { Connection: 'close, Upgraded' }, 400],
    ['has no Upgrade token', 'GET', { Upgrade: 'h2c' }, 400],
    ['is a POST', 'POST', {}, 405],
    ['has another version', 'GET', { 'Sec-WebSocket-Version': '8' }, 400],
    ['has a short key', 'GET', { 'Sec-WebSocket-Key': 'abc' }, 400],
    ['has 18 bytes of key', 'GET', { 'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZWFh' }, 400],
    ['has no key', 'GET', { 'Sec-WebSocket-Key': '' }, 400],
  ];

for (const [what, method, changed, fault] of malformed) {
  test(`an upgrade that ${what} reaches ${fault === null ? 'onUpgrade' : 'onRequest with its headers'}`, async (t) => {
    const seen: (readonly [string, EngineRequest])[] = [];
    const server = await serve(t, {
      onRequest: (request, response) => {
        seen.push(['onRequest', request]);
        response.send(400, []);
      },
      onUpgrade: (request, response) => {
        seen.push(['onUpgrade', request]);
        response.send(400, []);
      },
    });
    const connection = new RawConnection(server.port);
    t.after(() => connection.close());
    const headers = Object.entries({ ...valid, ...changed }).map(([name, value]) => `${name}: ${value}\r\n`);
    await connection.write(`${method} / HTTP/1.1\r\nHost: x\r\n${headers.join('')}\r\n`);
    await connection.until('\r\n\r\n');
    const [entry] = seen;
    assert(entry);
    assert.equal(entry[0], fault === null ? 'onUpgrade' : 'onRequest');
    assert.equal(upgradeFault(entry[1]), fault);
  });
}

test('an upgrade with a body is none: the engine crashes when it is switched over while the body is read', async (t) => {
  const server = await serve(t, {
    onUpgrade: () => assert.fail('taken for an upgrade'),
    onRequest: async (_request, response) => {
      await response.body(1000);
      response.send(400, []);
    },
  });
  for (const body of [
    'Content-Length: 3\r\n\r\nabc',
    'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
  ]) {
    const connection = new RawConnection(server.port);
    t.after(() => connection.close());
    await connection.write(upgradeRequest().replace(/\r\n\r\n$/, `\r\n${body}`));
    assert.match(await connection.until('\r\n\r\n'), /^HTTP\/1\.1 400 /);
  }
});
