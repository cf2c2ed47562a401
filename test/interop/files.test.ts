/** Files for the real agent, and the memory they take of the server. Skipped without `RPORT_BIN`. Spec 04 §25.8. */

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { basic } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { AGENT_PATIENCE_MS, noAgent, RealAgent } from '../support/real-agent.js';
import { ADMIN, FINGERPRINT, TestServer } from '../support/server.js';
import { FORM_TYPE, type FormPart, formBody } from '../support/upload-form.js';

const MIB = 1024 * 1024;
const LARGE_BYTES = (process.env.TIDEWAY_LONG === '1' ? 500 : 200) * MIB;
const BLOCK = randomBytes(MIB);
/** What a file of any size may take: 16 MiB that wait, and the garbage of some 60 MiB that Node lets gather. */
const MEMORY_MIB = 128;
const SAMPLE_MS = 50;

/** Somebody else when that can be had. The agent asks nothing of the system when the owner is right already. */
const asRoot = userInfo().uid === 0;
const OWNER = asRoot ? 'nobody' : userInfo().username;
const idOf = (what: '-u' | '-g' | '-gn'): string =>
  spawnSync('id', [what, OWNER], { encoding: 'utf8' }).stdout.trim();
const GROUP = idOf('-gn');

const suite = { skip: noAgent, timeout: 170_000 };
let server: TestServer;
const agents: RealAgent[] = [];

before(async () => {
  if (noAgent !== false) return;
  server = await TestServer.start({ probe: true, api: { max_filepush_size: 1024 * MIB } });
  for (const id of ['one', 'two']) {
    agents.push(new RealAgent({ agentPort: server.agentPort, id, fingerprint: FINGERPRINT }));
  }
  for (const id of ['one', 'two']) {
    await server.untilKnown(id, server.api(), AGENT_PATIENCE_MS);
  }
});
after(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  await server?.remove();
});

/** Sends a form whose file is made while it is sent. */
async function send(parts: readonly FormPart[], size: number): Promise<{ uuid: string; size: number }> {
  const whole = formBody([...parts, ['upload', Buffer.alloc(0)]]);
  const end = whole.lastIndexOf('\r\n--');
  const headers = {
    authorization: basic(ADMIN.username, ADMIN.password),
    'content-type': FORM_TYPE,
    'content-length': whole.length + size,
  };
  const sending = request({
    host: '127.0.0.1',
    port: server.apiPort,
    method: 'POST',
    path: '/api/v1/files',
    headers,
    agent: false,
  });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  const body = function* (): Generator<Buffer> {
    yield whole.subarray(0, end);
    for (let left = size; left > 0; left -= MIB) yield left < MIB ? BLOCK.subarray(0, left) : BLOCK;
    yield whole.subarray(end);
  };
  await pipeline(Readable.from(body()), sending);
  const [response] = await answered;
  let text = '';
  for await (const chunk of response) text += String(chunk);
  assert.equal(response.statusCode, 200, text);
  return (JSON.parse(text) as { data: { uuid: string; size: number } }).data;
}

const result = async (uuid: string, client: string): Promise<string> => {
  const line = await server.untilLogged(new RegExp(`upload ${uuid}, client "${client}": .*`), 0, 160_000);
  return line.slice(line.indexOf('": ') + 3);
};

const md5Of = async (path: string): Promise<string> => {
  const hash = createHash('md5');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
};

const md5OfBlocks = (size: number): string => {
  const hash = createHash('md5');
  for (let left = size; left > 0; left -= MIB) hash.update(left < MIB ? BLOCK.subarray(0, left) : BLOCK);
  return hash.digest('hex');
};

