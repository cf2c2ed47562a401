/** Tunnel routes and the data path through a simulated agent. Spec 05 §26.2, §26.5, §26.8; 01 §18 case 36. */

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Answer, SimulatedAgent } from '../../bench/fleet/simulated-agent.js';
import type { ApiClient } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { freePorts, occupy } from '../support/free-ports.js';
import { ADMIN, TestServer } from '../support/server.js';
import {
  connectTo,
  echoTarget,
  readExactly,
  readToEnd,
  roundTrip,
  tcpTarget,
} from '../support/tcp-target.js';

interface Tunnel {
  readonly id: string;
  readonly lport: string;
  readonly [key: string]: unknown;
}

let server: TestServer;
let admin: ApiClient;
/** What the agent answers, by request; the usual answer otherwise. */
const answers = new Map<string, Answer>();
let asked: { name: string; payload: string }[] = [];
/** Ports in the configured range that nobody uses. */
let ports: number[] = [];

before(async () => {
  ports = await freePorts(4);
  server = await TestServer.start({
    server: { excluded_ports: ['1-1024', '2000-2010'] },
    api: { user_login_wait: 0, max_failed_login: 0 },
  });
  admin = server.api();
  await connectAgent('c1');
  await server.untilKnown('c1');
});
after(() => server.remove());

function connectAgent(id: string): Promise<SimulatedAgent> {
  return server.agent(
    id,
    {},
    {
      onRequest: (name, payload) => {
        // Of what the server asks by itself, the latter comes a moment after the agent has connected.
        const isUsual = name === 'put_capabilities' || name === 'refresh_updates_status';
        if (!isUsual) asked.push({ name, payload: payload.toString() });
        return answers.get(name);
      },
    },
  );
}

/** Any shard may answer, and each knows of a change by the time the change is answered. */
const sees = async (what: string, look: () => Promise<unknown>, expected: unknown): Promise<void> =>
  assert.deepEqual(await look(), expected, what);

const put = (query: string, client = 'c1') => admin.put(`/clients/${client}/tunnels?${query}`);
const open = async (query: string, client = 'c1'): Promise<Tunnel> =>
  (await put(query, client)).data<Tunnel>();
const close = async (tunnel: Tunnel, client = 'c1'): Promise<void> => {
  const answer = await admin.delete(`/clients/${client}/tunnels/${tunnel.id}?force=true`);
  assert.equal(answer.status, 204);
};

test('a tunnel as asked for', async () => {
  const [port = 0] = ports;
  asked = [];
  const tunnel = await open(
    `scheme=ssh&acl=127.0.0.1&local=0.0.0.0:${port}&remote=0.0.0.0:22&name=TUNNELNAME&check_port=0`,
  );
  const { created_at, id, ...rest } = tunnel;
  assert.match(String(created_at), /^\d{4}-\d\d-\d\dT/);
  assert.equal(id, '1');
  assert.deepEqual(rest, {
    name: 'TUNNELNAME',
    protocol: 'tcp',
    lhost: '0.0.0.0',
    lport: String(port),
    lport_random: false,
    owner: ADMIN.username,
    rhost: '0.0.0.0',
    rport: '22',
    scheme: 'ssh',
    acl: '127.0.0.1',
    idle_timeout_minutes: 5,
    auto_close: 0,
    http_proxy: false,
    host_header: '',
    auth_user: '',
    auth_password: '',
    tunnel_url: '',
  });
  assert.deepEqual(Object.keys(tunnel)[0], 'id');
  assert.deepEqual(asked, [{ name: 'check_tunnel_allowed', payload: '{"Remote":"0.0.0.0:22"}' }]);
  // It listens before the answer is sent.
  (await connectTo(port)).destroy();

  const list = async () => (await admin.get('/tunnels')).json;
  await sees('the tunnel', list, { data: [{ ...tunnel, client_id: 'c1' }] });
  const ofClient = async () => (await admin.get('/clients/c1?fields[clients]=tunnels')).data();
  await sees('the tunnel of the client', ofClient, { tunnels: [tunnel] });
  await close(tunnel);
  await sees('no tunnel', list, { data: [] });
  await assert.rejects(connectTo(port), { code: 'ECONNREFUSED' });
});

