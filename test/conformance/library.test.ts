/** The library on a running server of two shards. Spec 03 §10, §15.1 and §15.8. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiAnswer, ApiClient } from '../support/api-client.js';
import { ADMIN, TestServer } from '../support/server.js';

/** Each request is a new connection on any of two shards: so many do not all miss one. */
const ENOUGH = 12;
const SCRIPTS = '/library/scripts';
const COMMANDS = '/library/commands';
const UUID_4 = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server: TestServer;
let api: ApiClient;

before(async () => {
  server = await TestServer.start();
  api = server.api();
});
after(() => server?.remove());

type Entry = Record<string, unknown> & { readonly id: string };

async function add(path: string, body: object): Promise<Entry> {
  const answer = await api.post(path, { body });
  assert.equal(answer.status, 201, answer.text);
  return (answer.json as { data: Entry }).data;
}

async function always(look: () => Promise<unknown>, expected: unknown): Promise<void> {
  for (let times = 0; times < ENOUGH; times++) assert.deepEqual(await look(), expected);
}

const names = async (path: string, query: string): Promise<unknown[]> =>
  (await api.get(`${path}?${query}`)).data<Entry[]>().map(({ name }) => name);

const clear = async (path: string): Promise<void> => {
  for (const { id } of (await api.get(`${path}?page[limit]=100`)).data<Entry[]>()) {
    assert.equal((await api.delete(`${path}/${id}`)).status, 204);
  }
};

const refusal = (answer: ApiAnswer): unknown => [
  answer.status,
  ...answer.errors.map(({ title, detail }) => `${title}|${detail}`),
];

test('a script has everything it was given, an id, times and users, and is seen everywhere at once', async () => {
  const before = Date.now();
  const answer = await api.post(SCRIPTS, { body: { name: 'up', script: 'uptime <&>', tags: [] } });
  assert.equal(answer.status, 201);
  assert.equal(answer.headers['content-type'], 'application/json; charset=UTF-8');
  const { data } = answer.json as { data: Entry };
  assert.match(data.id, UUID_4);
  const created = Date.parse(String(data.created_at));
  assert.ok(created >= before && created <= Date.now());
  const expected = {
    id: data.id,
    name: 'up',
    created_by: ADMIN.username,
    created_at: data.created_at,
    updated_by: ADMIN.username,
    updated_at: data.created_at,
    interpreter: '',
    is_sudo: false,
    cwd: '',
    script: 'uptime <&>',
    tags: [],
    timeout_sec: 60,
  };
  assert.deepEqual(data, expected);
  assert.deepEqual(Object.keys(data), Object.keys(expected));
  await always(async () => (await api.get(`${SCRIPTS}/${data.id}`)).data(), expected);
  await always(async () => (await api.get(SCRIPTS)).json, { data: [expected], meta: { count: 1 } });

  const changed = await api.put(`${SCRIPTS}/${data.id}`, {
    body: { name: 'up', script: 'w', interpreter: 'taco', is_sudo: true, cwd: '/', timeout_sec: -3 },
  });
  assert.equal(changed.status, 200);
  const next = (changed.json as { data: Entry }).data;
  assert.ok(String(next.updated_at) >= String(data.updated_at));
  assert.deepEqual(next, {
    ...expected,
    updated_at: next.updated_at,
    interpreter: 'taco',
    is_sudo: true,
    cwd: '/',
    script: 'w',
    tags: null,
    timeout_sec: -3,
  });
  await always(async () => (await api.get(SCRIPTS)).data(), [next]);

  const path = `${SCRIPTS}/${data.id}`;
  assert.deepEqual(
    [(await api.delete(path)).status, (await api.delete(path)).refusal],
    [204, '404 cannot find this entry by the provided id'],
  );
  await always(
    async () => (await api.get(path)).refusal,
    `404 Cannot find a script by the provided id: ${data.id}`,
  );
  await always(async () => (await api.get(SCRIPTS)).json, { data: [], meta: { count: 0 } });
});

