/** Agents after the login, against a running server. Spec 01 §18 cases 16 to 21, 24 to 26, 28, 31, 40. */

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { connectionRequest } from '../../bench/fleet/connection-request.js';
import { SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import { message, openFailure } from '../../src/protocol/ssh/messages.js';
import { PacketReader, packet } from '../../src/protocol/ssh/wire.js';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { freePorts, occupy } from '../support/free-ports.js';
import { AGENT_AUTH, TestServer } from '../support/server.js';
import { echoTarget, roundTrip } from '../support/tcp-target.js';

interface Tunnel {
  readonly id: string;
  readonly lport: string;
  readonly rport: string;
  readonly acl: string | null;
  readonly [key: string]: unknown;
}

let server: TestServer;
let admin: ApiClient;

before(async () => {
  server = await TestServer.start({ api: { user_login_wait: 0 }, server: { excluded_ports: ['1-2000'] } });
  admin = server.api();
});
after(() => server.remove());

/** Logged in, nothing said yet; `closed` resolves when the connection ends. */
async function loggedIn(
  id: string,
  fields: Record<string, unknown> = {},
): Promise<{ agent: SimulatedAgent; closed: Promise<string> }> {
  let onClose: (cause: string) => void = () => undefined;
  const closed = new Promise<string>((resolve) => {
    onClose = resolve;
  });
  const agent = await server.agent(id, fields, { announce: false, onClose });
  return { agent, closed };
}

/** Any shard may answer, and the news of an agent reaches the others a moment after the agent's own reply. */
const whenKnown = (ask: () => Promise<ApiAnswer>): Promise<ApiAnswer> =>
  eventually('the client to be known', async () => {
    const answer = await ask();
    return answer.status !== 404 && answer;
  });
const shown = async (id: string): Promise<Record<string, unknown>> =>
  (await whenKnown(() => admin.get(`/clients/${encodeURIComponent(id)}`))).data<Record<string, unknown>>();
const openTunnel = async (id: string, query: string): Promise<Tunnel> =>
  (await whenKnown(() => admin.put(`/clients/${id}/tunnels?${query}`))).data<Tunnel>();
const remote = (fields: Record<string, unknown>) => ({
  name: '',
  protocol: 'tcp',
  lhost: '',
  lport: '',
  lport_random: false,
  owner: '',
  rhost: '127.0.0.1',
  rport: '22',
  scheme: null,
  acl: null,
  idle_timeout_minutes: 0,
  auto_close: 0,
  http_proxy: false,
  host_header: '',
  auth_user: '',
  auth_password: '',
  tunnel_url: '',
  ...fields,
});

test('the first request must be a new_connection that can be read; then the connection ends', async () => {
  for (const [name, payload, text] of [
    ['ping', '', 'expecting connection request'],
    ['new_connection', '{"ID":', 'invalid connection request: Invalid JSON config'],
    ['new_connection', '[1]', 'invalid connection request: Invalid JSON config'],
    ['new_connection', '{"ID":7}', 'invalid connection request: Invalid JSON config'],
    [
      'new_connection',
      JSON.stringify(connectionRequest({ ID: 'x', Name: 'x'.repeat(600_000) })),
      'request data exceeds the limit of 524288 bytes, actual size: ',
    ],
  ] as const) {
    const { agent, closed } = await loggedIn('first');
    const reply = await agent.request(name, payload);
    assert.equal(reply.ok, false);
    assert.ok(reply.payload.toString().startsWith(text), reply.payload.toString());
    await closed;
  }
});

test('success without remotes, then exactly one put_capabilities', async () => {
  const seen: string[] = [];
  const agent = await server.agent(
    'plain',
    {},
    {
      announce: false,
      onRequest: (name, payload) => {
        seen.push(`${name} ${payload.toString()}`);
        return undefined;
      },
      onMessage: (payload) => {
        const reader = new PacketReader(payload);
        if (payload[0] === message.globalRequest && reader.text() === 'put_capabilities') {
          assert.equal(reader.boolean(), false, 'no reply wanted');
        }
      },
    },
  );
  const reply = await agent.announce();
  assert.ok(reply.ok);
  assert.ok(['null', '[]'].includes(reply.payload.toString()));
  // Replies come in order: what was sent before this one has arrived.
  assert.deepEqual(await agent.request('ping', ''), { ok: true, payload: Buffer.alloc(0) });
  const { version } = (await admin.get('/status')).data<{ version: string }>();
  assert.deepEqual(
    seen.filter((line) => line.startsWith('put_capabilities')),
    [`put_capabilities {"ServerVersion":"${version}","MonitoringVersion":1,"IPAddressesVersion":1}`],
  );
});

test('a ping is a heartbeat', async () => {
  const agent = await server.agent('beating');
  assert.equal((await shown('beating')).last_heartbeat_at, null);
  assert.ok((await agent.request('ping', '')).ok);
  await eventually(
    'the heartbeat to be shown',
    async () => (await shown('beating')).last_heartbeat_at !== null,
  );
});

test('a client is connected only once: another session is refused, with its name', async () => {
  await server.agent('taken', { Name: 'Web 1' });
  for (const session of [randomUUID(), '']) {
    const { agent, closed } = await loggedIn('taken', { SessionID: session });
    const reply = await agent.announce();
    assert.equal(reply.ok, false);
    assert.equal(reply.payload.toString(), 'client is already connected: Web 1 [taken]');
    await closed;
  }
  await server.agent('nameless', { Name: '' });
  const { agent } = await loggedIn('nameless');
  assert.equal((await agent.announce()).payload.toString(), 'client is already connected:  [nameless]');
  assert.equal((await shown('taken')).connection_state, 'connected');
});

test('the same session takes over; the end of the old connection does not disconnect the client', async () => {
  const target = await echoTarget();
  const session = randomUUID();
  let oldEnd: (cause: string) => void = () => undefined;
  const oldClosed = new Promise<string>((resolve) => {
    oldEnd = resolve;
  });
  await server.agent('resumed', { SessionID: session }, { onClose: oldEnd });
  const tunnel = await openTunnel('resumed', `remote=${target.port}`);
  await server.agent('resumed', { SessionID: session, Name: 'Again' });
  await oldClosed;
  await eventually('the new name to be shown', async () => (await shown('resumed')).name === 'Again');
  assert.equal((await shown('resumed')).connection_state, 'connected');
  const bytes = Buffer.from('through the new connection');
  assert.deepEqual(await roundTrip(Number(tunnel.lport), bytes), bytes);
  await target.close();
});

test('a reconnect replaces what the agent says and keeps the rest', async () => {
  const agent = await server.agent('back', { Name: 'Old', Tags: ['a'], Labels: { x: 'y' } });
  agent.notify(
    'ip_addresses',
    '{"ipv4":"203.0.113.5","ipv6":"","updated_at":"2020-01-01T00:00:00Z","error":""}',
  );
  agent.notify(
    'updates_status',
    '{"refreshed":"2024-01-02T03:04:05Z","updates_available":3,"security_updates_available":1,"update_summaries":null,"reboot_pending":true}',
  );
  await eventually('the updates to be stored', async () => (await shown('back')).updates_status !== null);
  agent.destroy();
  await server.untilGone('back');
  await server.agentAgain('back', { Name: 'New', Tags: ['b'], Labels: null });
  const client = await eventually('the new state', async () => {
    const now = await shown('back');
    return now.name === 'New' ? now : undefined;
  });
  assert.equal(client.disconnected_at, null);
  assert.deepEqual([client.tags, client.labels], [['b'], null]);
  const { updated_at, ...addresses } = client.ext_ip_addresses as Record<string, unknown>;
  assert.deepEqual(addresses, { ipv4: '203.0.113.5', ipv6: '', error: '' });
  assert.notEqual(updated_at, '2020-01-01T00:00:00Z', 'time of the server');
  assert.deepEqual(client.updates_status, {
    refreshed: '2024-01-02T03:04:05Z',
    updates_available: 3,
    security_updates_available: 1,
    update_summaries: null,
    reboot_pending: true,
  });
});

test('an agent without an id gets one', async () => {
  const agent = await server.agent('', { Name: 'Without an id' });
  const found = await eventually('the client to be listed', async () => {
    const list = (await admin.get('/clients?filter[name]=Without%20an%20id')).data<{ id: string }[]>();
    return list[0];
  });
  assert.match(found.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  agent.destroy();
});

test('a version that cannot be read is refused for a known client only', async () => {
  const agent = await server.agent('odd-version', { Version: '' });
  agent.destroy();
  await server.untilGone('odd-version');
  // It is shown as gone a moment before its id is free.
  const again = await eventually('the version to be judged', async () => {
    const next = await loggedIn('odd-version', { Version: '' });
    const answer = (await next.agent.announce()).payload.toString();
    return !answer.startsWith('client is already connected') && { ...next, answer };
  });
  assert.equal(again.answer, 'failed to determine client version: Malformed version: ');
  await again.closed;
  assert.equal((await shown('odd-version')).connection_state, 'disconnected');
});

test('tunnels the agent asks for', async () => {
  const target = await echoTarget();
  const [port = 0] = await freePorts(1);
  const { agent } = await loggedIn('asking', {
    Remotes: [remote({ rport: String(target.port) }), remote({ lhost: '0.0.0.0', lport: String(port) })],
  });
  const reply = await agent.announce();
  assert.ok(reply.ok, reply.payload.toString());
  const [random, explicit] = JSON.parse(reply.payload.toString()) as [Tunnel, Tunnel];
  assert.equal(random.lhost, '0.0.0.0');
  assert.equal(random.lport_random, true);
  assert.equal(explicit.lport, String(port));
  assert.deepEqual(await roundTrip(Number(random.lport), Buffer.from('hello')), Buffer.from('hello'));
  await target.close();
});

test('a tunnel that cannot be opened refuses the connection, and the client stays disconnected', async () => {
  const { port, free } = await occupy((await freePorts(1))[0]);
  try {
    const cases = [
      [{ lhost: '0.0.0.0', lport: '1999' }, 'Local port 1999 is not among allowed ports.'],
      [{ lhost: '0.0.0.0', lport: String(port) }, `Local port ${port} already in use.`],
      [{ acl: 'nonsense' }, 'invalid IP addr: nonsense'],
      [{ acl: '1.2.3.4/99' }, 'invalid CIDR address: 1.2.3.4/99'],
      [
        { acl: '0.0.0.0' },
        "0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL",
      ],
      [{ lhost: '0.0.0.0', lport: 'abc' }, 'strconv.Atoi: parsing "abc": invalid syntax'],
    ] as const;
    for (const [number, [fields, text]] of cases.entries()) {
      // One id each: the other shard may still hold that of the connection before for a moment.
      const id = `refused-${number}`;
      const { agent, closed } = await loggedIn(id, { Remotes: [remote(fields)] });
      const reply = await agent.announce();
      assert.deepEqual([reply.ok, reply.payload.toString()], [false, text]);
      await closed;
      assert.equal((await admin.get(`/clients/${id}`)).status, 404);
    }
  } finally {
    await free();
  }
});

test('which tunnels survive a reconnect is asked of agents from 0.6.4 on', async (t) => {
  for (const [version, answer, survives, isAsked] of [
    ['0.6.4', { ok: true, payload: '{"IsAllowed":true}' }, true, true],
    ['0.9.15', { ok: true, payload: '{"IsAllowed":false}' }, false, true],
    ['0.9.15', { ok: false, payload: 'unknown request' }, true, true],
    ['0.6.3', { ok: true, payload: '{"IsAllowed":false}' }, true, false],
    ['0.0.0-src', { ok: true, payload: '{"IsAllowed":false}' }, true, false],
  ] as const) {
    await t.test(`${version}, ${answer.payload}`, async () => {
      const id = randomUUID();
      const first = await server.agent(id, { Version: version });
      const tunnel = await openTunnel(id, 'remote=22&check_port=0&name=kept&acl=127.0.0.1');
      first.destroy();
      await server.untilGone(id);
      assert.equal(((await shown(id)).tunnels as Tunnel[]).length, 1, 'still shown');
      let asked = 0;
      await server.agentAgain(
        id,
        { Version: version },
        {
          onRequest: (name) => {
            if (name !== 'check_tunnel_allowed') return undefined;
            asked += 1;
            return answer;
          },
        },
      );
      assert.equal(asked > 0, isAsked);
      await server.untilKnown(id);
      const tunnels = (await shown(id)).tunnels as Tunnel[];
      assert.equal(tunnels.length, survives ? 1 : 0);
      if (survives) {
        assert.deepEqual(
          [tunnels[0]?.name, tunnels[0]?.acl, tunnels[0]?.owner, tunnels[0]?.lport],
          ['kept', '127.0.0.1', 'admin', tunnel.lport],
        );
      }
    });
  }
});

test('an agent that fails to say whether old tunnels are allowed is refused', async () => {
  const first = await server.agent('unsure');
  await openTunnel('unsure', 'remote=22&check_port=0');
  first.destroy();
  await server.untilGone('unsure');
  await assert.rejects(
    server.agentAgain(
      'unsure',
      {},
      {
        onRequest: (name) =>
          name === 'check_tunnel_allowed' ? { ok: false, payload: 'lookup x: no such host' } : undefined,
      },
    ),
    { message: 'failed to filter tunnels: client error: lookup x: no such host' },
  );
});

test('a second new_connection on a live connection', async () => {
  const { agent, closed } = await loggedIn('twice');
  assert.ok((await agent.announce()).ok);
  const reply = await agent.announce();
  assert.equal(reply.ok, false);
  assert.equal(reply.payload.toString(), 'unexpected connection request. please reconnect');
  await closed;
});

test('an unknown request is refused, and the connection goes on', async () => {
  const agent = await server.agent('curious');
  const reply = await agent.request('what_is_this', '{"a":1}');
  assert.deepEqual([reply.ok, reply.payload.toString()], [false, 'unknown request']);
  agent.notify('what_is_this', 'no reply wanted');
  agent.notify('cmd_result', '{"jid":"x"}');
  agent.notify('save_measurement', 'nonsense');
  assert.ok((await agent.request('ping', '')).ok);
});

test('channels the agent opens are refused, and nothing is dialled', async () => {
  const target = await echoTarget();
  const refusals: (readonly [number, number])[] = [];
  const agent = await server.agent(
    'prying',
    {},
    {
      onMessage: (payload) => {
        if (payload[0] !== message.channelOpenFailure) return;
        const reader = new PacketReader(payload);
        refusals.push([reader.u32() ?? -1, reader.u32() ?? -1]);
      },
    },
  );
  const kinds = ['direct-tcpip', 'rport', 'x'];
  for (const [at, kind] of kinds.entries()) {
    agent.sendRaw(
      packet(message.channelOpen, [kind, 70 + at, 2_097_152, 32_768], `127.0.0.1:${target.port}`),
    );
  }
  assert.ok((await agent.request('ping', '')).ok);
  assert.deepEqual(
    refusals,
    kinds.map((_, at) => [70 + at, openFailure.unknownType]),
  );
  assert.equal(target.open(), 0);
  await target.close();
});

test('two hundred agents at once are all accepted', async () => {
  const agents = await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      SimulatedAgent.connect({ port: server.agentPort, auth: AGENT_AUTH, fields: { ID: `storm-${at}` } }),
    ),
  );
  const list = await eventually('all to be listed', async () => {
    const answer = await admin.get('/clients?filter[id]=storm-*&filter[connection_state]=connected');
    return answer.count === agents.length ? answer : undefined;
  });
  assert.equal(list.count, 200);
  for (const agent of agents) agent.destroy();
});
