import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { AgentChannel } from '../../src/protocol/session.js';
import { SessionError } from '../../src/protocol/session.js';
import type { Session } from '../../src/protocol/session-core.js';
import { packet } from '../../src/protocol/ssh/wire.js';
import { ManualClock } from '../support/manual-clock.js';
import { channelHandlers, type SessionPair, sessionHandlers, sessionPair } from '../support/session-pair.js';

const WINDOW = 2 * 1024 * 1024;
const turns = async (count = 8): Promise<void> => {
  for (let round = 0; round < count; round += 1) await new Promise((resolve) => setImmediate(resolve));
};

/** The agent sends back what it gets. */
const echo = (agent: Session): void =>
  agent.handle(
    sessionHandlers({
      onChannel(incoming) {
        const channel: AgentChannel = incoming.accept(
          channelHandlers({
            onData(chunk) {
              channel.write(Buffer.from(chunk));
              channel.consumed(chunk.length);
            },
          }),
        );
      },
    }),
  );

/** The agent accepts and reads nothing. */
const deaf = (agent: Session, seen: { bytes: number } = { bytes: 0 }): void =>
  agent.handle(
    sessionHandlers({
      onChannel: (incoming) =>
        incoming.accept(channelHandlers({ onData: (chunk) => (seen.bytes += chunk.length) })),
    }),
  );

test('10 MiB go to the agent and back unchanged, over re-keying', async () => {
  const { server, agent } = await sessionPair();
  echo(agent);
  const sent = createHash('sha1');
  const got = createHash('sha1');
  let left = 10 * 1024 * 1024;
  let received = 0;
  await new Promise<void>((resolve) => {
    let channel: AgentChannel | null = null;
    const write = (): void => {
      while (left > 0) {
        const chunk = Buffer.alloc(Math.min(left, 50_001), left & 0xff);
        left -= chunk.length;
        sent.update(chunk);
        if (!channel?.write(chunk)) return;
      }
    };
    server
      .openChannel('127.0.0.1:7', {
        onData(chunk) {
          got.update(chunk);
          if ((received & 0xfffff) + chunk.length > 0xfffff)
            (received & 0x100000 ? agent : (server as Session)).rekey();
          received += chunk.length;
          channel?.consumed(chunk.length);
          if (received === 10 * 1024 * 1024) resolve();
        },
        onDrain: write,
        onClose: () => undefined,
      })
      .then((opened) => {
        channel = opened;
        write();
      });
  });
  assert.equal(got.digest('hex'), sent.digest('hex'));
  server.close();
});

test('the agent is never sent more than its window, and never more than 32 KiB per message', async () => {
  const seen = { bytes: 0, largest: 0 };
  const { server, agent } = await sessionPair();
  agent.handle(
    sessionHandlers({
      onChannel: (incoming) =>
        incoming.accept(
          channelHandlers({
            onData(chunk) {
              seen.bytes += chunk.length;
              seen.largest = Math.max(seen.largest, chunk.length);
            },
          }),
        ),
    }),
  );
  const channel = await server.openChannel('x:1', channelHandlers());
  assert.equal(channel.write(Buffer.alloc(WINDOW + 5)), false);
  await turns();
  assert.equal(seen.bytes, WINDOW);
  assert.equal(seen.largest, 32 * 1024);
  server.close();
});

test('write says when to stop and onDrain when to go on', async () => {
  const { server, agent } = await sessionPair();
  let agentSide: AgentChannel | null = null;
  agent.handle(
    sessionHandlers({ onChannel: (incoming) => (agentSide = incoming.accept(channelHandlers())) }),
  );
  let drained = 0;
  const channel = await server.openChannel('x:1', channelHandlers({ onDrain: () => (drained += 1) }));
  assert.equal(channel.write(Buffer.alloc(1000)), true);
  assert.equal(channel.write(Buffer.alloc(WINDOW)), false);
  await turns();
  assert.equal(drained, 0);
  (agentSide as AgentChannel | null)?.consumed(WINDOW);
  await turns();
  assert.equal(drained, 1);
  server.close();
});

test('the agent gets credit only for what was consumed', async () => {
  const { server, agent } = await sessionPair();
  let agentChannel: AgentChannel | null = null;
  agent.handle(
    sessionHandlers({ onChannel: (incoming) => (agentChannel = incoming.accept(channelHandlers())) }),
  );
  let received = 0;
  const channel = await server.openChannel(
    'x:1',
    channelHandlers({ onData: (chunk) => (received += chunk.length) }),
  );
  (agentChannel as AgentChannel | null)?.write(Buffer.alloc(3 * WINDOW));
  await turns();
  assert.equal(received, WINDOW);
  channel.consumed(WINDOW / 2);
  await turns();
  assert.equal(received, 1.5 * WINDOW);
  // More credit than was received is not given.
  channel.consumed(100 * WINDOW);
  await turns();
  assert.equal(received, 2.5 * WINDOW);
  server.close();
});