test('a command is the same with cmd, and its timeout cannot be chosen', async () => {
  const data = await add(COMMANDS, { name: 'list', cmd: 'ls', tags: ['fs'], timeout_sec: 5 });
  assert.deepEqual(Object.keys(data), [
    'id',
    'name',
    'created_by',
    'created_at',
    'updated_by',
    'updated_at',
    'cmd',
    'tags',
    'timeout_sec',
  ]);
  assert.deepEqual([data.cmd, data.tags, data.timeout_sec], ['ls', ['fs'], 5]);
  const path = `${COMMANDS}/${data.id}`;
  assert.deepEqual((await api.get(`${path}?fields[commands]=cmd,tags`)).data(), { cmd: 'ls', tags: ['fs'] });
  assert.equal(
    (await api.get(`${path}?fields[commands]=timeout_sec`)).refusal,
    '400 unsupported field "timeout_sec" for resource "commands"',
  );
  assert.equal((await api.get(`${COMMANDS}/no`)).refusal, '404 Cannot find a command by the provided id: no');
  assert.deepEqual(refusal(await api.post(COMMANDS, { body: { name: 'x', script: 'ls' } })), [
    400,
    'Invalid JSON data.|json: unknown field "script"',
  ]);
  assert.equal(
    (await api.post(COMMANDS, { body: { name: 'list', cmd: 'x' } })).refusal,
    "409 another command with the same name 'list' exists",
  );
  await clear(COMMANDS);
});

test('what is wrong is said in the order body, entry, name', async () => {
  const one = await add(SCRIPTS, { name: 's1', script: 'x' });
  const other = await add(SCRIPTS, { name: 'S1', script: 'x' });
  await add(SCRIPTS, { name: 's*', script: 'x' });
  const both = [400, 'name is required|', 'script is required|'];
  assert.deepEqual(refusal(await api.post(SCRIPTS, { body: {} })), both);
  assert.deepEqual(refusal(await api.post(SCRIPTS, { body: 'null' })), both);
  assert.deepEqual(refusal(await api.put(`${SCRIPTS}/none`, { body: {} })), both);
  assert.deepEqual(refusal(await api.post(COMMANDS, { body: {} })), [
    400,
    'name is required|',
    'cmd is required|',
  ]);
  assert.equal((await api.post(SCRIPTS, { body: { name: 'x' } })).refusal, '400 script is required');
  assert.equal(
    (await api.post(SCRIPTS, { body: { name: 's1', script: 'y' } })).refusal,
    "409 another script with the same name 's1' exists",
  );
  const rename = (id: string) => api.put(`${SCRIPTS}/${id}`, { body: { name: 's1', script: 'z' } });
  assert.equal((await rename('none')).refusal, '404 cannot find entry by the provided ID');
  assert.equal((await rename(other.id)).refusal, "409 another script with the same name 's1' exists");
  assert.equal((await rename(one.id)).status, 200, 'its own name');
  assert.deepEqual((await api.get(`${SCRIPTS}/${other.id}`)).data(), other);
  await clear(SCRIPTS);
});

