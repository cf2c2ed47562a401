/** The stream of events: who may open it, what it tells to whom, and in which order. Two shards. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ApiClient, basic } from '../support/api-client.js';
import { EventReader, type ReaderOptions, Refused } from '../support/event-reader.js';
import { eventually } from '../support/eventually.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';

let server: TestServer;
const open: EventReader[] = [];

const as = (username: string): ApiClient => server.api(username, PASSWORD);
const root = (): ApiClient => as('root');

async function read(options: ReaderOptions = {}): Promise<EventReader> {
  const headers = { authorization: basic('root', PASSWORD), ...options.headers };
  const reader = await EventReader.open(server.apiPort, { ...options, headers });
  open.push(reader);
  return reader;
}

const readAs = (username: string, query = ''): Promise<EventReader> =>
  read({ query, headers: { authorization: basic(username, PASSWORD) } });

async function refusal(options: ReaderOptions): Promise<string> {
  const refused = await EventReader.open(server.apiPort, options).then(
    () => assert.fail('was let in'),
    (error: unknown) => error as Refused,
  );
  assert.ok(refused instanceof Refused, String(refused));
  const isJson = refused.text.startsWith('{');
  const title = isJson
    ? (JSON.parse(refused.text) as { errors: { title: string }[] }).errors[0]?.title
    : refused.text.trim();
  return `${refused.status} ${title}`;
}

async function token(username: string): Promise<string> {
  const login = await as(username).get('/login?token-lifetime=3600');
  return login.data<{ token: string }>().token;
}

/** The shard that is asked may not know the client yet. */
const tunnel = (client: string, query = ''): Promise<string> =>
  eventually('the tunnel', async () => {
    const answer = await root().put(`/clients/${client}/tunnels?remote=127.0.0.1:9&check_port=0${query}`);
    return answer.status === 404 ? undefined : answer.data<{ id: string }>().id;
  });

before(async () => {
  server = await TestServer.start({
    api: { auth: null, user_login_wait: 0, max_failed_login: 0, cors: ['https://ui.example.com'] },
    async prepare(dataDir) {
      await storePeople(
        dataDir,
        { root: ['Administrators'], second: ['Administrators'], watcher: ['Watchers'], plain: ['Plain'] },
        { Watchers: { permissions: ['tunnels'] }, Plain: { permissions: ['commands'] } },
      );
    },
  });
});
after(async () => {
  for (const reader of open) reader.socket.terminate();
  await server?.remove();
});

test('who may open it', async () => {
  const bearer = await token('root');
  const made = async (scope: string): Promise<string> =>
    (await root().post('/me/tokens', { body: { scope, name: scope } })).data<{ token: string }>().token;
  const write = await made('read+write');

  await (await read({ query: `?access_token=${bearer}`, headers: { authorization: '' } })).close();
  await (await read()).close();
  await (await read({ headers: { authorization: basic('root', write) } })).close();

  assert.equal(await refusal({}), '401 token required');
  assert.equal(await refusal({ headers: { authorization: `Bearer ${bearer}` } }), '401 token required');
  assert.equal(await refusal({ query: '?access_token=garbage' }), '401 unauthorized');
  assert.equal(await refusal({ query: `?access_token=${bearer}x` }), '401 unauthorized');
  assert.equal(await refusal({ headers: { authorization: basic('root', 'wrong') } }), '401 unauthorized');
  assert.equal(
    await refusal({ headers: { authorization: basic('root', await made('read')) } }),
    '403 the scope of the provided token is not authorized for this operation',
  );
});

test('what is no upgrade, or asks for what there is not, is refused with words', async () => {
  const plain = await root().get('/ws/events');
  assert.equal(plain.refusal, '400 Bad Request');
  assert.equal(plain.headers['sec-websocket-version'], '13');
  assert.equal((await server.anonymous().get('/ws/events')).refusal, '401 token required');
  assert.equal((await root().post('/ws/events')).status, 405);
  const authorization = basic('root', PASSWORD);
  const refused = (query: string): Promise<string> => refusal({ query, headers: { authorization } });
  assert.equal(await refused('?types=nothing.*'), '400 Unknown event type.');
  assert.equal(await refused('?since=yesterday'), '400 Invalid event id in "since".');
});

test('pages of other origins are kept out, unless cors names them', async () => {
  const from = (origin: string): ReaderOptions => ({
    headers: { origin, authorization: basic('root', PASSWORD) },
  });
  await (await read(from(`http://127.0.0.1:${server.apiPort}`))).close();
  await (await read(from(`https://127.0.0.1:${server.apiPort}`))).close();
  await (await read(from('https://ui.example.com'))).close();
  for (const origin of ['https://evil.example.com', 'null', `http://127.0.0.1:${server.apiPort}.evil.com`]) {
    assert.equal(await refusal(from(origin)), '403 origin not allowed');
  }
});

