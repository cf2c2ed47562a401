/** Against the unmodified agent: RPORT_BIN names its binary. */

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { AgentChannel, AgentSession } from '../../src/protocol/session.js';
import type { Session } from '../../src/protocol/session-core.js';
import { type TestListener, testListener } from '../support/agent-listener.js';
import { removeFolder } from '../support/remove-folder.js';
import { channelHandlers, sessionHandlers } from '../support/session-pair.js';

const binary = process.env.RPORT_BIN;
const skip = binary === undefined ? 'RPORT_BIN is not set' : false;
const FINGERPRINT = 'aa:0d:c9:17:67:75:6f:a6:ec:49:65:d4:0f:eb:92:01';
const LONG = { skip, timeout: 60_000 };

interface RunningAgent {
  readonly process: ChildProcess;
  /** Resolves when the agent's log contains the text, given in lower case. */
  logged(text: string): Promise<void>;
}

const startAgent = (t: TestContext, port: number, fingerprint: string): RunningAgent => {
  const dir = mkdtempSync(join(tmpdir(), 'tideway-agent-'));
  const config = join(dir, 'rport.conf');
  writeFileSync(
    config,
    `[client]
server = "http://127.0.0.1:${port}"
fingerprint = "${fingerprint}"
auth = "agent-1:secret"
data_dir = "${dir}"
allow_root = true
id = "real-agent"
[connection]
keep_alive = "2s"
[logging]
log_level = "debug"
[monitoring]
enabled = false
`,
  );
  const child = spawn(binary ?? '', ['-c', config], { stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  let waiting: { text: string; resolve: () => void }[] = [];
  const look = (chunk: Buffer): void => {
    log += chunk.toString().toLowerCase();
    waiting = waiting.filter(({ text, resolve }) => {
      if (log.includes(text)) resolve();
      return !log.includes(text);
    });
  };
  child.stdout?.on('data', look);
  child.stderr?.on('data', look);
  const exited = new Promise((resolve) => child.on('close', resolve));
  t.after(async () => {
    child.kill('SIGKILL');
    await exited;
    removeFolder(dir);
  });
  return {
    process: child,
    logged: (text) =>
      new Promise((resolve) => {
        if (log.includes(text)) resolve();
        else waiting.push({ text, resolve });
      }),
  };
};

/** The agent, past its `new_connection`; the promise of its first ping. */
const connected = async (
  t: TestContext,
  fingerprint = FINGERPRINT,
): Promise<{ server: TestListener; session: AgentSession; agent: RunningAgent; pinged: Promise<void> }> => {
  const server = await testListener(t);
  const joined = server.nextSession();
  const agent = startAgent(t, server.port, fingerprint);
  const session = await joined;
  const { promise: ready, resolve: markReady } = deferred<void>();
  const { promise: pinged, resolve: markPinged } = deferred<void>();
  session.handle(
    sessionHandlers({
      onRequest(name, payload, answer) {
        if (name === 'new_connection') {
          assert.equal(JSON.parse(payload.toString()).ID, 'real-agent');
          answer?.(true, 'null');
          markReady();
        } else if (name === 'ping') {
          answer?.(true);
          markPinged();
        } else {
          answer?.(false, 'unknown request');
        }
      },
    }),
  );
  await ready;
  return { server, session, agent, pinged };
};

const deferred = <Value>(): { promise: Promise<Value>; resolve: (value: Value) => void } => {
  let resolve: (value: Value) => void = () => undefined;
  const promise = new Promise<Value>((done) => {
    resolve = done;
  });
  return { promise, resolve };
};

/** Agents before 0.8.2 do not know `ping`. */
const checkAlive = async (session: AgentSession): Promise<void> => {
  const { ok, payload } = await session.request('ping', '', 30_000);
  assert.ok(ok ? payload.length === 0 : payload.toString() === 'unknown request');
};

const echoServer = async (t: TestContext): Promise<number> => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  return (server.address() as AddressInfo).port;
};

/** Sends `total` random bytes through a channel and checks that they come back. */
const checkEcho = async (session: AgentSession, target: string, total: number): Promise<void> => {
  const sent = createHash('sha256');
  const got = createHash('sha256');
  const block = randomBytes(65_536);
  let left = total;
  let received = 0;
  const { promise: done, resolve } = deferred<void>();
  let channel: AgentChannel | null = null;
  const write = (): void => {
    while (left > 0) {
      const chunk = Buffer.from(block.subarray(0, Math.min(left, block.length)));
      chunk.writeUInt32BE(left);
      left -= chunk.length;
      sent.update(chunk);
      if (!channel?.write(chunk)) return;
    }
  };
  channel = await session.openChannel(
    target,
    channelHandlers({
      onData(chunk) {
        got.update(chunk);
        received += chunk.length;
        channel?.consumed(chunk.length);
        if (received === total) resolve();
      },
      onDrain: () => write(),
    }),
  );
  write();
  await done;
  assert.equal(got.digest('hex'), sent.digest('hex'));
  channel.close();
};

test(
  'the agent connects with the whole fingerprint, answers requests and carries 10 MiB both ways',
  LONG,
  async (t) => {
    const { session, pinged } = await connected(t);
    await checkAlive(session);
    const echo = await echoServer(t);
    const check = await session.request(
      'check_port',
      JSON.stringify({ HostPort: `127.0.0.1:${echo}`, Timeout: 2e9 }),
      30_000,
    );
    assert.deepEqual(JSON.parse(check.payload.toString()), { Open: true, ErrMsg: '' });
    const unknown = await session.request('nonsense', '', 30_000);
    assert.deepEqual([unknown.ok, unknown.payload.toString()], [false, 'unknown request']);

    await checkEcho(session, `127.0.0.1:${echo}`, 10 * 1024 * 1024);

    // Several at a time, with keys being exchanged from our side.
    const rekeying = Promise.all(
      [1, 2, 3].map(() => checkEcho(session, `127.0.0.1:${echo}`, 5 * 1024 * 1024)),
    );
    for (let round = 0; round < 5; round += 1) {
      (session as Session).rekey();
      await checkAlive(session);
    }
    await rekeying;

    // A target that is not there: confirmed first, then closed.
    const { promise: closed, resolve } = deferred<void>();
    await session.openChannel('127.0.0.1:1', channelHandlers({ onClose: resolve }));
    await closed;
    await pinged;
    assert.equal(session.closed, false);
  },
);

test('opening and closing channels with data in flight keeps the agent connected', LONG, async (t) => {
  const { session } = await connected(t, FINGERPRINT.slice(0, 20));
  const echo = await echoServer(t);
  for (let round = 0; round < 40; round += 1) {
    const channels = await Promise.all(
      [1, 2, 3, 4, 5].map(async () => {
        const channel: AgentChannel = await session.openChannel(
          `127.0.0.1:${echo}`,
          channelHandlers({ onData: (chunk) => channel.consumed(chunk.length) }),
        );
        channel.write(Buffer.alloc(100_000));
        return channel;
      }),
    );
    if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const channel of channels) channel.close();
  }
  await checkAlive(session);
});

test('the agent refuses a server with another fingerprint', LONG, async (t) => {
  const server = await testListener(t);
  const agent = startAgent(t, server.port, '00:11:22');
  await agent.logged('invalid fingerprint');
  assert.equal(server.sessions.length, 0);
});

test('the agent understands DISCONNECT', LONG, async (t) => {
  const { server, agent } = await connected(t);
  server.listener.disconnectAll('server is going down');
  await agent.logged('server is going down');
});
