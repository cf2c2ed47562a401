/** Stored tunnels that open by themselves, with simulated agents on a running server of two shards. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Answer, SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { onEveryShard } from '../support/every-shard.js';
import { freePorts, occupy } from '../support/free-ports.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';
import { connectTo, echoTarget, roundTrip, type TcpTarget } from '../support/tcp-target.js';

interface Stored {
  readonly id: string;
  readonly public_port: number;
  readonly [key: string]: unknown;
}

interface Tunnel {
  readonly id: string;
  readonly client_id: string;
  readonly lport: string;
  readonly [key: string]: unknown;
}

/** Requests land on any of two shards: so many do not all miss one. */
const ENOUGH = 8;

let server: TestServer;
let admin: ApiClient;
let target: TcpTarget;
let ports: number[];
/** What agents answer, by `client request`. */
const answers = new Map<string, Answer>();
const agents = new Map<string, SimulatedAgent>();

before(async () => {
  ports = await freePorts(24);
  server = await TestServer.start({
    server: { shards: 2, used_ports: ports.map(String), excluded_ports: [] },
    api: { auth: null, user_login_wait: 0, max_failed_login: 0 },
    prepare: (dataDir) =>
      storePeople(
        dataDir,
        { root: ['Administrators'], bert: ['Shell'] },
        {
          Shell: {
            permissions: ['tunnels'],
            tunnelsRestricted: {
              remote: ['22'],
              local: [String(ports[20]), String(ports[21])],
              'terminate-foreign-tunnels': false,
            },
          },
        },
      ),
  });
  admin = server.api('root', PASSWORD);
  target = await echoTarget();
});
after(() => server.remove());

async function connect(id: string, fields: Readonly<Record<string, unknown>> = {}): Promise<SimulatedAgent> {
  const agent = await server.agentAgain(id, fields, { onRequest: (name) => answers.get(`${id} ${name}`) });
  agents.set(id, agent);
  await server.untilKnown(id, admin);
  return agent;
}

/** As after a moment without a network: the same process, a new connection. */
async function reconnect(id: string): Promise<void> {
  const before = agents.get(id);
  before?.destroy();
  await connect(id, { SessionID: before?.sessionId });
}

async function disconnect(id: string): Promise<void> {
  agents.get(id)?.destroy();
  await server.untilGone(id, admin);
}

const path = (client: string, rest = ''): string => `/clients/${client}/stored-tunnels${rest}`;
const add = (client: string, body: object, by = admin): Promise<ApiAnswer> =>
  by.post(path(client), { body: { remote_port: target.port, auto_open: true, ...body } });
const change = (client: string, { id }: Stored, body: object, by = admin): Promise<ApiAnswer> =>
  by.put(path(client, `/${id}`), { body: { remote_port: target.port, auto_open: true, ...body } });
const remove = async (client: string, { id }: Stored): Promise<void> => {
  assert.equal((await admin.delete(path(client, `/${id}`))).status, 204);
};
const tunnelsOf = async (client: string): Promise<Tunnel[]> =>
  (await admin.get('/tunnels')).data<Tunnel[]>().filter(({ client_id }) => client_id === client);
/** A tunnel listens a moment before the others know of it, unless somebody was told. */
const untilTunnels = (client: string, ...names: readonly string[]): Promise<boolean> =>
  onEveryShard(`the tunnels ${names} of ${client}`, async () => {
    const found = (await tunnelsOf(client)).map(({ name }) => name).sort();
    return JSON.stringify(found) === JSON.stringify(names);
  });
const bytes = Buffer.from('through the tunnel');
const flows = async (port: number): Promise<void> => assert.deepEqual(await roundTrip(port, bytes), bytes);
const comesBack = (port: number): Promise<true> =>
  eventually(
    `port ${port} to be open`,
    async () => (await roundTrip(port, bytes).catch(() => null)) !== null,
  );
const isClosed = (port: number): Promise<void> => assert.rejects(connectTo(port), { code: 'ECONNREFUSED' });

