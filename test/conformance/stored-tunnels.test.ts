/** Stored tunnels as a notebook, on a running server of two shards. Spec 03 §9 and §15.7, 05 §26.12. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { TestServer } from '../support/server.js';

interface Stored {
  readonly id: string;
  readonly created_at: string;
  readonly [key: string]: unknown;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server: TestServer;
let admin: ApiClient;

before(async () => {
  server = await TestServer.start({ server: { shards: 2 } });
  admin = server.api();
  const agents = await Promise.all(['c1', 'c2', 'gone'].map((id) => server.agent(id)));
  await Promise.all(['c1', 'c2', 'gone'].map((id) => server.untilKnown(id)));
  agents[2]?.destroy();
  await server.untilGone('gone');
});
after(() => server.remove());

const path = (client: string, rest = ''): string => `/clients/${client}/stored-tunnels${rest}`;
const add = (client: string, body: unknown): Promise<ApiAnswer> => admin.post(path(client), { body });
const list = (client: string, query = ''): Promise<ApiAnswer> => admin.get(path(client, query));
const clear = async (client: string): Promise<void> => {
  for (const { id } of (await list(client, '?page[limit]=100')).data<Stored[]>()) {
    assert.equal((await admin.delete(path(client, `/${id}`))).status, 204);
  }
};

test('created from nothing, listed for its client only, deleted', async () => {
  assert.deepEqual((await list('c1')).json, { data: [], meta: { count: 0 } });
  const answer = await add('c1', {});
  assert.equal(answer.status, 200);
  const stored = answer.data<Stored>();
  assert.match(stored.id, UUID);
  assert.match(stored.created_at, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.deepEqual(Object.entries(stored).slice(2), [
    ['name', ''],
    ['scheme', null],
    ['remote_ip', null],
    ['remote_port', null],
    ['public_port', null],
    ['acl', null],
    ['further_options', null],
    ['auto_open', false],
  ]);
  assert.deepEqual(Object.keys(stored).slice(0, 2), ['id', 'created_at']);
  // Each request may land on any shard.
  for (let time = 0; time < 8; time += 1) {
    assert.deepEqual((await list('c1')).json, { data: [stored], meta: { count: 1 } });
  }
  assert.deepEqual((await list('c2')).json, { data: [], meta: { count: 0 } });
  // Of another client it is not there to delete, and that is no failure either.
  assert.equal((await admin.delete(path('c2', `/${stored.id}`))).status, 204);
  assert.equal((await list('c1')).count, 1);
  assert.equal((await admin.delete(path('c1', `/${stored.id}`))).status, 204);
  assert.equal((await admin.delete(path('c1', `/${stored.id}`))).status, 204);
  assert.equal((await list('c1')).count, 0);
});

test('no value is checked; id and created_at of the body do not count', async () => {
  const body = {
    id: 'mine',
    created_at: '2001-01-01T00:00:00Z',
    name: '<web>',
    scheme: 'a-scheme-of-many-letters',
    remote_ip: 'not an address',
    remote_port: -5,
    public_port: 99_999,
    acl: 'nobody',
    further_options: { b: 1, '1': [null, true, 'ü'] },
  };
  const answer = await add('c1', body);
  assert(answer.text.includes('"name":"\\u003cweb\\u003e"'));
  const { id, created_at, ...rest } = answer.data<Stored>();
  assert.match(id, UUID);
  assert(Date.parse(created_at) > Date.parse('2020-01-01'));
  const { id: _id, created_at: _createdAt, ...expected } = body;
  assert.deepEqual(rest, { ...expected, auto_open: false });
  await clear('c1');
});

test('further options come back as they were written', async () => {
  for (const [written, shown] of [
    [
      '{"z":1,"10":2,"9":[ 1.50, 12345678901234567890 ],"z":3}',
      '{"z":1,"10":2,"9":[1.50,12345678901234567890],"z":3}',
    ],
    ['"text"', '"text"'],
    ['17', '17'],
    ['false', 'false'],
    ['[]', '[]'],
    ['null', 'null'],
    [' { "__proto__" : { "a" : "\\u003c" } } ', '{"__proto__":{"a":"\\u003c"}}'],
  ] as const) {
    const answer = await admin.post(path('c1'), {
      body: `{"Further_Options":${written}}`,
      headers: { 'content-type': 'application/json' },
    });
    assert(answer.text.includes(`"further_options":${shown},"auto_open":false}`), answer.text);
    assert((await list('c1')).text.includes(`"further_options":${shown},`), written);
    await clear('c1');
  }
});

test('bodies that are refused', async () => {
  const title = 'Invalid JSON data.';
  for (const [body, detail] of [
    [{ client_id: 'c1' }, 'json: unknown field "client_id"'],
    [{ remote_port: '22' }, 'json: cannot unmarshal string into field remote_port of type int'],
    [{ auto_open: 'yes' }, 'json: cannot unmarshal string into field auto_open of type bool'],
  ] as const) {
    const { status, errors } = await add('c1', body);
    assert.deepEqual([status, errors], [400, [{ code: '', title, detail }]]);
  }
  assert.equal((await admin.post(path('c1'))).refusal, '400 Missing body with json data.');
  assert.equal((await add('c1', [])).refusal, `400 ${title}`);
  assert.equal((await list('c1')).count, 0);
});

test('a put replaces everything but id and time of creation', async () => {
  const { id, created_at } = (
    await add('c1', { name: 'before', scheme: 'ssh', remote_port: 22, further_options: [1] })
  ).data<Stored>();
  const answer = await admin.put(path('c1', `/${id}`), {
    body: { id: 'other', created_at: '2001-01-01T00:00:00Z', name: 'after', public_port: 1 },
  });
  const expected = {
    id,
    created_at,
    name: 'after',
    scheme: null,
    remote_ip: null,
    remote_port: null,
    public_port: 1,
    acl: null,
    further_options: null,
    auto_open: false,
  };
  assert.deepEqual(answer.data(), expected);
  assert.deepEqual((await list('c1')).json, { data: [expected], meta: { count: 1 } });
  const missing = '00000000-0000-4000-8000-000000000000';
  const refusal = `404 stored tunnel with id "${missing}" not found`;
  assert.equal((await admin.put(path('c1', `/${missing}`), { body: {} })).refusal, refusal);
  assert.equal((await admin.put(path('c2', `/${id}`), { body: {} })).status, 404);
  assert.deepEqual((await list('c1')).json, { data: [expected], meta: { count: 1 } });
  await clear('c1');
});

test('filters, order and pages', async () => {
  for (const [index, name] of ['beta', 'alpha', 'gamma'].entries()) {
    await add('c1', {
      name,
      scheme: index === 2 ? null : 'ssh',
      remote_ip: `10.0.0.${index}`,
      remote_port: [22, 443, 22][index],
    });
  }
  const names = async (query: string) => (await list('c1', query)).data<Stored[]>().map(({ name }) => name);
  assert.deepEqual((await names('?sort=name')).join(), 'alpha,beta,gamma');
  assert.deepEqual((await names('?sort=-remote_port&sort=-name')).join(), 'alpha,gamma,beta');
  assert.deepEqual((await names('?sort=-remote_ip')).join(), 'gamma,alpha,beta');
  assert.deepEqual((await names('?sort=scheme&sort=name')).join(), 'gamma,alpha,beta');
  assert.deepEqual((await names('?filter[scheme]=ssh&sort=name')).join(), 'alpha,beta');
  assert.deepEqual((await names('?filter[scheme]=')).join(), 'gamma');
  assert.deepEqual((await names('?filter[remote_port]=22&sort=name')).join(), 'beta,gamma');
  assert.deepEqual((await names('?filter[name]=*ET*,gamma&sort=name')).join(), 'beta,gamma');
  assert.deepEqual((await names('?filter[remote_ip|name]=10.0.0.1,beta&sort=name')).join(), 'alpha,beta');
  // The oldest first.
  assert.deepEqual((await names('')).join(), 'beta,alpha,gamma');
  assert.deepEqual((await names('?sort=-created_at')).join(), 'gamma,alpha,beta');
  const page = await list('c1', '?sort=name&page[limit]=1&page[offset]=1');
  assert.deepEqual(
    [page.data<Stored[]>().map(({ name }) => name), page.count],
    [['alpha', 'beta'].slice(1), 3],
  );
  for (const [query, title] of [
    ['?sort=public_port', "unsupported sort field 'public_port'"],
    ['?filter[created_at]=1', "unsupported filter field 'filter[created_at]'"],
    ['?page[limit]=101', 'pagination limit too big (101) maximum is 100'],
    ['?page[limit]=0', 'pagination limit must be positive'],
  ] as const) {
    assert.equal((await list('c1', query)).refusal, `400 ${title}`);
  }
  await clear('c1');
  await Promise.all(Array.from({ length: 12 }, () => add('c1', {})));
  const first = await list('c1');
  assert.deepEqual([first.data<Stored[]>().length, first.count], [10, 12]);
  await clear('c1');
});

test('the client may be disconnected, but must be there', async () => {
  await add('gone', { name: 'of one that is away' });
  assert.equal((await list('gone')).count, 1);
  const unknown = '404 Client with id="nobody" not found.';
  assert.equal((await list('nobody')).refusal, unknown);
  assert.equal((await add('nobody', {})).refusal, unknown);
  assert.equal((await admin.put(path('nobody', '/x'), { body: {} })).refusal, unknown);
  assert.equal((await admin.delete(path('nobody', '/x'))).refusal, unknown);
});

test('with the client its stored tunnels go, and a new one of its id has none', async () => {
  await add('gone', {});
  assert.equal((await admin.delete('/clients/gone')).status, 204);
  await server.agent('gone');
  await server.untilKnown('gone');
  assert.deepEqual((await list('gone')).json, { data: [], meta: { count: 0 } });
});

test('a client has a thousand at most', async () => {
  for (let batch = 0; batch < 20; batch += 1) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => add('c2', {})));
    assert(answers.every(({ status }) => status === 200));
  }
  assert.equal((await add('c2', {})).refusal, '409 A client may have at most 1000 stored tunnels.');
  assert.equal((await list('c2')).count, 1000);
  assert.equal(
    (await list('c2', '?sort=-name&page[limit]=100&page[offset]=950')).data<Stored[]>().length,
    50,
  );
});

test('what was acknowledged survives a kill', async () => {
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, index) => add('c1', { name: `t${index}` })),
  );
  const stored = answers.map((answer) => answer.data<Stored>());
  const [changed, deleted] = stored as [Stored, Stored];
  await admin.put(path('c1', `/${changed.id}`), { body: { name: 'changed' } });
  await admin.delete(path('c1', `/${deleted.id}`));
  await server.crashAndRestart();
  const found = (await list('c1', '?page[limit]=100')).data<Stored[]>();
  const expected = stored
    .filter(({ id }) => id !== deleted.id)
    .map((one) => (one.id === changed.id ? { ...one, name: 'changed' } : one));
  const byId = (one: Stored, other: Stored): number => (one.id < other.id ? -1 : 1);
  assert.deepEqual(found.sort(byId), expected.sort(byId));
});
