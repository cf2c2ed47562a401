import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { AppError } from '../../src/errors.js';
import type { EngineOptions, EngineRequest, EngineResponse, Listening } from '../../src/http/engine.js';
import { listen } from '../support/http-engine.js';
import { ManualClock } from '../support/manual-clock.js';
import { RawConnection } from '../support/raw-connection.js';

type Handler = EngineOptions['onRequest'];

async function serve(
  t: TestContext,
  onRequest: Handler,
  more: Partial<EngineOptions> = {},
): Promise<Listening> {
  const listening = await listen({
    host: '127.0.0.1',
    port: 0,
    onRequest,
    onError: () => undefined,
    ...more,
  });
  t.after(() => listening.close());
  return listening;
}

function open(t: TestContext, { port }: Listening): RawConnection {
  const connection = new RawConnection(port);
  t.after(() => connection.close());
  return connection;
}

const get = (path: string, headers = ''): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`;
const post = (length: number): string => `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`;

/** A promise that the test settles. */
function gate<Value = void>(): { promise: Promise<Value>; open: (value: Value) => void } {
  let openGate: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((resolve) => {
    openGate = resolve;
  });
  return { promise, open: openGate };
}

test('method, path, query, headers and peer arrive as sent and stay readable after a wait', async (t) => {
  const seen: EngineRequest[] = [];
  const server = await serve(t, async (request, response) => {
    await new Promise(setImmediate);
    seen.push(request);
    response.send(200, []);
  });
  const connection = open(t, server);
  await connection.write(get('/a%20b//c?x=%zz&y', 'X-Two: 1\r\nx-two: 2\r\n'));
  await connection.until('\r\n\r\n');
  const [request] = seen;
  assert(request);
  assert.deepEqual([request.method, request.path, request.rawQuery], ['GET', '/a%20b//c', 'x=%zz&y']);
  assert.deepEqual([request.header('x-two'), request.header('absent')], ['1', '']);
  assert.deepEqual(
    request.headers.filter(([name]) => name === 'x-two').map(([, value]) => value),
    ['1', '2'],
  );
  assert.equal(request.remoteAddress, '127.0.0.1');
});

test('an IPv4 peer of a dual-stack listener keeps its IPv4 form', async (t) => {
  const server = await serve(t, (request, response) => response.send(200, [], request.remoteAddress), {
    host: '',
  });
  const connection = open(t, server);
  await connection.write(get('/'));
  assert.match(await connection.until('\r\n\r\n1'), /\r\n127\.0\.0\.1$/);
});

test('an answer after a wait is complete and the connection stays usable', async (t) => {
  const server = await serve(t, async (request, response) => {
    if (request.path === '/wait') await new Promise(setImmediate);
    response.send(200, [['X-Path', request.path]], request.path);
  });
  const connection = open(t, server);
  await connection.write(get('/wait'));
  await connection.until('\r\n\r\n/wait');
  await connection.write(get('/next'));
  await connection.until('\r\n\r\n/next');
});

test('requests sent in one piece are answered in order', async (t) => {
  const server = await serve(t, (request, response) => response.send(200, [], request.path));
  const connection = open(t, server);
  await connection.write(get('/1') + get('/2') + get('/3'));
  const all = await connection.until('\r\n\r\n/3');
  assert.match(all, /\r\n\r\n\/1HTTP[\s\S]*\r\n\r\n\/2HTTP/);
});

test('HEAD gets the length but no body, and the next request its own answer', async (t) => {
  const server = await serve(t, (_request, response) => response.send(200, [], 'four'));
  const connection = open(t, server);
  await connection.write('HEAD / HTTP/1.1\r\nHost: x\r\n\r\n');
  assert.match(await connection.until('\r\n\r\n'), /Content-Length: 4\r\n/);
  await connection.write(get('/'));
  assert.match(await connection.until('four'), /\r\n\r\nHTTP\/1\.1 200/);
});

test('204 has neither body nor length', async (t) => {
  const server = await serve(t, (_request, response) => response.send(204, []));
  const connection = open(t, server);
  await connection.write(get('/'));
  assert.doesNotMatch(await connection.until('\r\n\r\n'), /content-length/i);
});

test('a header value cannot start a new line', async (t) => {
  const server = await serve(t, (_request, response) => response.send(200, [['X', 'a\r\nInjected: 1']]));
  const connection = open(t, server);
  await connection.write(get('/'));
  assert.match(await connection.until('\r\n\r\n'), /\r\nX: a {2}Injected: 1\r\n/);
});

test('a handler that throws, rejects or never answers is answered 500', async (t) => {
  const errors: unknown[] = [];
  const server = await serve(
    t,
    (request) => {
      if (request.path === '/throw') throw new Error('thrown');
      if (request.path === '/reject') return Promise.reject(new Error('rejected'));
      return Promise.resolve();
    },
    { onError: (error) => errors.push((error as Error).message) },
  );
  for (const path of ['/throw', '/reject', '/forgot']) {
    const connection = open(t, server);
    await connection.write(get(path));
    assert.match(await connection.until('\r\n\r\n'), /^HTTP\/1\.1 500 /);
  }
  assert.deepEqual(errors, ['thrown', 'rejected', 'no answer to GET /forgot']);
});

test('a request nobody answers in time gets 503', async (t) => {
  const clock = new ManualClock();
  const reached = gate();
  const server = await serve(t, () => reached.open(), { clock, answerWithin: 60_000 });
  const connection = open(t, server);
  await connection.write(get('/'));
  await reached.promise;
  clock.advance(59_000);
  assert.equal(connection.received.length, 0);
  clock.advance(10_000);
  assert.match(await connection.until('\r\n\r\n'), /^HTTP\/1\.1 503 /);
});

test('when the peer leaves during the work, nothing is written and the handler is told', async (t) => {
  const reached = gate<EngineResponse>();
  const left = gate();
  const server = await serve(t, (_request, response) => {
    response.onAborted(() => left.open());
    reached.open(response);
  });
  const connection = open(t, server);
  await connection.write(get('/'));
  const response = await reached.promise;
  connection.reset();
  await left.promise;
  assert.equal(response.done, true);
  response.send(200, [], 'too late');
  response.start(200, []).write(Buffer.from('too late'));
  await assert.rejects(response.body(10), (error) => error instanceof AppError && error.code === 'aborted');
});

test('a body cut short rejects', async (t) => {
  const outcome = gate<unknown>();
  const reached = gate();
  const server = await serve(t, (_request, response) => {
    response.body(1000).then(outcome.open, outcome.open);
    reached.open();
  });
  const connection = open(t, server);
  await connection.write(`${post(100)}half`);
  await reached.promise;
  connection.reset();
  const error = await outcome.promise;
  assert(error instanceof AppError && error.code === 'aborted');
});

test('10 MB arrive complete, also when the handler asks late', async (t) => {
  const bytes = Buffer.alloc(10_000_000, 'payload-');
  const asks = gate();
  const server = await serve(t, async (request, response) => {
    if (request.header('x-late') !== '') await asks.promise;
    const body = await response.body(bytes.length);
    response.send(200, [], createHash('sha256').update(body).digest('hex'));
  });
  const digest = createHash('sha256').update(bytes).digest('hex');
  for (const late of ['', 'X-Late: 1\r\n']) {
    const connection = open(t, server);
    const head = `POST / HTTP/1.1\r\nHost: x\r\n${late}Content-Length: ${bytes.length}\r\n\r\n`;
    await connection.write(head);
    await connection.write(bytes.subarray(0, 200_000));
    asks.open();
    await connection.write(bytes.subarray(200_000));
    await connection.until(digest);
  }
});

test('a chunked body is read like any other', async (t) => {
  const server = await serve(t, async (_request, response) =>
    response.send(200, [], await response.body(100)),
  );
  const connection = open(t, server);
  await connection.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n');
  await connection.write('3\r\ndef\r\n0\r\n\r\n');
  await connection.until('\r\n\r\nabcdef');
});

test('a body above the limit is refused before it has arrived; a small rest is read, a large one is not', async (t) => {
  const server = await serve(t, async (_request, response) => {
    try {
      response.send(200, [], await response.body(10));
    } catch (error) {
      if (error instanceof AppError) response.send(error.status, [], error.code);
    }
  });
  const small = open(t, server);
  await small.write(post(11));
  await small.until('body_too_large');
  await small.write(`${'x'.repeat(11)}${post(4)}next`);
  await small.until('\r\n\r\nnext');
  const large = open(t, server);
  await large.write(post(1e12));
  await large.closed();
  assert.match(large.received.toString(), /^HTTP\/1\.1 413 [\s\S]*Connection: close/);
  const chunked = open(t, server);
  await chunked.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n01234567890\r\n');
  assert.match(await chunked.closed(), /^HTTP\/1\.1 413 /);
});

test('who sends all of a large body that is refused gets the answer, and may go on', async (t) => {
  let left = 0;
  const server = await serve(t, async (_request, response) => {
    response.onAborted(() => {
      left += 1;
    });
    try {
      response.send(200, [], await response.body(10));
    } catch (error) {
      if (error instanceof AppError) response.send(error.status, [], error.code);
      await assert.rejects(response.body(10), { code: 'aborted' });
    }
  });
  const bytes = Buffer.alloc(8 * 1024 * 1024, 'x');
  const chunk = Buffer.concat([Buffer.from(`${bytes.length.toString(16)}\r\n`), bytes, Buffer.from('\r\n')]);
  const chunked = open(t, server);
  await chunked.write('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
  await chunked.write(chunk);
  await chunked.write('0\r\n\r\n');
  assert.doesNotMatch(await chunked.until('body_too_large'), /Connection: close/);
  await chunked.write(`${post(4)}next`);
  await chunked.until('\r\n\r\nnext');
  const whole = open(t, server);
  await whole.write(post(bytes.length));
  await whole.write(bytes);
  await whole.until('body_too_large');
  await whole.write(`${post(4)}next`);
  await whole.until('\r\n\r\nnext');
  const leaving = open(t, server);
  await leaving.write(post(1e12));
  leaving.close();
  const after = open(t, server);
  await after.write(`${post(4)}next`);
  await after.until('\r\n\r\nnext');
  assert.equal(left, 0, 'whoever has been answered is not told that the peer left');
});

test('a large body that is refused is waited for while more of it comes, but not for ever', async (t) => {
  const clock = new ManualClock();
  const refuse: Handler = async (_request, response) => {
    await response.body(10).then(
      (body) => response.send(200, [], body),
      (error: AppError) => response.send(error.status, [], error.code),
    );
  };
  const server = await serve(t, refuse, { clock });
  const piece = Buffer.alloc(65_536, 'x');
  /** The longest silence, just ended by a piece of the body. */
  const wait = async (connection: RawConnection): Promise<void> => {
    await connection.write(piece);
    clock.advance(500);
    for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
  };
  const slow = open(t, server);
  await slow.write(post(40 * piece.length));
  for (let count = 0; count < 15; count += 1) await wait(slow);
  assert.equal(slow.received.length, 0);
  await slow.write(Buffer.alloc(25 * piece.length, 'x'));
  assert.doesNotMatch(await slow.until('body_too_large'), /Connection: close/);
  await slow.write(`${post(4)}next`);
  await slow.until('next');
  const endless = open(t, server);
  await endless.write(post(1e12));
  for (let count = 0; count < 15; count += 1) await wait(endless);
  assert.equal(endless.received.length, 0);
  for (let count = 0; count < 10 && endless.received.length === 0; count += 1) await wait(endless);
  assert.match(await endless.closed(), /^HTTP\/1\.1 413 /);
});

test('body chunks can be followed as they come', async (t) => {
  const server = await serve(t, (_request, response) => {
    let text = '';
    response.onBody((chunk, last) => {
      text += chunk;
      if (last) response.send(200, [], `got ${text}`);
    });
  });
  const connection = open(t, server);
  await connection.write(post(6));
  await connection.write('abc');
  await connection.write('def');
  await connection.until('got abcdef');
});

test('a stream waits for a slow reader and loses nothing', async (t) => {
  const total = 32 * 1024 * 1024;
  const server = await serve(t, (_request, response) => {
    const stream = response.start(200, [['Content-Type', 'x/y']]);
    let left = total / 65536;
    const more = (): void => {
      while (left > 0) {
        left -= 1;
        if (!stream.write(Buffer.alloc(65536, left))) return;
      }
      stream.end();
    };
    stream.onWritable(more);
    more();
  });
  const connection = open(t, server);
  connection.pause();
  await connection.write(get('/'));
  connection.resume();
  const all = await connection.until('\r\n0\r\n\r\n');
  assert.match(all, /Transfer-Encoding: chunked/);
  assert(all.length > total && all.length < total + 100_000);
});

test("headers above the listener's limit are answered 431", async (t) => {
  const server = await serve(t, (_request, response) => response.send(200, []), { maxHeaderBytes: 14_336 });
  const fits = open(t, server);
  await fits.write(get('/', `X: ${'a'.repeat(14_200)}\r\n`));
  assert.match(await fits.until('\r\n\r\n'), /^HTTP\/1\.1 200/);
  const large = open(t, server);
  await large.write(get('/', `X: ${'a'.repeat(14_500)}\r\n`));
  assert.match(await large.closed(), /^HTTP\/1\.1 431 [\s\S]*431 Request Header Fields Too Large/);
});

test('garbage gets no answer from a handler and harms nobody', async (t) => {
  const seen: string[] = [];
  const server = await serve(t, (request, response) => {
    seen.push(request.path);
    response.send(200, []);
  });
  for (const garbage of ['\x16\x03\x01\x02\x00\x01\r\n\r\n', 'SSH-2.0-x\r\n\r\n', '\0'.repeat(200_000)]) {
    await open(t, server).write(garbage);
  }
  const old = open(t, server);
  await old.write('GET / HTTP/1.0\r\n\r\n');
  assert.match(await old.closed(), /^HTTP\/1\.1 505 /);
  const smuggled = open(t, server);
  await smuggled.write(
    'POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  );
  assert.match(await smuggled.closed(), /^HTTP\/1\.1 400 /);
  const connection = open(t, server);
  await connection.write(get('/good'));
  await connection.until('\r\n\r\n');
  assert.deepEqual(seen, ['/good']);
});

test('a connection whose headers do not come is closed', async (t) => {
  const server = await serve(t, (_request, response) => response.send(200, []));
  const slow = open(t, server);
  await slow.write('GET / HTTP/1.1\r\nHo');
  await slow.closed();
});

test('close ends open connections and frees the port', async () => {
  const server = await listen({
    host: '127.0.0.1',
    port: 0,
    onRequest: (_request, response) => response.send(200, []),
  });
  const connection = new RawConnection(server.port);
  await connection.write(get('/'));
  await connection.until('\r\n\r\n');
  server.close();
  await connection.closed();
  const again = new RawConnection(server.port);
  assert.equal(await again.closed(), '');
});

test('after stopAccepting open connections go on and new ones are refused', async (t) => {
  const server = await serve(t, (_request, response) => response.send(200, [], 'here'));
  const connection = open(t, server);
  await connection.write(get('/'));
  await connection.until('here');
  server.stopAccepting();
  await connection.write(get('/'));
  await connection.untilBytes(connection.received.length + 1);
  assert.equal(await open(t, server).closed(), '');
});

test('an address that cannot be used is an error', async () => {
  await assert.rejects(
    listen({ host: '192.0.2.1', port: 1, onRequest: () => undefined }),
    /listen tcp 192\.0\.2\.1:1: address in use or not available/,
  );
});

for (const [what, lines] of [
  ['two different lengths', 'Content-Length: 4\r\nContent-Length: 2\r\n'],
  ['an unknown transfer encoding', 'Transfer-Encoding: xchunked\r\n'],
  ['two transfer encodings', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n'],
] as const) {
  test(`a body with ${what} is refused: the server in front may see it end elsewhere`, async (t) => {
    const server = await serve(t, () => assert.fail('it reached the handler'));
    const connection = open(t, server);
    await connection.write(`POST / HTTP/1.1\r\nHost: x\r\n${lines}\r\n2\r\nab\r\n0\r\n\r\n`);
    assert.match(await connection.closed(), /^HTTP\/1\.1 400 /);
  });
}