test('bodies: first value only, keys in any case, last one wins, nothing unknown, not too long', async () => {
  const answer = await api.post(SCRIPTS, { body: '{"NAME":"a","name":"b","Script":"x","tags":null}rest' });
  assert.equal(answer.status, 201, answer.text);
  assert.equal((answer.json as { data: Entry }).data.name, 'b');
  const bad = async (body: string | undefined) =>
    refusal(await api.post(SCRIPTS, body === undefined ? {} : { body }));
  assert.deepEqual(await bad('{"z":1}'), [400, 'Invalid JSON data.|json: unknown field "z"']);
  assert.deepEqual(await bad(undefined), [400, 'Missing body with json data.|']);
  assert.equal((await api.post(SCRIPTS, { body: '[]' })).refusal, '400 Invalid JSON data.');
  assert.equal((await api.post(SCRIPTS, { body: '{"tags":[1]}' })).refusal, '400 Invalid JSON data.');
  assert.deepEqual(await bad(JSON.stringify({ name: 'long', script: 'x'.repeat(10_240) })), [
    400,
    'Invalid JSON data.|http: request body too large',
  ]);
  assert.equal(
    (await api.get(`${SCRIPTS}?a=%zz`)).refusal,
    '400 Request data exceeds the limit of 10240 bytes: invalid URL escape "%zz"',
  );
  const open = server.anonymous();
  assert.equal((await open.get(SCRIPTS)).refusal, '401 unauthorized');
  assert.equal((await open.get(`${SCRIPTS}/`)).refusal, '404 404 page not found');
  assert.equal((await open.send('GET', '/api/v1//library/scripts')).status, 301);
  const patched = await open.send('PATCH', '/api/v1/library/scripts');
  assert.deepEqual([patched.status, patched.headers.allow], [405, 'GET, POST']);
  await clear(SCRIPTS);
});

test('lists: filters, order, pages and fields', async () => {
  const entries: readonly object[] = [
    { name: 'beta', script: 'echo 100%', tags: ['Linux', 'web'], interpreter: 'bash' },
    { name: 'Alpha', script: 'Echo k_2', tags: ['linux', 'DB'], is_sudo: true, cwd: '/tmp' },
    { name: 'gamma', script: 'line\nbreak', tags: [], interpreter: 'bash' },
    { name: 'delta', script: 'plain', is_sudo: true },
  ];
  for (const entry of entries) await add(SCRIPTS, entry);
  const expected: Readonly<Record<string, readonly string[]>> = {
    '': ['beta', 'Alpha', 'gamma', 'delta'],
    'sort=-created_at': ['delta', 'gamma', 'Alpha', 'beta'],
    'sort=name': ['Alpha', 'beta', 'delta', 'gamma'],
    'sort=--name': ['gamma', 'delta', 'beta', 'Alpha'],
    'sort=-is_sudo&sort=name': ['Alpha', 'delta', 'beta', 'gamma'],
    'sort=script': ['Alpha', 'beta', 'gamma', 'delta'],
    'filter[name]=alpha': [],
    'filter[name]=Alpha': ['Alpha'],
    'filter[name]=ALPH*': ['Alpha'],
    'filter[name]=and(Alpha,beta)': ['beta', 'Alpha'],
    'filter[name|interpreter]=bash,delta': ['beta', 'gamma', 'delta'],
    'filter[interpreter]=bash&filter[name]=g*': ['gamma'],
    'filter[script]=*100%25': ['beta'],
    'filter[script]=echo%20k?2': [],
    'filter[script]=*k_2': ['Alpha'],
    'filter[script]=*k_*': ['Alpha'],
    'filter[script]=line*break': ['gamma'],
    'filter[cwd]=': ['beta', 'gamma', 'delta'],
    'filter[is_sudo]=1': ['Alpha', 'delta'],
    'filter[is_sudo]=true': [],
    'filter[created_at]=2001-01-01': [],
    'filter[*]=*web*': ['beta'],
    'filter[tags]=LINUX': ['beta', 'Alpha'],
    'filter[tags]=and(linux,db)': ['Alpha'],
    'filter[tags]=and(linux,linux)': [],
    'filter[tags]=': ['delta'],
    'filter[tags|name]=db,GAMMA&sort=-name': ['gamma', 'Alpha'],
    'filter[tags]=linux&sort=name&page[limit]=1': ['Alpha'],
    'sort=name&page[limit]=2&page[offset]=1': ['beta', 'delta'],
  };
  for (const [query, wanted] of Object.entries(expected)) {
    assert.deepEqual(await names(SCRIPTS, query), wanted, query);
  }
  const page = await api.get(`${SCRIPTS}?filter[tags]=linux&page[offset]=5`);
  assert.deepEqual(page.json, { data: [], meta: { count: 2 } });
  assert.deepEqual((await api.get(`${SCRIPTS}?fields[scripts]=name,timeout_sec&filter[tags]=db`)).data(), [
    { name: 'Alpha', timeout_sec: 60 },
  ]);
  assert.deepEqual((await api.get(`${SCRIPTS}?fields[scripts]=script&filter[name]=delta`)).data(), [
    { script: 'plain' },
  ]);
  assert.deepEqual(
    (
      await api.get(
        `${SCRIPTS}?sort=no&filter[no]=1&filter[name][eq]=1&fields[scripts]=no&fields[x]=id&page[limit]=101&page[offset]=`,
      )
    ).titles,
    [
      "unsupported sort field 'no'",
      "unsupported filter field 'filter[no]'",
      "unsupported filter field 'filter[name][eq]'",
      'unsupported field "no" for resource "scripts"',
      'unsupported resource in fields: "x"',
      'pagination limit too big (101) maximum is 100',
      'pagination offset must be a number',
    ],
  );
  await clear(SCRIPTS);
});