test('a stalled channel does not slow the others, and all get their share', async () => {
  const { server, agent } = await sessionPair();
  const got = new Map<string, number>();
  agent.handle(
    sessionHandlers({
      onChannel(incoming) {
        const name = incoming.data.toString();
        const channel: AgentChannel = incoming.accept(
          channelHandlers({
            onData(chunk) {
              got.set(name, (got.get(name) ?? 0) + chunk.length);
              if (name !== 'stalled') channel.consumed(chunk.length);
            },
          }),
        );
      },
    }),
  );
  const wanted = 8 * 1024 * 1024;
  const pump = async (name: string): Promise<void> => {
    let left = wanted;
    let channel: AgentChannel | null = null;
    await new Promise<void>((resolve) => {
      const write = (): void => {
        while (left > 0) {
          const size = Math.min(64 * 1024, left);
          left -= size;
          if (!channel?.write(Buffer.alloc(size))) return;
        }
        resolve();
      };
      void server.openChannel(name, channelHandlers({ onDrain: write })).then((opened) => {
        channel = opened;
        write();
      });
    });
  };
  void pump('stalled');
  await Promise.all(['a', 'b', 'c'].map(pump));
  await turns();
  assert.equal(got.get('stalled'), WINDOW);
  for (const name of ['a', 'b', 'c']) assert.equal(got.get(name), wanted);
  server.close();
});

test('a full socket holds the data back at the sender', async () => {
  const { server, agent, serverSocket } = await sessionPair();
  echo(agent);
  const channels = await Promise.all([1, 2, 3, 4].map(() => server.openChannel('x:1', channelHandlers())));
  serverSocket.held = true;
  const ready = new Set(channels);
  let accepted = 0;
  while (ready.size > 0) {
    for (const channel of ready) {
      if (channel.write(Buffer.alloc(64 * 1024))) accepted += 1;
      else ready.delete(channel);
    }
  }
  // 1 MiB of buffer and one chunk per channel; nothing near the four windows of 2 MiB.
  assert.ok(serverSocket.bufferedBytes() < 1.2 * 1024 * 1024, String(serverSocket.bufferedBytes()));
  assert.ok(accepted < 20);
  serverSocket.release();
  await turns(20);
  assert.equal(serverSocket.bufferedBytes(), 0);
  server.close();
});

test('data waits for the end of a key exchange', async () => {
  const { server, agent, agentSocket } = await sessionPair();
  const seen = { bytes: 0 };
  deaf(agent, seen);
  let drained = 0;
  const channel = await server.openChannel('x:1', channelHandlers({ onDrain: () => (drained += 1) }));
  agentSocket.held = true;
  (server as Session).rekey();
  assert.equal(channel.write(Buffer.alloc(1000)), false);
  await turns();
  assert.deepEqual([seen.bytes, drained], [0, 0]);
  agentSocket.release();
  await turns(20);
  assert.deepEqual([seen.bytes, drained], [1000, 1]);
  server.close();
});

test('a refused open rejects with reason and text', async () => {
  const { server, agent } = await sessionPair();
  agent.handle(sessionHandlers({ onChannel: (incoming) => incoming.refuse(1, 'not allowed') }));
  await assert.rejects(server.openChannel('x:1', channelHandlers()), (error: unknown) => {
    assert.ok(error instanceof SessionError);
    assert.deepEqual([error.code, error.reason, error.message], ['refused', 1, 'not allowed']);
    return true;
  });
  server.close();
});

test('the agent is asked for few channels at a time, all are opened', async () => {
  const { server, agent } = await sessionPair();
  const undecided: (() => void)[] = [];
  agent.handle(
    sessionHandlers({ onChannel: (incoming) => undecided.push(() => incoming.accept(channelHandlers())) }),
  );
  const opens = Array.from({ length: 50 }, () => server.openChannel('x:1', channelHandlers()));
  await turns();
  assert.equal(undecided.length, 8);
  while (undecided.length > 0) {
    for (const decide of undecided.splice(0)) decide();
    await turns();
  }
  assert.equal((await Promise.all(opens)).length, 50);
  server.close();
});