test('opens at once, says what was stored, and has no idle time-out', async () => {
  await connect('a');
  const [port = 0] = ports;
  const answer = await add('a', { name: 'shop', scheme: 'ssh', public_port: port, acl: '127.0.0.1' });
  const stored = answer.data<Stored>();
  assert.deepEqual([stored.auto_open, stored.public_port], [true, port]);
  await flows(port);
  const [tunnel, ...others] = await tunnelsOf('a');
  assert.deepEqual(others, []);
  const { id: _id, created_at: _createdAt, ...rest } = tunnel as Tunnel;
  assert.deepEqual(rest, {
    client_id: 'a',
    name: 'shop',
    protocol: 'tcp',
    lhost: '0.0.0.0',
    lport: String(port),
    lport_random: false,
    owner: 'root',
    rhost: '127.0.0.1',
    rport: String(target.port),
    scheme: 'ssh',
    acl: '127.0.0.1',
    idle_timeout_minutes: 0,
    auto_close: 0,
    http_proxy: false,
    host_header: '',
    auth_user: '',
    auth_password: '',
    tunnel_url: '',
  });
  await remove('a', stored);
  await isClosed(port);
  assert.deepEqual(await tunnelsOf('a'), []);
});

test('without a public port one is chosen, and stays through everything', async () => {
  await connect('b');
  const stored = (await add('b', { name: 'stays' })).data<Stored>();
  const { public_port: port } = stored;
  assert(ports.includes(port));
  await flows(port);

  await reconnect('b');
  await comesBack(port);

  await server.stop();
  await server.startAgain();
  await connect('b');
  await comesBack(port);
  await untilTunnels('b', 'stays');

  // Replaced without a port: still the same one.
  const again = (await change('b', stored, { name: 'renamed' })).data<Stored>();
  assert.equal(again.public_port, port);
  assert.deepEqual(
    (await tunnelsOf('b')).map(({ name }) => name),
    ['renamed'],
  );
  await flows(port);

  // The answer came, so it is on disk.
  const other = (await add('b', { acl: '127.0.0.1' })).data<Stored>();
  await server.crashAndRestart();
  await connect('b');
  await comesBack(port);
  await comesBack(other.public_port);
  await untilTunnels('b', '', 'renamed');
  await remove('b', stored);
  await remove('b', other);
});

test('one stored while the client is away opens when it comes; one deleted meanwhile does not come back', async () => {
  await connect('c');
  const first = (await add('c', {})).data<Stored>();
  await flows(first.public_port);
  await disconnect('c');
  await isClosed(first.public_port);
  const second = (await add('c', { name: 'second' })).data<Stored>();
  await isClosed(second.public_port);
  await remove('c', first);
  await connect('c');
  await comesBack(second.public_port);
  await isClosed(first.public_port);
  await untilTunnels('c', 'second');
  await remove('c', second);
});

test('other tunnels of the client come back beside it, each once', async () => {
  await connect('d');
  const stored = (await add('d', { name: 'stored', public_port: ports[13] })).data<Stored>();
  const opened = (await admin.put(`/clients/d/tunnels?remote=1&check_port=0&name=opened`)).data<Tunnel>();
  const asked = [
    {
      lhost: '0.0.0.0',
      lport: String(ports[1]),
      rhost: '127.0.0.1',
      rport: '2',
      protocol: 'tcp',
      name: 'asked',
    },
  ];
  await reconnect('d');
  await comesBack(stored.public_port);
  await untilTunnels('d', 'opened', 'stored');
  await disconnect('d');
  // What its configuration asks for is no reason to forget a stored tunnel.
  await connect('d', { Remotes: asked });
  await comesBack(stored.public_port);
  await untilTunnels('d', 'asked', 'stored');
  assert.equal(opened.name, 'opened');
  await remove('d', stored);
  await disconnect('d');
});