test('a random port, the port check, and growing ids', async () => {
  const target = await echoTarget();
  asked = [];
  const first = await open(`remote=${target.port}`);
  const second = await open(`remote=127.0.0.1:${target.port}&acl=127.0.0.0/8`);
  assert.equal(Number(second.id), Number(first.id) + 1);
  assert.equal(first.lport_random, true);
  assert.equal(first.lhost, '0.0.0.0');
  assert.equal(first.rhost, '127.0.0.1');
  assert.equal(first.scheme, null);
  assert.equal(first.acl, null);
  assert.deepEqual(asked.slice(0, 2), [
    { name: 'check_tunnel_allowed', payload: `{"Remote":"127.0.0.1:${target.port}"}` },
    { name: 'check_port', payload: `{"HostPort":"127.0.0.1:${target.port}","Timeout":2000000000}` },
  ]);
  await close(first);
  await close(second);
  await target.close();
});

test('how local and remote combine', async () => {
  const [, port = 0] = ports;
  const both = await open(`local=0.0.0.0:${port}&remote=3000:22&check_port=0`);
  assert.deepEqual([both.lport, both.rhost, both.rport], [String(port), '0.0.0.0', '22']);
  await close(both);
  const host = await open('local=127.0.0.1&remote=22&check_port=0');
  assert.deepEqual([host.rhost, host.lport_random], ['127.0.0.1', true]);
  await close(host);
});

for (const [query, refusal, code = '', detail = ''] of [
  ['remote=abc', '400 failed to decode "abc": Missing ports'],
  ['', '400 failed to decode "": Missing ports'],
  ['remote=a:b:c:d:1', '400 failed to decode "a:b:c:d:1": Invalid remote'],
  ['remote=22/udp&protocol=tcp', '400 failed to decode "22/udp/tcp": Missing ports'],
  [
    'remote=22&scheme=aaaaaaaaaaaaaaaa',
    '400 Invalid URI scheme.',
    'ERR_CODE_URI_SCHEME_LENGTH_EXCEED',
    'Exceeds the max length.',
  ],
  ['remote=22&http_proxy=abc', '400 strconv.ParseBool: parsing "abc": invalid syntax'],
  ['remote=22&http_proxy=1&scheme=http', '400 creation of tunnel proxy not enabled'],
  ['remote=22&host_header=x', '400 host_header not allowed when http_proxy is false'],
  [
    'remote=22&auth_user=x&auth_password=y',
    '400 http basic authentication requires http_proxy to be activated on the requested tunnel',
  ],
  ['remote=22&idle-timeout-minutes=10081', '400 idle timeoout param should be in range [0,604800000000000]'],
  ['remote=22&idle-timeout-minutes=-1', '400 idle timeoout param should be in range [0,604800000000000]'],
  [
    'remote=22&idle-timeout-minutes=x',
    '400 invalid idle timeout param',
    '',
    'strconv.Atoi: parsing "x": invalid syntax',
  ],
  [
    'remote=22&idle-timeout-minutes=7&skip-idle-timeout=1',
    '400 conflicting parameters idle timeout 7 and skip idle timeout 7, either decide for skipping an idle timeout or provide a non empty timeout value',
  ],
  ['remote=22&auto-close=abc', '400 invalid tunnel auto-close format', '', 'time: invalid duration "abc"'],
  [
    'remote=22&auto-close=10',
    '400 invalid tunnel auto-close format',
    '',
    'time: missing unit in duration "10"',
  ],
  [
    'remote=22&auto-close=1d',
    '400 invalid tunnel auto-close format',
    '',
    'time: unknown unit "d" in duration "1d"',
  ],
  ['remote=22&auto-close=-5m', '400 tunnel auto-close value should be more than 0'],
  ['remote=22&auto-close=745h', '400 tunnel auto-close value should not be more than 744h0m0s'],
  ['remote=22&acl=invalid.ip', '400 Invalid ACL: invalid IP addr: invalid.ip', 'ERR_CODE_INVALID_ACL'],
  [
    'remote=22&acl=0.0.0.0',
    "400 Invalid ACL: 0.0.0.0 would allow access to everyone. If that's what you want, do not set the ACL",
    'ERR_CODE_INVALID_ACL',
  ],
  [
    'remote=22&acl=::',
    "400 Invalid ACL: :: would allow access to everyone. If that's what you want, do not set the ACL",
    'ERR_CODE_INVALID_ACL',
  ],
  ['remote=22&acl=1.2.3.4/33', '400 Invalid ACL: invalid CIDR address: 1.2.3.4/33', 'ERR_CODE_INVALID_ACL'],
  ['local=2005&remote=22&check_port=0', '400 Local port 2005 is not among allowed ports.'],
] as const) {
  test(`PUT tunnels?${query} is refused`, async () => {
    const answer = await put(query);
    assert.equal(answer.refusal, refusal);
    assert.deepEqual(answer.errors, [{ code, title: refusal.slice(4), detail }]);
  });
}

