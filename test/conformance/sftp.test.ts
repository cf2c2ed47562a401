/** What agents get through the file service of a running server, honest ones and others. Spec 04 §17, §25.8. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fetchFile, SftpClient } from '../../bench/fleet/sftp-client.js';
import type { Answer, SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { sftp, sftpStatus } from '../../src/protocol/sftp/messages.js';
import { packet } from '../../src/protocol/ssh/wire.js';
import type { ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { failure, fileAgent, taken, type UploadRequest } from '../support/file-agent.js';
import { TestServer } from '../support/server.js';
import { form } from '../support/upload-form.js';

const CONTENT = randomBytes(700_000);
const SUBSYSTEM = Buffer.concat([Buffer.from([0, 0, 0, 4]), Buffer.from('sftp')]);

let server: TestServer;
let admin: ApiClient;

before(async () => {
  server = await TestServer.start();
  admin = server.api();
});
after(() => server?.remove());

/** Connects an agent, sends it a file, and lets `work` do what it likes while the file is due. */
async function whileDue(
  id: string,
  work: (request: UploadRequest, agent: SimulatedAgent) => Promise<void>,
): Promise<void> {
  let done: (error?: unknown) => void = () => undefined;
  const outcome = new Promise<unknown>((resolve) => {
    done = resolve;
  });
  const handle = async (request: UploadRequest, agent: SimulatedAgent): Promise<Answer> => {
    await work(request, agent).then(done, (error: unknown) => done(error));
    return failure('enough');
  };
  const { agent } = await fileAgent(server, id, { handle });
  await server.untilKnown(id);
  const answer = await admin.post('/files', form(['upload', CONTENT], ['dest', '/tmp/x'], ['client_id', id]));
  assert.equal(answer.status, 200);
  const error = await outcome;
  if (error !== undefined) throw error;
  await server.untilLogged(new RegExp(`client "${id}": error: "client error: enough"`));
  assert.equal(agent.closed, false);
  assert.deepEqual(await agent.request('ping', ''), { ok: true, payload: Buffer.alloc(0) });
  agent.destroy();
}

test('no session is opened while no file is due', async () => {
  const agent = await server.agent('nothing-due');
  await assert.rejects(agent.openChannel('session'), /no file is due/);
  await assert.rejects(agent.openChannel('direct-tcpip'), /unknown channel type/);
  assert.equal(agent.closed, false);
});

test('only the one file can be opened, and only for reading', async () => {
  let other = '';
  await whileDue('first', async ({ SourceFilePath }) => {
    other = SourceFilePath;
    await whileDue('curious', async (request, agent) => {
      const client = await SftpClient.connect(agent);
      const path = request.SourceFilePath;
      symlinkSync('/etc/passwd', join(server.dataDir, 'filepush', 'link'));
      const denied = [
        '/etc/passwd',
        '/',
        '',
        '.',
        other,
        `${path}/../../../../../etc/passwd`,
        join(server.dataDir, 'filepush', 'link'),
        `${path}\0`,
        path.replace('/filepush/', '/filepush/./'),
        path.replace('/filepush/', '//filepush/'),
        path.slice(1),
        `${path}/`,
        'x'.repeat(30_000),
      ];
      for (const one of denied)
        assert.equal(await client.open(one), sftpStatus.noSuchFile, one.slice(0, 100));
      for (const flags of [0, 2, 3, 9, 0x1a, 0xffffffff]) {
        assert.equal(await client.open(path, flags), sftpStatus.permissionDenied);
      }
      const forbidden: readonly (readonly [number, Parameters<typeof packet>[1]])[] = [
        [sftp.write, ['0', 0, 0, 'data']],
        [sftp.remove, [path]],
        [sftp.rename, [path, '/tmp/stolen']],
        [sftp.setstat, [path, 0]],
        [sftp.fsetstat, ['0', 0]],
        [sftp.mkdir, ['/tmp/x', 0]],
        [sftp.rmdir, ['/tmp']],
        [sftp.symlink, ['/tmp/x', path]],
        [sftp.stat, ['/etc/passwd']],
        [sftp.lstat, ['/etc/passwd']],
        [sftp.opendir, ['/']],
        [sftp.readdir, ['0']],
        [sftp.realpath, ['.']],
        [sftp.readlink, ['/etc/localtime']],
      ];
      for (const [type, fields] of forbidden) {
        assert.equal((await client.request(type, fields)).status, sftpStatus.permissionDenied, String(type));
      }
      for (const type of [200, 99, 0, 255]) {
        assert.equal((await client.request(type, [])).status, sftpStatus.unsupported);
      }
      assert.equal(typeof (await client.open(path)), 'object');
    });
  });
});