test('a change adjusts the tunnel, or opens it elsewhere, or closes it', async () => {
  await connect('e');
  const [, , one = 0, two = 0] = ports;
  const stored = (await add('e', { public_port: one })).data<Stored>();
  const connection = await connectTo(one);
  // Name and ACL: open connections stay.
  await change('e', stored, { public_port: one, name: 'renamed', acl: '192.0.2.1', scheme: 'vnc' });
  const [tunnel] = await tunnelsOf('e');
  assert.deepEqual([tunnel?.name, tunnel?.acl, tunnel?.scheme], ['renamed', '192.0.2.1', 'vnc']);
  assert.equal(connection.destroyed, false);
  connection.destroy();
  await assert.rejects(roundTrip(one, bytes));
  // Another port: the old one is free.
  await change('e', stored, { public_port: two });
  await isClosed(one);
  await flows(two);
  assert.equal((await tunnelsOf('e')).length, 1);
  await (await occupy(one)).free();
  // Withdrawn: the note stays, the port is anybody's.
  const note = (await change('e', stored, { public_port: two, auto_open: false })).data<Stored>();
  assert.deepEqual([note.auto_open, note.public_port], [false, two]);
  await isClosed(two);
  assert.deepEqual(await tunnelsOf('e'), []);
  const plain = await admin.put(`/clients/e/tunnels?local=${two}&remote=9&check_port=0`);
  assert.equal(plain.status, 200, plain.text);
  // And back: somebody else has it now.
  const refused = await change('e', stored, { public_port: two });
  assert.equal(refused.refusal, `400 Port ${two} already in use.`);
  assert.equal(refused.errors[0]?.code, 'ERR_CODE_LOCAL_PORT_IN_USE');
  assert.equal((await admin.delete(`/clients/e/tunnels/${plain.data<Tunnel>().id}`)).status, 204);
  assert.equal((await change('e', stored, { public_port: two })).status, 200);
  await flows(two);
  await remove('e', stored);
});

test('closed by a user it stays closed until the client comes again, or it is changed', async () => {
  await connect('f');
  const stored = (await add('f', {})).data<Stored>();
  const close = async (): Promise<void> => {
    const [tunnel] = await tunnelsOf('f');
    assert.equal((await admin.delete(`/clients/f/tunnels/${tunnel?.id}`)).status, 204);
    await isClosed(stored.public_port);
  };
  await close();
  // Another one does not bring it back.
  const other = (await add('f', { acl: '127.0.0.1' })).data<Stored>();
  await isClosed(stored.public_port);
  await change('f', stored, {});
  await flows(stored.public_port);
  await remove('f', other);
  await close();
  await reconnect('f');
  await comesBack(stored.public_port);
  await remove('f', stored);
});

test('its port is nobody else’s, in no shard, connected or not, until the client is deleted', async () => {
  await connect('owner');
  await connect('other');
  const stored = (await add('owner', { public_port: ports[4] })).data<Stored>();
  const { public_port: port } = stored;
  await disconnect('owner');
  await isClosed(port);
  for (let time = 0; time < ENOUGH; time += 1) {
    const refused = await admin.put(`/clients/other/tunnels?local=${port}&remote=1&check_port=0`);
    assert.equal(refused.refusal, `400 Port ${port} already in use.`);
    assert.equal(refused.errors[0]?.code, 'ERR_CODE_LOCAL_PORT_IN_USE');
    const local = await admin.put(
      `/clients/other/tunnels?local=127.0.0.1:${port}&remote=127.0.0.1:1&check_port=0`,
    );
    assert.equal(local.status, 400);
    assert.equal((await add('other', { public_port: port })).refusal, `400 Port ${port} already in use.`);
  }
  // Random ports: all that are left, and never this one.
  const opened: Tunnel[] = [];
  for (let remote = 1; ; remote += 1) {
    const answer = await admin.put(`/clients/other/tunnels?remote=${remote}&check_port=0`);
    if (answer.status !== 200) {
      assert.equal(answer.refusal, '500 no ports available');
      break;
    }
    opened.push(answer.data<Tunnel>());
  }
  assert.equal(opened.length, ports.length - 1);
  assert(opened.every(({ lport }) => lport !== String(port)));
  assert.equal((await add('other', {})).refusal, '500 no ports available');
  for (const { id } of opened) assert.equal((await admin.delete(`/clients/other/tunnels/${id}`)).status, 204);
  // An agent that asks for it is refused, as for any busy port.
  const remotes = [
    { lhost: '0.0.0.0', lport: String(port), rhost: '127.0.0.1', rport: '1', protocol: 'tcp' },
  ];
  await assert.rejects(server.agent('greedy', { Remotes: remotes }), {
    message: `Local port ${port} already in use.`,
  });

  assert.equal((await admin.delete('/clients/owner')).status, 204);
  for (let time = 0; time < ENOUGH; time += 1) {
    const answer = await admin.put(`/clients/other/tunnels?local=${port}&remote=1&check_port=0`);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await admin.delete(`/clients/other/tunnels/${answer.data<Tunnel>().id}`)).status, 204);
  }
  // A shard that has found all ports busy believes it for a second.
  await eventually('every shard to find free ports again', async () => {
    for (let time = 0; time < ENOUGH; time += 1) {
      const answer = await admin.put('/clients/other/tunnels?remote=1&check_port=0');
      if (answer.status !== 200) return false;
      await admin.delete(`/clients/other/tunnels/${answer.data<Tunnel>().id}`);
    }
    return true;
  });
});