test('of racing creations of one name, over both shards, one is acknowledged', async () => {
  for (let round = 0; round < 3; round++) {
    const body = { name: `race-${round}`, cmd: 'x' };
    const answers = await Promise.all(Array.from({ length: 16 }, () => api.post(COMMANDS, { body })));
    const statuses = answers.map(({ status }) => status).sort();
    assert.deepEqual(statuses, [201, ...Array<number>(15).fill(409)]);
    await always(async () => (await api.get(`${COMMANDS}?filter[name]=race-${round}`)).count, 1);
  }
  await clear(COMMANDS);
});

test('what was acknowledged is there after kill -9, and names are still unique', async () => {
  const gone = await add(SCRIPTS, { name: 'gone', script: 'x' });
  const changed = await add(SCRIPTS, { name: 'old', script: 'x' });
  assert.equal((await api.delete(`${SCRIPTS}/${gone.id}`)).status, 204);
  assert.equal(
    (await api.put(`${SCRIPTS}/${changed.id}`, { body: { name: 'new', script: 'y' } })).status,
    200,
  );
  const acknowledged = new Set<string>();
  let killed = false;
  // Writers go on until the server is gone: the kill comes between any two steps of a write.
  const writers = Array.from({ length: 4 }, async (_, writer) => {
    for (let n = 0; !killed; n++) {
      const name = `w${writer}-${n}`;
      const answer = await api.post(SCRIPTS, { body: { name, script: name } }).catch(() => undefined);
      if (answer === undefined) return;
      assert.equal(answer.status, 201, answer.text);
      acknowledged.add(name);
      if (acknowledged.size === 60) {
        killed = true;
        await server.kill();
      }
    }
  });
  await Promise.all(writers);
  await server.startAgain();
  const kept = new Set<unknown>();
  for (let offset = 0; ; offset += 100) {
    const page = (await api.get(`${SCRIPTS}?page[limit]=100&page[offset]=${offset}`)).data<Entry[]>();
    for (const { name, script } of page) {
      assert.ok(!kept.has(name), `${String(name)} is there twice`);
      kept.add(name);
      if (name !== 'new') assert.equal(script, name);
    }
    if (page.length < 100) break;
  }
  for (const name of acknowledged) assert.ok(kept.has(name), `${name} was acknowledged`);
  assert.ok(kept.has('new') && !kept.has('old') && !kept.has('gone'));
  for (const name of kept) {
    const answer = await api.post(SCRIPTS, { body: { name, script: 'again' } });
    assert.equal(answer.status, 409, `${String(name)} is taken`);
  }
  await add(SCRIPTS, { name: 'old', script: 'x' });
});