test('time-outs as given', async () => {
  for (const [query, idle, autoClose] of [
    ['idle-timeout-minutes=0', 0, 0],
    ['idle-timeout-minutes=10080', 10_080, 0],
    ['skip-idle-timeout=1', 0, 0],
    ['skip-idle-timeout=foo', 5, 0],
    ['auto-close=1h', 5, 3_600_000_000_000],
    ['auto-close=0', 5, 0],
  ] as const) {
    const tunnel = await open(`remote=22&check_port=0&${query}`);
    assert.deepEqual([tunnel.idle_timeout_minutes, tunnel.auto_close], [idle, autoClose], query);
    await close(tunnel);
  }
});

test('unknown, and known but disconnected clients', async () => {
  assert.equal((await put('remote=22', 'nope')).refusal, '404 Client with id="nope" not found.');
  const agent = await connectAgent('away');
  await server.untilKnown('away');
  agent.destroy();
  await server.untilGone('away');
  assert.equal((await put('remote=22', 'away')).refusal, '404 client with id away not found');
  assert.equal((await admin.delete('/clients/away/tunnels/1')).refusal, '404 client with id away not found');
  assert.equal(
    (await admin.delete('/clients/away/tunnels/1?force=abc')).refusal,
    '400 Invalid force param: abc.',
  );
  assert.equal(
    (await admin.put('/clients/away/tunnels/1/acl', { body: {} })).refusal,
    '404 client with id away not found',
  );
});

test('tunnels that exist already', async () => {
  const [, , port = 0] = ports;
  const explicit = await open(`local=127.0.0.1:${port}&remote=127.0.0.1:22&check_port=0`);
  const same = await put(`local=127.0.0.1:${port}&remote=127.0.0.1:22&check_port=0`);
  assert.deepEqual(same.errors, [
    { code: 'ERR_CODE_TUNNEL_EXIST', title: 'Tunnel already exist.', detail: '' },
  ]);
  assert.equal(same.status, 400);
  const again = await put('remote=22&check_port=0');
  assert.equal(again.errors[0]?.code, 'ERR_CODE_TUNNEL_TO_PORT_EXIST');
  assert.equal(again.refusal, '400 Tunnel to port 22 already exists.');
  const otherAcl = await open('remote=22&check_port=0&acl=192.0.2.1');
  await close(otherAcl);
  await close(explicit);
});

test('a port somebody else listens on', async (t) => {
  const [port = 0] = await freePorts(1);
  const { free } = await occupy(port);
  t.after(free);
  const answer = await put(`local=${port}&remote=22&check_port=0`);
  assert.equal(answer.refusal, `400 Port ${port} already in use.`);
  assert.equal(answer.errors[0]?.code, 'ERR_CODE_LOCAL_PORT_IN_USE');
});