test('close sends what is queued first; the agent ends: onClose after the data, once', async () => {
  const { server, agent } = await sessionPair();
  const events: string[] = [];
  let agentChannel: AgentChannel | null = null;
  agent.handle(
    sessionHandlers({
      onChannel: (incoming) =>
        (agentChannel = incoming.accept(
          channelHandlers({
            onData: (chunk) => {
              events.push(`data ${chunk.length}`);
              agentChannel?.consumed(chunk.length);
            },
            onClose: () => events.push('close'),
          }),
        )),
    }),
  );
  const channel = await server.openChannel('x:1', channelHandlers());
  channel.write(Buffer.alloc(10));
  channel.close();
  assert.equal(channel.closed, true);
  assert.equal(channel.write(Buffer.alloc(10)), true);
  await turns();
  assert.deepEqual(events, ['data 10', 'close']);

  const seen: string[] = [];
  await server.openChannel(
    'x:1',
    channelHandlers({
      onData: (chunk) => seen.push(`data ${chunk.length}`),
      onClose: () => seen.push('close'),
    }),
  );
  const other = agentChannel as AgentChannel | null;
  other?.write(Buffer.alloc(5));
  other?.close();
  await turns();
  agent.close();
  await turns();
  assert.deepEqual(seen, ['data 5', 'close']);
});

test('a closed channel whose agent takes nothing is given up after a while', async () => {
  const clock = new ManualClock();
  const { server, agent } = await sessionPair({ clock });
  let closed = 0;
  agent.handle(
    sessionHandlers({
      onChannel: (incoming) => incoming.accept(channelHandlers({ onClose: () => (closed += 1) })),
    }),
  );
  const channel = await server.openChannel('x:1', channelHandlers());
  channel.write(Buffer.alloc(3 * WINDOW));
  channel.close();
  await turns();
  assert.equal(closed, 0);
  clock.advance(30_000);
  await turns();
  assert.equal(closed, 1);
  server.close();
});

test('the end of the connection closes the channels', async () => {
  const { server, agent } = await sessionPair();
  deaf(agent);
  let closed = 0;
  await server.openChannel('x:1', channelHandlers({ onClose: () => (closed += 1) }));
  const undecided = server.openChannel('x:2', channelHandlers());
  agent.handle(sessionHandlers({ onChannel: () => undefined }));
  agent.close();
  await assert.rejects(undecided, /connection closed/);
  assert.equal(closed, 1);
});

/** What an agent must not do, as raw packets; channel 0 is open, window 2 MiB. */
const violations: readonly (readonly [string, (pair: SessionPair) => void, RegExp])[] = [
  [
    'data beyond the window',
    ({ agent }) => {
      for (let at = 0; at < 66; at += 1) agent.send(packet(94, [0, Buffer.alloc(32 * 1024)]));
    },
    /beyond the window/,
  ],
  [
    'a data message above 32 KiB',
    ({ agent }) => agent.send(packet(94, [0, Buffer.alloc(32 * 1024 + 1)])),
    /too large/,
  ],
  ['data on an unknown channel', ({ agent }) => agent.send(packet(94, [7, 'x'])), /unknown channel/],
  [
    'extended data beyond the window',
    ({ agent }) => {
      agent.send(packet(95, [0, 1, Buffer.alloc(40_000)]));
    },
    /too large/,
  ],
  ['window adjust on an unknown channel', ({ agent }) => agent.send(packet(93, [7, 1])), /unknown channel/],
  ['a window above 4 GiB', ({ agent }) => agent.send(packet(93, [0, 0xffffffff])), /window too large/],
  ['a second confirmation', ({ agent }) => agent.send(packet(91, [0, 0, 1, 1])), /not opened/],
  ['a failure for an open channel', ({ agent }) => agent.send(packet(92, [0, 1, 'x', ''])), /not opened/],
  ['a length that does not fit', ({ agent }) => agent.send(packet(94, [0, 5], 'xx')), /malformed/],
  ['a channel message cut short', ({ agent }) => agent.send(Buffer.of(96, 0)), /malformed/],
  // Each byte of a user would become a message of its own.
  ['an open with tiny data messages', ({ agent }) => agent.send(packet(90, ['x', 9, 1, 1])), /malformed/],
  [
    'an endless channel type',
    ({ agent }) => agent.send(packet(90, ['x'.repeat(300), 9, 1, 32768])),
    /malformed/,
  ],
  ['an endless request name', ({ agent }) => agent.send(packet(80, ['x'.repeat(300), true])), /malformed/],
  [
    'an endless channel request name',
    ({ agent }) => agent.send(packet(98, [0, 'x'.repeat(300), true])),
    /malformed/,
  ],
  [
    'data after close',
    ({ agent }) => {
      agent.send(packet(97, [0]));
      agent.send(packet(94, [0, 'x']));
    },
    /unknown channel/,
  ],
];