test('reading keeps to the file and to bounds', async () => {
  await whileDue('reader', async ({ SourceFilePath }, agent) => {
    const client = await SftpClient.connect(agent);
    const handle = await client.open(SourceFilePath);
    assert(typeof handle === 'object');
    const { length } = CONTENT;
    assert.deepEqual(await client.read(handle, 0), CONTENT.subarray(0, 32_768));
    assert.deepEqual(await client.read(handle, 0, 0xffffffff), CONTENT.subarray(0, 32_768));
    assert.deepEqual(await client.read(handle, 130_000, 5_000), CONTENT.subarray(130_000, 135_000));
    assert.deepEqual(await client.read(handle, 5, 7), CONTENT.subarray(5, 12));
    assert.deepEqual(await client.read(handle, length - 3), CONTENT.subarray(length - 3));
    assert.deepEqual(await client.read(handle, length), Buffer.alloc(0));
    assert.deepEqual(await client.read(handle, 2 ** 52), Buffer.alloc(0));
    assert.deepEqual(await client.read(handle, 0, 0), Buffer.alloc(0));
    assert.equal(await client.read(Buffer.from('nope'), 0), sftpStatus.failure);
    const size = (await client.request(sftp.fstat, [handle])).rest;
    assert.deepEqual([size.readUInt32BE(0), Number(size.readBigUInt64BE(4))], [1, length]);
    for (let more = 1; more < 4; more++) assert.equal(typeof (await client.open(SourceFilePath)), 'object');
    assert.equal(await client.open(SourceFilePath), sftpStatus.failure);
    assert.equal((await client.request(sftp.close, [handle])).status, sftpStatus.ok);
    assert.equal((await client.request(sftp.close, [handle])).status, sftpStatus.failure);
    assert.equal(await client.read(handle, 0), sftpStatus.failure);
    assert.equal(typeof (await client.open(SourceFilePath)), 'object');
  });
});

test('requests in pieces, and many at once, are answered in order', async () => {
  await whileDue('pieces', async ({ SourceFilePath }, agent) => {
    const client = await SftpClient.connect(agent);
    const body = packet(sftp.open, [1, SourceFilePath, 1, 0]);
    const head = Buffer.alloc(4);
    head.writeUInt32BE(body.length);
    const { onBytes } = client.channel;
    const replies: number[] = [];
    client.channel.onBytes = (chunk) => replies.push(chunk[4] ?? 0);
    for (const byte of Buffer.concat([head, body])) client.channel.write(Buffer.from([byte]));
    await eventually('the handle', () => replies.length === 1);
    assert.deepEqual(replies, [sftp.handle]);
    client.channel.onBytes = onBytes;
    const handle = Buffer.from('0');
    const parts = await Promise.all(
      Array.from({ length: 64 }, (_, part) => client.read(handle, part * 10_000, 10_000)),
    );
    assert.deepEqual(Buffer.concat(parts as Buffer[]), CONTENT.subarray(0, 640_000));
  });
});

test('a half-close is answered with EOF and CLOSE, and channels do not know of each other', async () => {
  await whileDue('two-channels', async ({ SourceFilePath }, agent) => {
    const first = await SftpClient.connect(agent);
    const second = await SftpClient.connect(agent);
    assert.equal(typeof (await first.open(SourceFilePath)), 'object');
    first.channel.sendEof();
    await first.channel.ended;
    assert.deepEqual(first.channel.ends, ['eof', 'close']);
    const handle = await second.open(SourceFilePath);
    assert(typeof handle === 'object');
    assert.deepEqual(await second.read(handle, 0, 100), CONTENT.subarray(0, 100));
  });
});

