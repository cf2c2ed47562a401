/** How the server ends and comes back: SIGTERM, SIGKILL, a crashed shard, starts that must fail. */

import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { eventually } from '../support/eventually.js';
import { occupy } from '../support/free-ports.js';
import { removeFolder } from '../support/remove-folder.js';
import { TestServer } from '../support/server.js';
import { echoTarget, roundTrip } from '../support/tcp-target.js';

interface Tunnel {
  readonly id: string;
  readonly lport: string;
  readonly name: string;
}

async function startFails(options: Parameters<typeof TestServer.start>[0]): Promise<string> {
  const problem = await TestServer.start({ ...options, mayFail: true }).then(
    async (server) => {
      await server.remove();
      throw new Error('the server has started');
    },
    (error: Error) => error.message,
  );
  assert.match(problem, /^the server ended while starting \(exit code 1\)/);
  return problem;
}

test('kill -9: acknowledged tunnels come back, on the same ports; SIGTERM: agents are told, exit code 0', async (t) => {
  const server = await TestServer.start();
  t.after(() => server.remove());
  const target = await echoTarget();
  t.after(() => target.close());
  await server.agent('c1');
  const names = ['a', 'b', 'c', 'd'];
  // The kill follows the last answer at once: what was acknowledged must have been on disk.
  const created: Tunnel[] = [];
  for (const name of names) {
    const tunnel = await eventually('the tunnel', async () => {
      const acl = `127.0.0.0/${8 + created.length}`;
      const answer = await server
        .api()
        .put(`/clients/c1/tunnels?remote=${target.port}&name=${name}&acl=${acl}`);
      return answer.status === 200 && answer.data<Tunnel>();
    });
    created.push(tunnel);
  }
  await server.crashAndRestart();
  const waiting = (await server.api().get('/clients/c1')).data<{
    connection_state: string;
    tunnels: Tunnel[];
  }>();
  assert.equal(waiting.connection_state, 'disconnected');
  assert.deepEqual(waiting.tunnels.map(({ name }) => name).sort(), names);

  let cause = '';
  await server.agent(
    'c1',
    {},
    {
      onClose: (given) => {
        cause = given;
      },
    },
  );
  const restored = await eventually('the tunnels', async () => {
    const list = (await server.api().get('/tunnels')).data<Tunnel[]>();
    return list.length === names.length && list;
  });
  assert.deepEqual(
    restored.map(({ name, lport }) => `${name} ${lport}`).sort(),
    created.map(({ name, lport }) => `${name} ${lport}`).sort(),
  );
  for (const { lport } of restored) {
    assert.equal((await roundTrip(Number(lport), Buffer.from('still'))).toString(), 'still');
  }

  const startedAt = Date.now();
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  assert.ok(Date.now() - startedAt < 8_000, `took ${Date.now() - startedAt} ms`);
  await eventually('the agent to be told', () => cause !== '');
  assert.match(cause, /reason 11/, 'SSH_DISCONNECT_BY_APPLICATION');
  await server.startAgain();
  const after = (await server.api().get('/clients/c1')).data<{
    disconnected_at: string;
    tunnels: Tunnel[];
  }>();
  assert.equal(after.tunnels.length, names.length);
  assert.notEqual(after.disconnected_at, null);
});