for (const [name, violate, expected] of violations) {
  test(`${name} ends the connection with a DISCONNECT`, async () => {
    const pair = await sessionPair();
    const heard = new Promise<string>((resolve) => {
      pair.agent.handle(
        sessionHandlers({ onChannel: (incoming) => incoming.accept(channelHandlers()), onClose: resolve }),
      );
    });
    await pair.server.openChannel('x:1', channelHandlers());
    violate(pair);
    assert.match(await pair.ended, expected);
    assert.match(await heard, /reason 2/);
  });
}

test('channels the agent opens: refused with reason 3 without a receiver, bounded with one', async () => {
  const { server, agent } = await sessionPair();
  agent.handle(sessionHandlers());
  server.handle(sessionHandlers());
  for (const type of ['direct-tcpip', 'rport', 'x']) {
    await assert.rejects(agent.open(type, '127.0.0.1:22', channelHandlers()), (error: unknown) => {
      assert.ok(error instanceof SessionError);
      assert.equal(error.reason, 3);
      return true;
    });
  }
  const types: string[] = [];
  server.handle(
    sessionHandlers({
      onChannel(incoming) {
        types.push(incoming.type);
        incoming.accept(
          channelHandlers({ onRequest: (name, payload) => name === 'subsystem' && payload.length > 4 }),
        );
      },
    }),
  );
  await assert.rejects(agent.open('stdout', Buffer.alloc(600_000), channelHandlers()), /too many channels/);
  const session = await agent.open('session', '', channelHandlers());
  assert.equal(await session.request('subsystem', packet(0, ['sftp']).subarray(1)), true);
  assert.equal(await session.request('subsystem', Buffer.alloc(0)), false);
  assert.equal(await session.request('shell', Buffer.alloc(0)), false);
  const more = await Promise.allSettled(
    Array.from({ length: 300 }, () => agent.open('stdout', '{}', channelHandlers())),
  );
  assert.equal(more.filter((result) => result.status === 'fulfilled').length, 255);
  server.close();
});

test('a channel whose receiver throws is closed, the connection stays', async () => {
  const errors: unknown[] = [];
  const { server, agent } = await sessionPair();
  echo(agent);
  server.handle(sessionHandlers());
  (server as Session).report = (error) => errors.push(error);
  const channel = await server.openChannel(
    'x:1',
    channelHandlers({
      onData: () => {
        throw new Error('bug');
      },
    }),
  );
  channel.write(Buffer.from('x'));
  await turns();
  assert.equal(channel.closed, true);
  assert.equal(errors.length, 1);
  assert.equal(server.closed, false);
  server.close();
});

test('opening and closing in any order with data in flight never breaks the connection', async () => {
  const pair = await sessionPair();
  const { server, agent } = pair;
  let seed = 12345;
  const random = (below: number): number => {
    seed = (seed * 1103515245 + 12345) & 0x7fffffff;
    return seed % below;
  };
  const agentChannels = new Set<AgentChannel>();
  agent.handle(
    sessionHandlers({
      onChannel(incoming) {
        if (random(5) === 0) return incoming.refuse(1, 'no');
        const channel: AgentChannel = incoming.accept(
          channelHandlers({
            onData(chunk) {
              channel.consumed(chunk.length);
              if (random(3) === 0) channel.write(Buffer.from(chunk));
              if (random(20) === 0) channel.close();
            },
            onClose: () => agentChannels.delete(channel),
          }),
        );
        agentChannels.add(channel);
      },
    }),
  );
  const open = new Set<AgentChannel>();
  for (let round = 0; round < 600; round += 1) {
    const action = random(10);
    if (action < 3) {
      server
        .openChannel('x:1', channelHandlers({ onData: () => undefined }))
        .then((channel) => open.add(channel))
        .catch(() => undefined);
    } else if (action < 8) {
      for (const channel of open) if (random(2) === 0) channel.write(Buffer.alloc(random(90_000)));
    } else {
      for (const channel of open) if (random(3) === 0 && open.delete(channel)) channel.close();
      for (const channel of agentChannels) if (random(4) === 0) channel.close();
    }
    if (random(3) === 0) await turns(1);
  }
  await turns(20);
  assert.equal(server.closed, false);
  assert.equal(agent.closed, false);
  server.close();
});
