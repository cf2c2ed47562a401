/**
 * The real agent against a running server. Skipped without `RPORT_BIN`. Agents wait at random, so these tests
 * wait for what they expect to happen, up to `AGENT_PATIENCE_MS`.
 */

import assert from 'node:assert/strict';
import { createHash, type Hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import type { ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { freePorts } from '../support/free-ports.js';
import {
  AGENT_PATIENCE_MS,
  noAgent,
  noOldAgent,
  oldAgentBinary,
  RealAgent,
  type RealAgentOptions,
} from '../support/real-agent.js';
import { FINGERPRINT, TestServer } from '../support/server.js';
import { connectTo } from '../support/tcp-target.js';

const MIB = 1024 * 1024;
const TRANSFER_BYTES = process.env.TIDEWAY_LONG === '1' ? 1024 * MIB : 64 * MIB;
/** Not compressible, repeated: only its digest is compared. */
const BLOCK = randomBytes(MIB);
const STALL_MS = process.env.TIDEWAY_LONG === '1' ? 30_000 : 3_000;
/** Per stalled connection: two windows, socket buffers of four hops. */
const STALL_MIB = 16;

interface Tunnel {
  readonly id: string;
  readonly lport: string;
  readonly name: string;
}
interface Shown {
  readonly connection_state: string;
  readonly [key: string]: unknown;
}

const suite = { skip: noAgent, timeout: 170_000 };
let server: TestServer;
let admin: ApiClient;
let site: Server;
let sitePort = 0;
/** The agent most tests use. */
let main: RealAgent;
const agents: RealAgent[] = [];

before(async () => {
  if (noAgent !== false) return;
  server = await TestServer.start({ probe: true });
  admin = server.api();
  site = createServer(serveSite).listen(0, '127.0.0.1');
  await once(site, 'listening');
  sitePort = (site.address() as AddressInfo).port;
  main = start({ id: 'main', fingerprint: FINGERPRINT, tags: ['real', 'agent'] });
  await connected('main');
});
after(async () => {
  await Promise.all(agents.map((agent) => agent.stop()));
  site?.close();
  site?.closeAllConnections();
  await server?.remove();
});

/** `PUT` answers the digest of the body, `GET /<bytes>` sends that many. */
function serveSite(incoming: IncomingMessage, response: import('node:http').ServerResponse): void {
  if (incoming.method === 'PUT') {
    const hash = createHash('sha256');
    incoming.on('data', (chunk: Buffer) => hash.update(chunk));
    incoming.on('end', () => response.end(hash.digest('hex')));
    return;
  }
  const size = Number(incoming.url?.slice(1) ?? 0);
  response.setHeader('content-length', size);
  pipeline(blocks(size), response).catch(() => undefined);
}

function blocks(size: number, hash?: Hash): Readable {
  return Readable.from(
    (function* () {
      for (let left = size; left > 0; left -= MIB) {
        const block = left < MIB ? BLOCK.subarray(0, left) : BLOCK;
        hash?.update(block);
        yield block;
      }
    })(),
  );
}

function start(options: Omit<RealAgentOptions, 'agentPort'>): RealAgent {
  const agent = new RealAgent({ agentPort: server.agentPort, ...options });
  agents.push(agent);
  return agent;
}

const connected = async (id: string): Promise<Shown> => {
  await server.untilKnown(id, admin, AGENT_PATIENCE_MS);
  return (await admin.get(`/clients/${id}`)).data<Shown>();
};

const open = async (id: string, query: string): Promise<Tunnel> =>
  (await admin.put(`/clients/${id}/tunnels?${query}`)).data<Tunnel>();
const close = async (id: string, tunnel: Tunnel): Promise<void> => {
  assert.equal((await admin.delete(`/clients/${id}/tunnels/${tunnel.id}?force=1`)).status, 204);
};

function download(port: number, size: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const hash = createHash('sha256');
    request({ port, host: '127.0.0.1', path: `/${size}`, agent: false }, (response) => {
      response.on('data', (chunk: Buffer) => hash.update(chunk));
      response.on('end', () => resolve(hash.digest('hex')));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });
}

async function upload(port: number, size: number): Promise<{ sent: string; received: string }> {
  const hash = createHash('sha256');
  const sending = request({ port, host: '127.0.0.1', method: 'PUT', agent: false });
  const answered = once(sending, 'response') as Promise<[IncomingMessage]>;
  await pipeline(blocks(size, hash), sending);
  const [response] = await answered;
  let received = '';
  for await (const chunk of response) received += String(chunk);
  return { sent: hash.digest('hex'), received };
}

const digestOf = (size: number): string => {
  const hash = createHash('sha256');
  for (let left = size; left > 0; left -= MIB) hash.update(left < MIB ? BLOCK.subarray(0, left) : BLOCK);
  return hash.digest('hex');
};

test('an agent with the pinned fingerprint is listed with its data', suite, async () => {
  const client = await connected('main');
  assert.equal(client.name, 'Agent main');
  assert.deepEqual(client.tags, ['real', 'agent']);
  assert.equal(client.os_kernel, 'linux');
  assert.equal(client.address, '127.0.0.1');
  assert.ok(Number(client.num_cpus) > 0);
  assert.ok(Number(client.mem_total) > 0);
  assert.ok(String(client.hostname) !== '');
  assert.equal(client.disconnected_at, null);
});

test('a prefix of the fingerprint is enough, a wrong one keeps the agent away', suite, async () => {
  start({ id: 'prefix', fingerprint: FINGERPRINT.slice(0, 8) });
  const wrong = start({ id: 'wrong', fingerprint: `00${FINGERPRINT.slice(2)}` });
  await wrong.untilLogged(/[Ii]nvalid fingerprint \(aa:0d:c9/);
  await connected('prefix');
  assert.equal((await admin.get('/clients/wrong')).status, 404);
});

test('a wrong password keeps the agent away', suite, async () => {
  const stranger = start({ id: 'stranger', auth: 'agents-2:wrong' });
  await stranger.untilLogged(/[Aa]uthentication failed|unable to authenticate/);
  assert.equal((await admin.get('/clients/stranger')).status, 404);
});

test('a second agent of the same id is refused with the exact text', suite, async () => {
  const second = start({ id: 'main' });
  await second.untilLogged(/client is already connected|previous session was not properly closed/);
  await second.stop();
  assert.equal((await connected('main')).connection_state, 'connected');
});

test('bytes both ways, with equal digests', suite, async () => {
  const tunnel = await open('main', `remote=127.0.0.1:${sitePort}&scheme=http`);
  const port = Number(tunnel.lport);
  assert.equal(await download(port, TRANSFER_BYTES), digestOf(TRANSFER_BYTES));
  const { sent, received } = await upload(port, TRANSFER_BYTES);
  assert.equal(received, sent);
  await close('main', tunnel);
});

test('two hundred connections at once', suite, async () => {
  const tunnel = await open('main', `remote=127.0.0.1:${sitePort}`);
  const size = 100_000;
  const expected = digestOf(size);
  const digests = await Promise.all(Array.from({ length: 200 }, () => download(Number(tunnel.lport), size)));
  assert.ok(digests.every((digest) => digest === expected));
  await eventually('all to be closed', async () => {
    const answer = await admin.delete(`/clients/main/tunnels/${tunnel.id}`);
    return answer.status === 204;
  });
});

test('the agent refuses closed targets, and the port check says so', suite, async () => {
  const [closed = 0] = await freePorts(1);
  const answer = await admin.put(`/clients/main/tunnels?remote=127.0.0.1:${closed}`);
  assert.equal(answer.refusal, `400 Port ${closed} is not in listening state.`);
  assert.match(answer.errors[0]?.detail ?? '', /connection refused/);
});

test('a reader that stalls: bounded memory, others go on, nothing is lost', suite, async () => {
  const tunnel = await open('main', `remote=127.0.0.1:${sitePort}`);
  const port = Number(tunnel.lport);
  const before = await server.residentMiB();
  const stalled = await connectTo(port);
  stalled.pause();
  const hash = createHash('sha256');
  stalled.write(`GET /${TRANSFER_BYTES} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const startedAt = Date.now();
  let rounds = 0;
  // The others work all through the stall, however slow the machine.
  while (Date.now() - startedAt < STALL_MS || rounds < 2) {
    assert.equal(await download(port, 8 * MIB), digestOf(8 * MIB));
    rounds += 1;
  }
  const grown = (await server.residentMiB()) - before;
  // What the downloads beside it leave in buffers and heap is not the stalled connection's.
  assert.ok(grown < STALL_MIB + 48, `${grown.toFixed(1)} MiB more`);
  let head = Buffer.alloc(0);
  let inBody = false;
  stalled.on('data', (chunk: Buffer) => {
    if (inBody) {
      hash.update(chunk);
      return;
    }
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return;
    inBody = true;
    hash.update(head.subarray(end + 4));
  });
  stalled.resume();
  await once(stalled, 'close');
  assert.equal(hash.digest('hex'), digestOf(TRANSFER_BYTES));
  await close('main', tunnel);
});

test('an old agent connects and carries bytes', { ...suite, skip: noAgent || noOldAgent }, async () => {
  start({ id: 'old', binary: oldAgentBinary ?? '', fingerprint: FINGERPRINT });
  const client = await connected('old');
  assert.equal(client.connection_state, 'connected');
  const tunnel = await open('old', `remote=127.0.0.1:${sitePort}`);
  assert.equal(await download(Number(tunnel.lport), MIB), digestOf(MIB));
  await close('old', tunnel);
});

test('measurements, attributes and updates of a real agent', suite, async () => {
  start({ id: 'watched', fingerprint: FINGERPRINT, tags: ['old'], monitoring: true, attributes: true });
  await connected('watched');
  const base = '/clients/watched';
  await eventually(
    'a measurement',
    async () => (await admin.get(`${base}/metrics`)).count === 1,
    AGENT_PATIENCE_MS,
  );
  const [metrics] = (await admin.get(`${base}/metrics`)).data<{ memory_usage_percent: number }[]>();
  assert.ok(metrics !== undefined && metrics.memory_usage_percent > 0 && metrics.memory_usage_percent <= 100);
  const [processes] = (await admin.get(`${base}/processes`)).data<{ processes: { pid: number }[] }[]>();
  assert.ok(processes?.processes.some(({ pid }) => pid === process.pid));
  const [mounts] = (await admin.get(`${base}/mountpoints`)).data<{ mountpoints: unknown }[]>();
  assert.equal(typeof mounts?.mountpoints, 'object');
  const now = Math.floor(Date.now() / 1000);
  const span = `filter[timestamp][gt]=${now - 7000}&filter[timestamp][lt]=${now + 3600}`;
  const graph = await admin.get(`${base}/graph-metrics?${span}`);
  assert.equal(graph.data<unknown[]>().length, 1);
  const { links } = graph.json as { links: Record<string, string> };
  assert.equal(Object.keys(links).length, 5, 'its configuration names a LAN card');
  const body = { tags: ['new'], labels: { city: 'Köln' } };
  assert.deepEqual((await admin.put(`${base}/attributes`, { body })).json, { data: 'ok' });
  assert.deepEqual((await admin.get(`${base}/attributes`)).data<unknown>(), body);
  assert.equal((await admin.post(`${base}/updates-status`)).status, 204);
  assert.equal(
    (await admin.put('/clients/main/attributes', { body })).refusal,
    '409 client error: attributes file path not set',
  );
});

test(
  'a stored tunnel opens by itself, on the same port after kill -9, and closes when it is deleted',
  suite,
  async () => {
    const answer = await admin.post('/clients/main/stored-tunnels', {
      body: { name: 'stored', remote_port: sitePort, auto_open: true },
    });
    const { id, public_port: port } = answer.data<{ id: string; public_port: number }>();
    assert.equal(await download(port, MIB), digestOf(MIB));
    await server.crashAndRestart();
    const digest = await eventually(
      'the stored tunnel to open again',
      () => download(port, MIB).catch(() => false),
      AGENT_PATIENCE_MS,
    );
    assert.equal(digest, digestOf(MIB));
    // It listens a moment before every shard has heard of it.
    await eventually('one tunnel in the list', async () => {
      const list = (await admin.get('/tunnels')).data<Tunnel[]>();
      return list.filter(({ lport }) => lport === String(port)).length === 1;
    });
    assert.equal((await admin.delete(`/clients/main/stored-tunnels/${id}`)).status, 204);
    await assert.rejects(download(port, 1), { code: 'ECONNREFUSED' });
  },
);

test('kill -9 of the server: the agent comes back with its tunnels, on the same ports', suite, async () => {
  await connected('main');
  const [port = 0] = await freePorts(1);
  const random = await open('main', `remote=127.0.0.1:${sitePort}&name=random`);
  const explicit = await open(
    'main',
    `local=0.0.0.0:${port}&remote=127.0.0.1:${sitePort}&name=explicit&acl=127.0.0.1`,
  );
  await server.crashAndRestart();
  const restored = await eventually(
    'the tunnels to be restored',
    async () => {
      const list = (await admin.get('/tunnels')).data<(Tunnel & { client_id: string })[]>();
      const own = list.filter(({ client_id }) => client_id === 'main');
      return own.length === 2 && own;
    },
    AGENT_PATIENCE_MS,
  );
  assert.deepEqual(restored.map(({ name, lport }) => [name, lport]).sort(), [
    ['explicit', explicit.lport],
    ['random', random.lport],
  ]);
  for (const { lport } of restored) assert.equal(await download(Number(lport), MIB), digestOf(MIB));
  assert.ok(main.log.length > 0);
});