test('an address that cannot be bound', async () => {
  const [, , , port = 0] = ports;
  const answer = await put(`local=192.0.2.9:${port}&remote=127.0.0.1:22&check_port=0`);
  assert.equal(answer.status, 409);
  assert.match(answer.titles[0] ?? '', /^unable to start tunnel: /);
});

test('what the agent says about the target', async (t) => {
  t.after(() => answers.clear());
  const closed = '{"Open":false,"ErrMsg":"dial tcp 127.0.0.1:22: connect: connection refused"}';
  answers.set('check_port', { ok: true, payload: closed });
  const answer = await put('remote=22');
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.errors, [
    {
      code: 'ERR_CODE_REMOTE_PORT_NOT_OPEN',
      title: 'Port 22 is not in listening state.',
      detail: 'dial tcp 127.0.0.1:22: connect: connection refused',
    },
  ]);
  answers.set('check_port', { ok: false, payload: 'no way' });
  assert.equal((await put('remote=22')).refusal, '409 client error: no way');
  answers.set('check_tunnel_allowed', { ok: true, payload: '{"IsAllowed":false}' });
  assert.equal(
    (await put('remote=22&check_port=0')).refusal,
    '400 Tunnel destination is not allowed by client configuration.',
  );
  answers.set('check_tunnel_allowed', { ok: false, payload: 'lookup nowhere: no such host' });
  assert.equal(
    (await put('remote=22&check_port=0')).refusal,
    '500 client error: lookup nowhere: no such host',
  );
  answers.set('check_tunnel_allowed', { ok: false, payload: 'unknown request' });
  await close(await open('remote=22&check_port=0'));
});

test('changing the ACL', async () => {
  const target = await echoTarget();
  const tunnel = await open(`remote=${target.port}`);
  const port = Number(tunnel.lport);
  const acl = (body: unknown) => admin.put(`/clients/c1/tunnels/${tunnel.id}/acl`, { body });
  const shown = async (): Promise<unknown> =>
    (await admin.get('/tunnels')).data<Tunnel[]>().find(({ id }) => id === tunnel.id)?.acl;

  const established = await connectTo(port);
  assert.equal((await acl({ acl: '192.0.2.0/24' })).status, 204);
  await sees('the new ACL', shown, '192.0.2.0/24');
  assert.equal((await readToEnd(await connectTo(port))).length, 0, 'closed without a byte');
  established.write('still here');
  assert.equal((await readExactly(established, 10)).toString(), 'still here');
  established.destroy();

  assert.equal((await acl({ acl: 'invalid' })).refusal, '400 invalid IP addr: invalid');
  await sees('the ACL unchanged', shown, '192.0.2.0/24');
  assert.equal((await acl({ acl: '::1,127.0.0.0/24' })).status, 204);
  assert.equal((await roundTrip(port, Buffer.from('in'))).toString(), 'in');
  assert.equal((await acl({ acl: null })).status, 204);
  await sees('no ACL', shown, null);
  assert.equal((await roundTrip(port, Buffer.from('in'))).toString(), 'in');
  assert.equal(
    (await admin.put('/clients/c1/tunnels/999/acl', { body: {} })).refusal,
    '404 tunnel not found',
  );
  assert.equal(
    (await admin.put('/clients/nope/tunnels/1/acl', { body: {} })).refusal,
    '404 Client with id="nope" not found.',
  );
  await close(tunnel);
  await target.close();
});

test('deleting with connections open', async () => {
  const target = await echoTarget();
  const tunnel = await open(`remote=${target.port}`);
  const path = `/clients/c1/tunnels/${tunnel.id}`;
  const socket = await connectTo(Number(tunnel.lport));
  socket.write('x');
  await readExactly(socket, 1);
  assert.equal((await admin.delete(path)).refusal, '409 tunnel has 1 active connection(s)');
  assert.equal((await admin.delete(`${path}?force=abc`)).refusal, '400 Invalid force param: abc.');
  const ended = readToEnd(socket);
  assert.equal((await admin.delete(`${path}?force=true`)).status, 204);
  await ended;
  assert.equal((await admin.delete(path)).refusal, '404 tunnel not found');
  await target.close();
});