test('an agent that asks for the port of its own stored tunnel gets in', async () => {
  await connect('same');
  const stored = (await add('same', {})).data<Stored>();
  await disconnect('same');
  const lport = String(stored.public_port);
  const remotes = [{ lhost: '0.0.0.0', lport, rhost: '127.0.0.1', rport: '1', protocol: 'tcp' }];
  await connect('same', { Remotes: remotes });
  await comesBack(stored.public_port);
  await untilTunnels('same', '');
  await remove('same', stored);
});

test('of many who want a port at the same moment one gets it', async () => {
  await Promise.all(['r1', 'r2'].map((id) => connect(id)));
  for (let round = 0; round < 5; round += 1) {
    const port = ports[5 + round];
    const all = await Promise.all(
      Array.from({ length: 12 }, (_, index) => add(index % 2 === 0 ? 'r1' : 'r2', { public_port: port })),
    );
    const won = all.filter(({ status }) => status === 200);
    assert.equal(won.length, 1);
    for (const lost of all) {
      if (lost.status !== 200) assert.equal(lost.refusal, `400 Port ${port} already in use.`);
    }
    await comesBack(port ?? 0);
  }
  // And without a port everybody gets his own.
  const chosen = await Promise.all(Array.from({ length: 8 }, () => add('r1', {})));
  const got = chosen.map((answer) => answer.data<Stored>().public_port);
  assert.equal(new Set(got).size, 8);
  // On a slow machine the answers do not wait for all of them to open.
  await eventually('thirteen tunnels', async () => {
    return (await tunnelsOf('r1')).length + (await tunnelsOf('r2')).length === 13;
  });
  for (const client of ['r1', 'r2']) {
    for (const one of (await admin.get(path(client, '?page[limit]=100'))).data<Stored[]>()) {
      await remove(client, one);
    }
  }
});

test('values it cannot open with are refused, and nothing is stored', async () => {
  await connect('v');
  const outside = [1, 65_535].find((port) => !ports.includes(port)) ?? 0;
  for (const [body, code, title] of [
    [{ remote_port: null }, '', 'auto_open requires remote_port'],
    [{ remote_port: 0 }, '', 'Invalid remote port: 0.'],
    [{ remote_port: 65_536 }, '', 'Invalid remote port: 65536.'],
    [{ public_port: -1 }, '', 'Invalid local port: -1.'],
    [{ public_port: outside }, '', `Local port ${outside} is not among allowed ports.`],
    [{ remote_ip: '10.0.0.1:1', remote_port: 5 }, '', 'failed to decode "[10.0.0.1:1]:5": Invalid host'],
    [{ remote_ip: '12', remote_port: 5 }, '', 'failed to decode "12:5": Invalid host'],
    [{ remote_ip: 'a\u0000b', remote_port: 5 }, '', 'failed to decode "a\\x00b:5": Invalid host'],
    [{ scheme: '0123456789abcdef' }, 'ERR_CODE_URI_SCHEME_LENGTH_EXCEED', 'Invalid URI scheme.'],
    [{ acl: 'nobody' }, 'ERR_CODE_INVALID_ACL', 'Invalid ACL: invalid IP addr: nobody'],
  ] as const) {
    const answer = await add('v', body);
    assert.deepEqual([answer.status, answer.errors[0]?.code, answer.titles[0]], [400, code, title]);
  }
  assert.equal((await admin.get(path('v'))).count, 0);
  const busy = await occupy(ports[10]);
  const refused = await add('v', { public_port: busy.port });
  assert.equal(refused.refusal, `400 Port ${busy.port} already in use.`);
  await busy.free();
  // A name, IPv6, the address left out.
  for (const remote_ip of ['localhost', '::1', '', null]) {
    const answer = await add('v', { remote_ip, public_port: ports[10] });
    assert.equal(answer.status, 200, answer.text);
    await remove('v', answer.data<Stored>());
  }
});