test('tells of clients and tunnels, in order, to every shard', async () => {
  // Each connection may land on any shard: eight do not all miss one of two.
  const readers = await Promise.all(Array.from({ length: 8 }, () => read()));
  const agent = await server.agent('c1', { Name: 'first', Hostname: 'host-1' });
  const id = await tunnel('c1', '&http_proxy=false&name=shell');
  assert.equal((await root().delete(`/clients/c1/tunnels/${id}`)).status, 204);
  const kept = await tunnel('c1');
  agent.destroy();
  for (const reader of readers) {
    const end = await reader.until('client.disconnected', 'c1');
    const events = reader.of('c1');
    assert.deepEqual(
      events.map(({ type }) => type),
      [
        'client.connected',
        'tunnel.opened',
        'tunnel.closed',
        'tunnel.opened',
        'tunnel.closed',
        'client.disconnected',
      ],
    );
    const [connected, opened, deleted, , ended] = events;
    assert.equal(connected?.client_name, 'first');
    assert.equal(connected?.client_hostname, 'host-1');
    assert.equal(connected?.payload.resumed, false);
    assert.equal(opened?.payload.tunnel.id, id);
    assert.equal(opened?.payload.tunnel.name, 'shell');
    assert.ok(!('auth_password' in (opened?.payload.tunnel ?? {})));
    assert.equal(deleted?.payload.cause, 'deleted');
    assert.equal(ended?.payload.tunnel.id, kept);
    assert.equal(ended?.payload.cause, 'connection_lost');
    assert.equal(end.payload.cause, 'connection_lost');
    const ids = events.map((event) => event.id);
    assert.deepEqual(ids, [...ids].sort());
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(events.every(({ time }) => !Number.isNaN(Date.parse(time))));
  }
  for (const reader of readers) await reader.close();
});

test('a tunnel that closes by itself says why, and tunnels that come back are told of', async () => {
  const reader = await read({ query: '?client_id=c2' });
  const agent = await server.agent('c2');
  await tunnel('c2', '&auto-close=200ms');
  const closed = await reader.until('tunnel.closed', 'c2');
  assert.equal(closed.payload.cause, 'auto_close');
  await tunnel('c2');
  agent.destroy();
  await reader.until('client.disconnected', 'c2');
  await server.agentAgain('c2');
  const again = await eventually('the tunnel to come back', () =>
    reader.of('c2').find(({ type, payload }) => type === 'tunnel.opened' && payload.at_connect === true),
  );
  assert.equal(again.payload.tunnel.rport, '9');
  await reader.close();
});

test('a connection that takes over another one is no disconnect', async () => {
  const reader = await read({ query: '?client_id=c3' });
  await server.agent('c3', { SessionID: 'one-process' });
  await tunnel('c3');
  await server.agent('c3', { SessionID: 'one-process' });
  const back = (): boolean => reader.of('c3').filter(({ type }) => type === 'tunnel.opened').length === 2;
  await eventually('the second connection', back);
  assert.deepEqual(
    reader.of('c3').map(({ type, payload }) => `${type} ${payload.cause ?? payload.resumed ?? ''}`.trim()),
    [
      'client.connected false',
      'tunnel.opened',
      'tunnel.closed replaced',
      'client.connected true',
      'tunnel.opened',
    ],
  );
  await reader.close();
});

test('everybody hears of the clients he may access, and of tunnels only with that permission', async () => {
  const watcher = await readAs('watcher');
  const plain = await readAs('plain');
  const admin = await read();
  await server.agent('seen');
  await server.untilKnown('seen', root());
  await tunnel('seen');
  const allow = (...groups: string[]) =>
    root().post('/clients/seen/acl', { body: { allowed_user_groups: groups } });
  assert.equal((await allow('Watchers', 'Plain')).status, 204);
  await tunnel('seen', '&acl=127.0.0.1');
  await watcher.until('tunnel.opened', 'seen');
  assert.equal((await allow('Plain')).status, 204);
  await tunnel('seen', '&acl=127.0.0.2');
  await eventually('all of it', () => admin.of('seen').length === 4);
  // Something that all may hear of, sent after all the others.
  assert.equal((await allow('Watchers', 'Plain')).status, 204);
  await server.agent('seen-too');
  await server.untilKnown('seen-too', root());
  await root().post('/clients/seen-too/acl', { body: { allowed_user_groups: ['Watchers', 'Plain'] } });
  await root().delete('/clients/seen-too/tunnels/1');
  (await server.agent('seen-three', {})).destroy();
  await admin.until('client.disconnected', 'seen-three');
  assert.deepEqual(watcher.told, ['tunnel.opened seen']);
  assert.deepEqual(plain.told, []);
  for (const reader of [watcher, plain, admin]) await reader.close();
});

test('a client that connects is told at once to those whose group it was given to before', async () => {
  const agent = await server.agent('mine');
  await server.untilKnown('mine', root());
  const body = { allowed_user_groups: ['Plain'] };
  assert.equal((await root().post('/clients/mine/acl', { body })).status, 204);
  agent.destroy();
  const readers = await Promise.all(Array.from({ length: 6 }, () => readAs('plain')));
  await server.untilGone('mine', root());
  await server.agentAgain('mine');
  for (const reader of readers) {
    await reader.until('client.connected', 'mine');
    await reader.close();
  }
});