test('bytes: 10 MiB both ways, unchanged', async () => {
  const target = await echoTarget();
  const tunnel = await open(`remote=${target.port}`);
  const bytes = randomBytes(10 * 1024 * 1024);
  assert.ok((await roundTrip(Number(tunnel.lport), bytes)).equals(bytes));
  await close(tunnel);
  await target.close();
});

test('bytes: fifty connections at once', async () => {
  const target = await echoTarget();
  const tunnel = await open(`remote=${target.port}`);
  await Promise.all(
    Array.from({ length: 50 }, async () => {
      const bytes = randomBytes(40_000);
      assert.ok((await roundTrip(Number(tunnel.lport), bytes)).equals(bytes));
    }),
  );
  await eventually('all to be closed at the target', () => target.open() === 0);
  // The server takes a moment more to have seen the end of each.
  await eventually('none to be counted as open', async () => {
    const { status } = await admin.delete(`/clients/c1/tunnels/${tunnel.id}`);
    return status === 204;
  });
  await target.close();
});

test('a refused target closes the connection without data, and the tunnel lives on', async () => {
  const target = await echoTarget();
  await target.close();
  const tunnel = await open(`remote=${target.port}&check_port=0`);
  assert.equal((await readToEnd(await connectTo(Number(tunnel.lport)))).length, 0);
  assert.equal((await readToEnd(await connectTo(Number(tunnel.lport)))).length, 0);
  await close(tunnel);
});

test('a target that ends first: all bytes, then the end', async () => {
  const bytes = randomBytes(3_000_000);
  const target = await tcpTarget((socket) => socket.end(bytes));
  const tunnel = await open(`remote=${target.port}`);
  assert.ok((await readToEnd(await connectTo(Number(tunnel.lport)))).equals(bytes));
  await close(tunnel);
  await target.close();
});

test('a user that ends its side closes both', async () => {
  const received: Buffer[] = [];
  let onEnded = (): void => undefined;
  const ended = new Promise<void>((resolve) => {
    onEnded = resolve;
  });
  const target = await tcpTarget((socket) => {
    socket.on('data', (chunk) => received.push(chunk));
    socket.on('close', () => onEnded());
  });
  const tunnel = await open(`remote=${target.port}`);
  const bytes = randomBytes(1_000_000);
  const socket = await connectTo(Number(tunnel.lport));
  const closed = once(socket, 'close');
  socket.resume();
  socket.end(bytes);
  await Promise.all([closed, ended]);
  assert.ok(Buffer.concat(received).equals(bytes), 'what was sent before the end arrives');
  await close(tunnel);
  await target.close();
});

test('auto-close ends a tunnel in use', async () => {
  const target = await echoTarget();
  const tunnel = await open(`remote=${target.port}&auto-close=3s`);
  const socket = await connectTo(Number(tunnel.lport));
  await readToEnd(socket);
  await eventually('the tunnel to be listed no more', async () =>
    (await admin.get('/tunnels')).data<Tunnel[]>().every(({ id }) => id !== tunnel.id),
  );
  await assert.rejects(connectTo(Number(tunnel.lport)), { code: 'ECONNREFUSED' });
  await target.close();
});

test('IPv6 users reach a tunnel on 0.0.0.0', async (t) => {
  const target = await echoTarget();
  const tunnel = await open(`remote=${target.port}`);
  try {
    const socket = await connectTo(Number(tunnel.lport), '::1');
    socket.write('six');
    assert.equal((await readExactly(socket, 3)).toString(), 'six');
    socket.destroy();
  } catch (error) {
    if ((error as { code?: string }).code !== 'EADDRNOTAVAIL') throw error;
    t.skip('no IPv6 on this machine');
  }
  await close(tunnel);
  await target.close();
});