test(
  'a large file arrives with mode and owner, and the memory of the server stays as it was',
  suite,
  async (t) => {
    const before = await server.residentMiB();
    let most = before;
    const sampler = setInterval(() => {
      const resident = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.pid}/status`, 'utf8'))?.[1];
      most = Math.max(most, Number(resident ?? 0) / 1024);
    }, SAMPLE_MS);
    const target = join(server.folder, 'new folder', 'large.bin');
    const begun = performance.now();
    const { uuid, size } = await send(
      [
        ['dest', target],
        ['client_id', 'one'],
        ['mode', '0640'],
        ['user', OWNER],
        ['group', GROUP],
      ],
      LARGE_BYTES,
    );
    const stored = performance.now();
    const mostStoring = most;
    assert.equal(size, LARGE_BYTES);
    const said = await result(uuid, 'one');
    clearInterval(sampler);
    t.diagnostic(
      `${LARGE_BYTES / MIB} MiB: ${Math.round(stored - begun)} ms to the server, ` +
        `${Math.round(performance.now() - stored)} ms to the agent; ` +
        `memory ${Math.round(before)} MiB before, ${Math.round(mostStoring)} MiB at most while it was stored, ${Math.round(most)} MiB in all`,
    );
    assert.equal(said, `success: "file successfully copied to destination ${target}"`);
    assert.equal(await md5Of(target), md5OfBlocks(LARGE_BYTES));
    const { mode, uid, gid } = statSync(target);
    assert.deepEqual([mode & 0o7777, uid, gid], [0o640, Number(idOf('-u')), Number(idOf('-g'))]);
    await eventually('the file to be removed here', () => filepush().length === 0);
    const temporary = join(agents[0]?.dataDir ?? '', 'filepush');
    await eventually('the file to be removed there', () => readdirSync(temporary).length === 0);
    assert(most - before < MEMORY_MIB, `${most - before} MiB more than before`);
    // The agent reads requests again: its file transfer was ended as it expects.
    const tunnel = await server.api().put('/clients/one/tunnels?remote=127.0.0.1:9&check_port=0');
    assert.equal(tunnel.status, 200, tunnel.text);
  },
);

const filepush = (): string[] => readdirSync(join(server.dataDir, 'filepush'));

test('force, sync and neither, on a file that is there', suite, async () => {
  const target = join(server.folder, 'present.bin');
  writeFileSync(target, 'old');
  const to = [
    ['dest', target],
    ['client_id', 'two'],
  ] as const;
  const ignored = await send(to, 1000);
  assert.match(await result(ignored.uuid, 'two'), /^ignored: "file .*present\.bin already exists/);
  assert.equal(readFileSync(target, 'utf8'), 'old');
  const synced = await send([...to, ['sync', 'true']], 1000);
  assert.match(await result(synced.uuid, 'two'), /^success: /);
  assert.equal(await md5Of(target), md5OfBlocks(1000));
  const same = await send([...to, ['sync', 'true']], 1000);
  assert.match(await result(same.uuid, 'two'), /^ignored: /);
  const forced = await send([...to, ['force', '1']], 2000);
  assert.match(await result(forced.uuid, 'two'), /^success: /);
  assert.equal(statSync(target).size, 2000);
});

test('what the agent refuses is told in its words', suite, async () => {
  const { uuid } = await send(
    [
      ['dest', '/usr/bin/tideway-test'],
      ['client_id', 'one'],
      ['client_id', 'two'],
    ],
    10,
  );
  for (const id of ['one', 'two']) {
    assert.equal(
      await result(uuid, id),
      'error: "client error: target path /usr/bin matches protected pattern /usr/bin, therefore the file push request is rejected"',
    );
  }
  assert.equal(existsSync('/usr/bin/tideway-test'), false);
});

test('many files in a row leave no channel and no file behind', suite, async () => {
  for (let number = 0; number < 12; number++) {
    const target = join(server.folder, `row-${number}`);
    const { uuid } = await send(
      [
        ['dest', target],
        ['client_id', 'one'],
      ],
      40_000 + number,
    );
    assert.match(await result(uuid, 'one'), /^success: /);
    assert.equal(await md5Of(target), md5OfBlocks(40_000 + number));
  }
  await eventually('the files to be removed here', () => filepush().length === 0);
});