test('filters', async () => {
  const types = await read({ query: '?types=tunnel.*' });
  const one = await read({ query: '?client_id=f1,f9&types=client.connected' });
  const all = await read();
  await server.agent('f1');
  await server.agent('f2');
  await tunnel('f1');
  await all.until('tunnel.opened', 'f1');
  await types.until('tunnel.opened', 'f1');
  await all.until('client.connected', 'f2');
  await one.until('client.connected', 'f1');
  assert.deepEqual(types.told, ['tunnel.opened f1']);
  assert.deepEqual(one.told, ['client.connected f1']);
  for (const reader of [types, one, all]) await reader.close();
});

test('who comes back with the last id he knows has missed nothing', async () => {
  const first = await read({ query: '?client_id=r1' });
  const agent = await server.agent('r1');
  const known = await first.until('client.connected', 'r1');
  await first.close();
  const id = await tunnel('r1');
  await root().delete(`/clients/r1/tunnels/${id}`);
  // On either shard.
  for (let tries = 0; tries < 6; tries += 1) {
    const back = await read({ query: `?client_id=r1&since=${known.id}` });
    assert.deepEqual(back.hello.replay, { since: known.id, complete: true });
    await back.until('tunnel.closed', 'r1');
    assert.deepEqual(back.told, ['tunnel.opened r1', 'tunnel.closed r1']);
    await back.close();
  }
  const live = await read({ query: `?client_id=r1&since=${known.id}` });
  agent.destroy();
  await live.until('client.disconnected', 'r1');
  assert.equal(live.told.length, 3);
  await live.close();
  const unknown = await read({ query: '?client_id=r1&since=00000000000001' });
  assert.equal(unknown.hello.replay?.complete, false);
  await unknown.until('client.disconnected', 'r1');
  await unknown.close();
});

test('the hello has an id to come back with', async () => {
  const quiet = await read({ query: '?client_id=h1' });
  const since = quiet.hello.last_event_id;
  assert.ok(since !== null);
  await quiet.close();
  await server.agent('h1');
  const back = await read({ query: `?client_id=h1&since=${since}` });
  await back.until('client.connected', 'h1');
  assert.equal(back.hello.replay?.complete, true);
  await back.close();
});

test('a logout ends the stream', async () => {
  const bearer = await token('root');
  const reader = await read({ query: `?access_token=${bearer}`, headers: { authorization: '' } });
  const logout = await server
    .anonymous()
    .with({ authorization: `Bearer ${bearer}` })
    .delete('/logout');
  assert.equal(logout.status, 204);
  assert.deepEqual(await reader.untilClosed(), { code: 4401, reason: 'session ended' });
});

test('so does the end of an API token, of a password, and of a user', async () => {
  const made = await root().post('/me/tokens', { body: { scope: 'read+write', name: 'short' } });
  const { token: secret, prefix } = made.data<{ token: string; prefix: string }>();
  const byToken = await read({ headers: { authorization: basic('root', secret) } });
  assert.equal((await root().delete(`/me/tokens/${prefix}`)).status, 204);
  assert.equal((await byToken.untilClosed()).code, 4401);

  const add = (username: string) =>
    root().post('/users', { body: { username, password: PASSWORD, groups: ['Watchers'] } });
  assert.equal((await add('passing')).status, 201);
  const byPassword = await readAs('passing');
  const changed = await root().put('/users/passing', { body: { password: `${PASSWORD}-2` } });
  assert.equal(changed.status, 204, changed.text);
  assert.equal((await byPassword.untilClosed()).code, 4401);

  assert.equal((await add('leaving')).status, 201);
  const byUser = await readAs('leaving');
  assert.equal((await root().delete('/users/leaving')).status, 204);
  assert.equal((await byUser.untilClosed()).code, 4401);
});

test('who is no administrator any more sees what others see', async () => {
  const reader = await readAs('second');
  const others = await read();
  const demoted = await root().put('/users/second', { body: { groups: ['Plain'] } });
  assert.equal(demoted.status, 204, demoted.text);
  await server.agent('after-demotion');
  await others.until('client.connected', 'after-demotion');
  await root().post('/clients/after-demotion/acl', { body: { allowed_user_groups: ['Plain'] } });
  server.agent('another').catch(() => undefined);
  await others.until('client.connected', 'another');
  assert.deepEqual(reader.told, []);
  await reader.close();
  await others.close();
});

test('a reload leaves streams open, and so does a message from a reader', async () => {
  const reader = await read();
  reader.socket.send('hello?');
  assert.match(await server.reload({ api: { max_request_bytes: 20_480 } }), /reloaded/);
  await server.agent('after-reload');
  await reader.until('client.connected', 'after-reload');
  reader.socket.send('x'.repeat(5000));
  assert.equal((await reader.untilClosed()).code, 1009);
});

test('a server that stops says goodbye', async () => {
  const reader = await read();
  const { code } = await server.stop();
  assert.equal(code, 0);
  assert.equal((await reader.untilClosed()).code, 1001);
});