test('a shard crashes: the other one goes on, the agents come back, the tunnels too', async (t) => {
  const server = await TestServer.start({ probe: true, mayFail: true });
  t.after(() => server.remove());
  const target = await echoTarget();
  t.after(() => target.close());
  // The kernel spreads connections by chance: that all of them reach one shard is as good as impossible.
  const ids = Array.from({ length: 20 }, (_, at) => `agent-${at}`);
  const lost = new Set<string>();
  const connect = (id: string): Promise<SimulatedAgent> =>
    server.agent(id, {}, { onClose: () => lost.add(id) });
  const agents = await Promise.all(ids.map(connect));
  const api = server.api();
  const tunnels = new Map<string, Tunnel>();
  for (const id of ids) {
    const tunnel = await eventually('the tunnel', async () => {
      const answer = await api.put(`/clients/${id}/tunnels?remote=${target.port}`);
      return answer.status === 200 && answer.data<Tunnel>();
    });
    tunnels.set(id, tunnel);
  }

  // Connections that are kept open stay with the shard they reached first.
  const callers = Array.from({ length: 20 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
  t.after(() => {
    for (const caller of callers) caller.destroy();
  });
  const sockets = new Map<Agent, Socket | undefined>();
  for (const caller of callers) {
    assert.equal((await api.get('/me', { agent: caller })).status, 200);
    const [free] = await eventually('the connection to be free', () =>
      Object.values(caller.freeSockets).find((list) => list !== undefined && list.length > 0),
    );
    sockets.set(caller, free);
  }

  const from = server.output.length;
  server.command({ type: 'crash', place: 2 });
  await server.untilLogged(/shard 2 crashed: Error: a bug of the test/, from);
  await server.untilLogged(/shard 2 ended unexpectedly/, from);
  // Its connections have ended, but word of it may still be on its way here: only those stay that answer.
  const answers = await Promise.allSettled(agents.map((agent) => agent.request('ping', '')));
  const kept = ids.filter((_, at) => answers[at]?.status === 'fulfilled');
  assert.ok(kept.length > 0 && kept.length < ids.length, `${kept.length} agents of the other shard stay`);
  for (const id of kept) {
    const { lport } = tunnels.get(id) ?? { lport: '0' };
    assert.equal((await roundTrip(Number(lport), Buffer.from('kept'))).toString(), 'kept');
  }
  let survivors = 0;
  for (const caller of callers) {
    const answered = await api.get('/status', { agent: caller }).then(
      ({ status }) => status === 200,
      () => false,
    );
    if (answered && sockets.get(caller)?.destroyed === false) survivors += 1;
  }
  assert.ok(survivors > 0 && survivors < callers.length, `${survivors} connections of the other shard stay`);
  await server.untilLogged(/shard 2 serves again/, from);

  // Each with a new session id, as a restarted agent would have.
  const returning = [...lost];
  assert.deepEqual(returning.sort(), ids.filter((id) => !kept.includes(id)).sort());
  lost.clear();
  for (const id of returning) await eventually(`${id} to be accepted`, () => connect(id));
  for (const id of returning) {
    // The old one may be listed until the news of its end has reached every shard.
    await eventually(`the tunnel of ${id}`, async () => {
      const list = (await api.get('/tunnels')).data<(Tunnel & { client_id: string })[]>();
      const restored = list.find(({ client_id }) => client_id === id);
      return restored && (await roundTrip(Number(restored.lport), Buffer.from('back'))).toString() === 'back';
    });
  }
  const { clients_connected } = await eventually('all to be connected', async () => {
    const status = (await api.get('/status')).data<{ clients_connected: number }>();
    return status.clients_connected === ids.length && status;
  });
  assert.equal(clients_connected, ids.length);
  assert.equal(lost.size, 0);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
});

test('a client or API port in use: exit code 1 and the reason', async () => {
  const { port, free } = await occupy(0, '127.0.0.1');
  try {
    for (const section of ['server', 'api'] as const) {
      const problem = await startFails({ [section]: { address: `127.0.0.1:${port}` } });
      assert.match(problem, new RegExp(`listen tcp 127\\.0\\.0\\.1:${port}: .*EADDRINUSE`));
    }
  } finally {
    await free();
  }
});

test('a data folder that cannot be used: exit code 1, and the message names it', async (t) => {
  const problem = await startFails({
    server: { data_dir: 'blocked/data' },
    prepare: (_dataDir, folder) => writeFileSync(join(folder, 'blocked'), 'a file, no folder'),
  });
  assert.match(problem, /blocked\/data/);
  if (process.platform === 'linux') {
    // Read-only for everybody, root included.
    assert.match(await startFails({ server: { data_dir: '/sys/tideway' } }), /\/sys\/tideway/);
  }
  if (process.getuid?.() === 0) {
    t.diagnostic('root may write everywhere: a folder without write permission is not tried');
    return;
  }
  const readOnly = await startFails({
    server: { data_dir: 'locked' },
    prepare: (_dataDir, folder) => {
      mkdirSync(join(folder, 'locked'));
      chmodSync(join(folder, 'locked'), 0o500);
    },
  });
  assert.match(readOnly, /locked/);
});

test('a configuration that cannot be used: exit code 1 and the reason', async () => {
  assert.match(await startFails({ server: { auth: 'no-colon' } }), /auth/);
  assert.match(await startFails({ server: { used_ports: ['a'] } }), /can't parse/);
});

test('a store that is none: exit code 1 and a message, and it is not overwritten', async () => {
  const damage = Buffer.alloc(65_536, 0x5a);
  let file = '';
  const server = TestServer.start({
    mayFail: true,
    keepFolder: true,
    prepare: (dataDir) => {
      mkdirSync(join(dataDir, 'store'));
      file = join(dataDir, 'store', 'data.mdb');
      writeFileSync(file, damage);
    },
  });
  try {
    await assert.rejects(server, /^Error: the server ended while starting \(exit code 1\)[\s\S]*store/);
    assert.ok(readFileSync(file).equals(damage));
  } finally {
    removeFolder(dirname(dirname(dirname(file))));
  }
});