test('a target the agent does not allow, or a port another program holds, keeps nobody out', async () => {
  const port = ports[11] ?? 0;
  await connect('g');
  const refused = (await add('g', { public_port: port })).data<Stored>();
  const fine = (await add('g', { name: 'fine', remote_ip: '127.0.0.1', acl: '127.0.0.1' })).data<Stored>();
  await disconnect('g');
  const program = await occupy(port);
  const seen = server.output.length;
  await connect('g');
  await server.untilLogged(
    /stored tunnel 0\.0\.0\.0:\d+:\S+ not opened: Local port \d+ already in use\./,
    seen,
  );
  await comesBack(fine.public_port);
  await untilTunnels('g', 'fine');
  await program.free();
  answers.set('g check_tunnel_allowed', { ok: true, payload: '{"IsAllowed":false}' });
  await reconnect('g');
  await server.untilLogged(/not opened: Tunnel destination is not allowed by client configuration/, seen);
  await untilTunnels('g');
  answers.delete('g check_tunnel_allowed');
  // Any change has it tried again.
  await change('g', fine, { name: 'fine', acl: '127.0.0.1' });
  await flows(port);
  await flows(fine.public_port);
  await remove('g', refused);
  await remove('g', fine);
});

test('restricted users store what their groups let them open, and leave alone what is not theirs', async () => {
  await connect('h');
  await admin.post('/clients/h/acl', { body: { allowed_user_groups: ['Shell'] } });
  const bert = server.api('bert', PASSWORD);
  const [local] = ports.slice(20);
  const forbidden = async (body: object): Promise<string> => (await add('h', body, bert)).refusal;
  assert.match(
    await forbidden({ remote_port: 80, public_port: local }),
    /^400 Tunnel with parameter remote=80/,
  );
  assert.match(
    await forbidden({ remote_port: 22, public_port: ports[12] }),
    /^400 Tunnel with parameter local=/,
  );
  // A port of the server's choice is none of his.
  assert.match(await forbidden({ remote_port: 22 }), /^400 Tunnel without parameter local/);
  const own = (await add('h', { remote_port: 22, public_port: local }, bert)).data<Stored>();
  assert.deepEqual(
    (await tunnelsOf('h')).map(({ owner }) => owner),
    ['bert'],
  );
  assert.match(
    (await change('h', own, { remote_port: 80 }, bert)).refusal,
    /^400 Tunnel with parameter remote=80/,
  );
  assert.equal((await change('h', own, { remote_port: 22 }, bert)).status, 200);
  // Notes are free.
  const note = await add('h', { remote_port: 80, auto_open: false }, bert);
  assert.equal(note.status, 200);
  const foreign = (
    await add('h', { remote_port: 22, public_port: ports[21], acl: '127.0.0.1' })
  ).data<Stored>();
  const refusal = '403 You are not allowed to terminate tunnels of other users';
  assert.equal((await bert.delete(path('h', `/${foreign.id}`))).refusal, refusal);
  assert.equal((await change('h', foreign, { auto_open: false }, bert)).refusal, refusal);
  assert.equal((await bert.delete(path('h', `/${own.id}`))).status, 204);
  await remove('h', foreign);
});

test('no acknowledged stored tunnel is lost when the server is killed amid changes', async () => {
  await connect('k');
  const acknowledged = new Map<string, Stored>();
  const removed = new Set<string>();
  let cut = false;
  const work = async (): Promise<void> => {
    for (let time = 0; time < 200 && !cut; time += 1) {
      try {
        const stored = (await add('k', { remote_port: 1 + time, auto_open: time % 2 === 0 })).data<Stored>();
        acknowledged.set(stored.id, stored);
        if (time % 3 !== 0) continue;
        // Not known how it ends once it is asked for.
        acknowledged.delete(stored.id);
        if ((await admin.delete(path('k', `/${stored.id}`))).status === 204) removed.add(stored.id);
      } catch {
        return;
      }
    }
  };
  const workers = [work(), work(), work()];
  await eventually('some changes', () => acknowledged.size > 12);
  cut = true;
  await server.kill();
  await Promise.all(workers);
  await server.startAgain();
  const found = new Map(
    (await admin.get(path('k', '?page[limit]=100'))).data<Stored[]>().map((stored) => [stored.id, stored]),
  );
  for (const [id, stored] of acknowledged) assert.deepEqual(found.get(id), stored);
  for (const id of removed) assert.equal(found.has(id), false);
  await connect('k');
  for (const { auto_open, public_port } of found.values()) {
    if (auto_open)
      await eventually('its tunnel', () =>
        connectTo(public_port).then(
          (socket) => !!socket.destroy(),
          () => false,
        ),
      );
  }
});
