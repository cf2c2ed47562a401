import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { SessionError } from '../../../src/protocol/session.js';
import type { TunnelRecord } from '../../../src/tunnels/remote.js';
import {
  echoSession,
  type FakeChannel,
  type FakeSession,
  type FakeSessionOptions,
  WINDOW,
} from '../../support/fake-session.js';
import { remote } from '../../support/remotes.js';
import { readAll, type TunnelOwner, tunnelOwner, user } from '../../support/tunnel-owner.js';

const MIB = 1024 * 1024;
const hash = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

describe('bytes through a tunnel (spec 05 §13 and §26.8)', () => {
  let owner: TunnelOwner;
  let session: FakeSession;
  let record: TunnelRecord;

  beforeEach(async () => {
    owner = await tunnelOwner(1);
  });
  afterEach(() => owner.stop());

  async function start(options: FakeSessionOptions = {}): Promise<void> {
    session = echoSession(options);
    record = await owner.create(session, remote('web.local:8080'));
  }

  /** The agent's end of the next connection. */
  function nextChannel(more: FakeSessionOptions = {}): Promise<FakeChannel> & { start: Promise<void> } {
    let arrived: (channel: FakeChannel) => void = () => undefined;
    const channel = new Promise<FakeChannel>((resolve) => {
      arrived = resolve;
    });
    return Object.assign(channel, { start: start({ onChannel: arrived, ...more }) });
  }

  async function connection(): Promise<{ socket: Socket; channel: FakeChannel }> {
    const opening = nextChannel();
    await opening.start;
    const socket = await user(record.lport);
    return { socket, channel: await opening };
  }

  const serverClosed = (channel: FakeChannel): Promise<void> =>
    new Promise((resolve) => {
      if (channel.closedByServer) resolve();
      else channel.onServerClose = resolve;
    });

  it('6: the agent is told host and port', async () => {
    const targets: string[] = [];
    await start({ onChannel: (_channel, target) => void targets.push(target) });
    const socket = await user(record.lport);
    while (targets.length === 0) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(targets, ['web.local:8080']);
    socket.destroy();
  });

  it('1: 1 MiB there and back over 50 connections at once', async () => {
    await start();
    await Promise.all(
      Array.from({ length: 50 }, async () => {
        const sent = randomBytes(MIB);
        const socket = await user(record.lport);
        const chunks: Buffer[] = [];
        let length = 0;
        const back = new Promise<void>((resolve) => {
          socket.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            length += chunk.length;
            if (length === MIB) resolve();
          });
        });
        socket.write(sent);
        await back;
        assert.equal(hash(Buffer.concat(chunks)), hash(sent));
        socket.destroy();
      }),
    );
  });

  it('200 connections are open at once', async () => {
    await start();
    const sockets = await Promise.all(Array.from({ length: 200 }, () => user(record.lport)));
    await Promise.all(
      sockets.map(async (socket, index) => {
        socket.write(`connection ${index}`);
        const [data] = (await once(socket, 'data')) as [Buffer];
        assert.equal(data.toString(), `connection ${index}`);
      }),
    );
    for (const socket of sockets) socket.destroy();
    await Promise.all(session.channels.map(serverClosed));
  });

  it('2: a refused target closes the connection without data, and the tunnel lives', async () => {
    let refuse = true;
    await start({
      onChannel(channel) {
        if (refuse) throw new SessionError('refused', 'not allowed', 1);
        channel.onReceive = (chunk) => channel.send(chunk);
      },
    });
    const refused = await user(record.lport);
    refused.write('x');
    assert.equal((await readAll(refused)).length, 0);
    refused.end();
    refuse = false;
    const served = await user(record.lport);
    served.write('x');
    assert.equal(String((await once(served, 'data'))[0]), 'x');
    served.destroy();
  });

  it('3: all bytes arrive when the target closes first, then FIN', async () => {
    const { socket, channel } = await connection();
    const sent = randomBytes(5 * MIB);
    channel.send(sent);
    channel.end();
    const got = await readAll(socket);
    assert.equal(hash(got), hash(sent));
    socket.end();
  });

  it('3: also when the user is still sending: no reset destroys the answer', async () => {
    const { socket, channel } = await connection();
    channel.hold();
    const failed: unknown[] = [];
    socket.on('error', (error) => failed.push(error));
    for (let index = 0; index < 32; index += 1) socket.write(Buffer.alloc(MIB));
    while (channel.heldChunks === 0) await new Promise((resolve) => setImmediate(resolve));
    const sent = randomBytes(MIB);
    channel.send(sent);
    channel.end();
    assert.equal(hash(await readAll(socket)), hash(sent));
    assert.deepEqual(failed, []);
    socket.destroy();
  });

  it('a user who never closes is cut off a little after the end of the answer', async () => {
    const { socket, channel } = await connection();
    channel.send(Buffer.from('answer'));
    channel.end();
    assert.equal((await readAll(socket)).toString(), 'answer');
    const closed = once(socket, 'error').catch(() => undefined);
    while (owner.clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve));
    owner.clock.advance(2_000);
    const write = setInterval(() => socket.write('x'), 1);
    await closed;
    clearInterval(write);
  });

  it('4: the end of the user ends both, after what it sent has gone', async () => {
    const { socket, channel } = await connection();
    let text = '';
    channel.onReceive = (chunk) => {
      text += chunk.toString();
    };
    socket.end('all of this');
    await readAll(socket);
    await serverClosed(channel);
    assert.equal(text, 'all of this');
  });

  it('a reset of the user closes the channel', async () => {
    const { socket, channel } = await connection();
    socket.resetAndDestroy();
    await serverClosed(channel);
  });

  it('what the user sends before the agent has answered is kept, and the user may even be gone by then', async () => {
    let confirm: () => void = () => undefined;
    const confirmed = new Promise<void>((resolve) => {
      confirm = resolve;
    });
    let text = '';
    let ended: Promise<void> = Promise.resolve();
    let asked = 0;
    await start({
      onChannel(channel) {
        asked += 1;
        channel.onReceive = (chunk) => {
          text += chunk.toString();
        };
        ended = serverClosed(channel);
        return confirmed;
      },
    });
    const socket = await user(record.lport);
    socket.end('early');
    while (asked === 0) await new Promise((resolve) => setImmediate(resolve));
    confirm();
    await ended;
    assert.equal(text, 'early');
    socket.destroy();
  });

  it('a user gone before the agent has answered leaves no channel behind', async () => {
    let confirm: () => void = () => undefined;
    const confirmed = new Promise<void>((resolve) => {
      confirm = resolve;
    });
    let ended: Promise<void> | null = null;
    await start({
      onChannel(channel) {
        ended = serverClosed(channel);
        return confirmed;
      },
    });
    const socket = await user(record.lport);
    while (ended === null) await new Promise((resolve) => setImmediate(resolve));
    socket.resetAndDestroy();
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    confirm();
    await ended;
  });

  it('data of the agent in the packet of its confirmation is not lost and gets its credit', async () => {
    let channel: FakeChannel | null = null;
    await start({
      onChannel(opened) {
        channel = opened;
        opened.send(Buffer.from('SSH-2.0-greeting'));
      },
    });
    const socket = await user(record.lport);
    assert.equal(String((await once(socket, 'data'))[0]), 'SSH-2.0-greeting');
    while ((channel as FakeChannel | null)?.uncredited !== 0)
      await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
  });

  it('the end of the agent, with the confirmation still on its way, closes the user', async () => {
    await start({
      onChannel(channel) {
        channel.send(Buffer.from('bye'));
        channel.end();
      },
    });
    const socket = await user(record.lport);
    assert.equal((await readAll(socket)).toString(), 'bye');
    socket.end();
  });

  it('a reader that stalls holds one window, slows nobody, and loses nothing', async () => {
    const size = 24 * MIB;
    const sent = randomBytes(size);
    const channels: FakeChannel[] = [];
    await start({ onChannel: (channel) => void channels.push(channel) });
    const stalled = await user(record.lport);
    stalled.pause();
    while (channels.length < 1) await new Promise((resolve) => setImmediate(resolve));
    const other = await user(record.lport);
    while (channels.length < 2) await new Promise((resolve) => setImmediate(resolve));
    channels[0]?.send(sent);
    channels[1]?.send(sent);
    channels[1]?.end();
    assert.equal(hash(await readAll(other)), hash(sent));
    other.end();
    assert.equal(channels[0]?.uncredited, WINDOW, 'the window is used up and stays so');
    assert.ok((channels[0]?.mostUncredited ?? 0) <= WINDOW);
    channels[0]?.end();
    assert.equal(hash(await readAll(stalled)), hash(sent));
    stalled.end();
  });

  it('every byte that has left is credited once', async () => {
    const { socket, channel } = await connection();
    socket.resume();
    for (let round = 0; round < 200; round += 1) channel.send(randomBytes(1 + ((round * 7919) % 100_000)));
    while (channel.uncredited > 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
  });

  it('an agent that stalls stops the user, one chunk is held, and nothing is lost', async () => {
    const { socket, channel } = await connection();
    const sent = randomBytes(32 * MIB);
    const received = createHash('sha256');
    channel.onReceive = (chunk) => received.update(chunk);
    channel.hold();
    socket.write(sent);
    const written = once(socket, 'drain');
    while (channel.heldChunks === 0) await new Promise((resolve) => setImmediate(resolve));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(channel.heldChunks, 1);
    assert.ok(socket.writableLength > 0, 'the user waits');
    channel.release();
    await written;
    socket.end();
    await serverClosed(channel);
    assert.equal(received.digest('hex'), hash(sent));
  });

  it('the end of the agent connection ends its users, with what had arrived', async () => {
    const { socket, channel } = await connection();
    channel.send(Buffer.from('last words'));
    session.drop('network');
    assert.equal((await readAll(socket)).toString(), 'last words');
    socket.end();
    const late = await user(record.lport);
    late.on('error', () => late.destroy());
    assert.equal((await readAll(late).catch(() => Buffer.alloc(0))).length, 0);
  });
});