test('what is no SFTP ends the channel, not the connection', async () => {
  const head = (length: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(length);
    return bytes;
  };
  const framed = (...bytes: number[]): Buffer => Buffer.concat([head(bytes.length), Buffer.from(bytes)]);
  await whileDue('garbage', async (_request, agent) => {
    const violations: readonly Buffer[] = [
      head(0),
      head(0xffffffff),
      head(70_000),
      framed(sftp.init, 0, 0, 0, 3),
      framed(sftp.open, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff),
      framed(sftp.read, 0, 0, 0, 1, 0, 0, 0, 1, 0x30),
      framed(sftp.close, 0, 0, 0, 1),
      framed(sftp.open, 0),
      Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    ];
    for (const bytes of violations) {
      const { channel } = await SftpClient.connect(agent);
      channel.write(bytes);
      await channel.ended;
    }
    for (const early of [framed(sftp.open, 0, 0, 0, 1), framed(sftp.init, 0)]) {
      const channel = await agent.openChannel('session');
      assert.equal(await channel.request('subsystem', SUBSYSTEM), true);
      channel.write(early);
      await channel.ended;
    }
    const silent = await agent.openChannel('session');
    silent.write(Buffer.from('before the subsystem'));
    await silent.ended;
  });
});

test('other requests on a session are refused, short ones too', async () => {
  await whileDue('shell', async (_request, agent) => {
    const channel = await agent.openChannel('session');
    for (const name of ['shell', 'exec', 'pty-req', 'env', '']) {
      assert.equal(await channel.request(name, SUBSYSTEM), false);
    }
    for (const payload of [
      Buffer.alloc(0),
      Buffer.from([0, 0]),
      SUBSYSTEM.subarray(0, 6),
      Buffer.from('\0\0\0\x05sftpx'),
    ]) {
      assert.equal(await channel.request('subsystem', payload), false);
    }
    assert.equal(await channel.request('subsystem', SUBSYSTEM), true);
    assert.equal(await channel.request('subsystem', SUBSYSTEM), false);
  });
});

test('an agent that opens one channel after the other gets four', async () => {
  await whileDue('flood', async (_request, agent) => {
    const opened = await Promise.allSettled(Array.from({ length: 20 }, () => agent.openChannel('session')));
    assert.equal(opened.filter(({ status }) => status === 'fulfilled').length, 4);
    for (const channel of opened) if (channel.status === 'fulfilled') channel.value.close();
    await agent.request('ping', '');
    await agent.openChannel('session');
  });
});

test('an agent that asks for more than it reads, or sends requests without end, is not served more', async () => {
  await whileDue('greedy', async ({ SourceFilePath }, agent) => {
    const client = await SftpClient.connect(agent);
    const handle = await client.open(SourceFilePath);
    assert(typeof handle === 'object');
    const before = await server.residentMiB();
    let got = 0;
    client.channel.holding = true;
    client.channel.onBytes = (chunk) => {
      got += chunk.length;
    };
    const read = packet(sftp.read, [7, handle, 0, 0, 32_768]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(read.length);
    const one = Buffer.concat([length, read]);
    // Three windows of answers, far less than what may wait of requests.
    for (let times = 0; times < 200; times++) client.channel.write(one);
    await eventually('the window to be full', () => got >= 2 * 1024 * 1024 - 200_000);
    await agent.request('ping', '');
    assert(got <= 2 * 1024 * 1024 + 100_000, `${got} bytes`);
    // Without reading on, more requests than anybody sends ahead.
    for (let times = 0; times < 8_000; times++) client.channel.write(one);
    await client.channel.ended;
    assert((await server.residentMiB()) - before < 60);
  });
});

test('when the reply is there the file is not, and the channels are closed', async () => {
  let late: SftpClient | null = null;
  let path = '';
  const { agent } = await fileAgent(server, 'late', {
    handle: async (request, self) => {
      path = request.SourceFilePath;
      late = await SftpClient.connect(self);
      await late.open(path);
      return taken(request, 1);
    },
  });
  await server.untilKnown('late');
  await admin.post('/files', form(['upload', CONTENT], ['dest', '/tmp/x'], ['client_id', 'late']));
  await server.untilLogged(/client "late": success/);
  await (late as SftpClient | null)?.channel.ended;
  await assert.rejects(
    fetchFile(agent, path, () => undefined),
    /no file is due/,
  );
  assert.equal(agent.closed, false);
});
