/** The routes of client groups over a real store. Spec 03 §7.3 and §15.5. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Principal } from '../../../src/auth/principal.js';
import { createClientIndex, type LoadableClientIndex } from '../../../src/clients/client-index.js';
import { createClientGroups } from '../../../src/clients/groups/client-groups.js';
import type { ClientGroupChange } from '../../../src/clients/groups/group.js';
import type { ClientRecord } from '../../../src/clients/record.js';
import { createApi } from '../../../src/http/api.js';
import { clientGroupRoutes } from '../../../src/http/routes/client-groups.js';
import { clientRoutes } from '../../../src/http/routes/clients.js';
import { openStore } from '../../../src/store/open.js';
import { apiContext } from '../../support/api-context.js';
import { clientRecord } from '../../support/client-record.js';
import { type Injected, inject } from '../../support/inject.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { tempFolder } from '../../support/temp-folder.js';
import { admin, member } from '../../support/viewers.js';

interface World {
  readonly index: LoadableClientIndex;
  readonly published: readonly ClientGroupChange[];
  call(method: string, path: string, body?: unknown, viewer?: Principal): Promise<Injected>;
  get(path: string, viewer?: Principal): Promise<unknown>;
  /** Adds a group as an administrator. */
  add(group: object): Promise<void>;
  save(...records: ClientRecord[]): void;
}

function world(test: TestContext): World {
  const clock = new ManualClock();
  const store = openStore(tempFolder(test), { log: new MemoryLogger(), clock });
  test.after(() => store.close());
  const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
  const index = createClientIndex({ server, clock, clientGroups: store.clientGroups });
  const published: ClientGroupChange[] = [];
  const clientGroups = createClientGroups({
    store,
    index,
    publish: (change) => published.push(change),
    published: () => Promise.resolve(),
  });
  let caller = admin;
  const context = apiContext({ clients: index, clientGroups, auth: { authenticate: () => caller } });
  const handler = createApi({ context, routes: [...clientGroupRoutes, ...clientRoutes] });
  const call: World['call'] = (method, path, body, viewer = admin) => {
    caller = viewer;
    const url = `/api/v1${path}`;
    return inject(handler, body === undefined ? { method, url } : { method, url, body: body as object });
  };
  return {
    index,
    published,
    call,
    async get(path, viewer) {
      const answer = await call('GET', path, undefined, viewer);
      assert.equal(answer.status, 200, answer.text);
      return answer.json();
    },
    async add(group) {
      assert.equal((await call('POST', '/client-groups', group)).status, 201);
    },
    save(...records) {
      for (const record of records) index.apply({ type: 'saved', record });
    },
  };
}

const refusal = (answer: Injected): unknown[] => {
  const [{ title, detail }] = (answer.json() as { errors: [{ title: string; detail: string }] }).errors;
  return [answer.status, title, detail];
};

const unset = {
  client_id: null,
  name: null,
  os: null,
  os_arch: null,
  os_family: null,
  os_kernel: null,
  hostname: null,
  ipv4: null,
  ipv6: null,
  tag: null,
  version: null,
  address: null,
  client_auth_id: null,
  connection_state: null,
};

test('POST adds a group, GET shows it with all keys in order', async (t) => {
  const { call, get, save, published } = world(t);
  save(clientRecord('b', { tags: ['x'] }), clientRecord('A', { tags: ['X'] }), clientRecord('c'));
  save(clientRecord('z', { tags: ['x'], disconnectedAt: '2026-01-01T00:00:00.000Z' }));
  const tag = { And: ['x', null] };
  const answer = await call('POST', '/client-groups', {
    id: 'g1',
    description: '<first>',
    params: { tag: { or: ['x'] }, name: null, OS_Kernel: ['lin*', null] },
    allowed_user_groups: ['ops', 'nobody has it'],
    client_ids: ['ignored'],
  });
  assert.deepEqual([answer.status, answer.text], [201, '']);
  const text = (await call('GET', '/client-groups/g1')).text;
  assert.equal(
    text,
    '{"data":{"id":"g1","description":"\\u003cfirst\\u003e","params":{"client_id":null,"name":null,"os":null,' +
      '"os_arch":null,"os_family":null,"os_kernel":["lin*",""],"hostname":null,"ipv4":null,"ipv6":null,' +
      '"tag":{"or":["x"]},"version":null,"address":null,"client_auth_id":null,"connection_state":null},' +
      '"allowed_user_groups":["ops","nobody has it"],"client_ids":["A","b","z"],"num_clients":3,' +
      '"num_clients_connected":2}}',
  );
  assert.deepEqual(
    published.map(({ type }) => type),
    ['saved'],
  );
  assert.equal((await call('POST', '/client-groups', { id: 'echo', params: { tag } })).status, 201);
  assert.deepEqual(await get('/client-groups/echo'), {
    data: {
      id: 'echo',
      description: '',
      params: { ...unset, tag },
      allowed_user_groups: null,
      client_ids: null,
      num_clients: 0,
      num_clients_connected: 0,
    },
  });
});

test('a group without params is one without members; an id that exists is a conflict', async (t) => {
  const { call, get, save } = world(t);
  save(clientRecord('c'));
  for (const [id, body] of [
    ['missing', {}],
    ['null', { params: null }],
    ['empty', { params: {} }],
    ['nulls', { params: { name: null, tag: null } }],
  ] as const) {
    assert.equal((await call('POST', '/client-groups', { id, ...body })).status, 201);
    const { data } = (await get(`/client-groups/${id}`)) as { data: Record<string, unknown> };
    assert.deepEqual([data.params, data.client_ids], [unset, null]);
  }
  const again = { id: 'empty', params: { name: ['*'] } };
  assert.deepEqual(refusal(await call('POST', '/client-groups', again)), [
    409,
    'Client Group[id="empty"] already exists.',
    '',
  ]);
  const [one, other] = await Promise.all(
    ['first', 'second'].map((description) => call('POST', '/client-groups', { id: 'race', description })),
  );
  assert.deepEqual([one?.status, other?.status].sort(), [201, 409]);
  assert.deepEqual(await get('/client-groups/empty?fields[client_groups]=params'), {
    data: { params: unset },
  });
});

test('bodies that are refused change nothing', async (t) => {
  const { call, get, published } = world(t);
  for (const [body, title, detail] of [
    ['', 'Missing body with json data.', ''],
    ['[]', 'Invalid JSON data.', null],
    [{ id: 'g', num_clients: 1 }, 'Invalid JSON data.', 'json: unknown field "num_clients"'],
    [{ id: 'g', params: { tags: ['x'] } }, 'Invalid JSON data.', 'json: unknown field "tags"'],
    [{ id: 'g', params: { name: 'x' } }, 'Invalid JSON data.', null],
    [{ id: 'g', params: { name: [1] } }, 'Invalid JSON data.', null],
    [{ id: 'g', client_ids: 5 }, 'Invalid JSON data.', null],
    [{ id: 'g', allowed_user_groups: 'x' }, 'Invalid JSON data.', null],
    ['null', 'Invalid client group.', 'group ID cannot be empty'],
    [{ id: '', params: { tag: [] } }, 'Invalid client group.', 'group ID cannot be empty'],
    [{ id: 'g', params: { tag: [] } }, 'Invalid client group.', 'error parsing tags group definitions'],
    [
      { id: 'g', params: { tag: { not: ['x'] } } },
      'Invalid client group.',
      'error, only and/or is allowed for tags group definitions',
    ],
    [{ id: 'g', params: { tag: 'x' } }, 'Invalid client group.', 'error parsing tags group definitions'],
  ] as const) {
    const [status, shown, more] = refusal(await call('POST', '/client-groups', body));
    assert.deepEqual([status, shown], [400, title], JSON.stringify(body));
    if (detail !== null) assert.equal(more, detail);
  }
  assert.deepEqual(await get('/client-groups'), { data: [], meta: { count: 0 } });
  assert.deepEqual(published, []);
});

test('PUT replaces the whole or adds; the id of the body comes before its content', async (t) => {
  const { call, get, save, published } = world(t);
  save(clientRecord('c'));
  const put = (id: string, body: object): Promise<Injected> => call('PUT', `/client-groups/${id}`, body);
  const first = { id: 'g', description: 'd', params: { name: ['client*'] }, allowed_user_groups: ['x'] };
  assert.deepEqual([(await put('g', first)).status, (await put('g', first)).text], [204, '']);
  assert.equal((await put('g', { id: 'g', params: { hostname: ['*'] } })).status, 204);
  assert.deepEqual(await get('/client-groups/g'), {
    data: {
      id: 'g',
      description: '',
      params: { ...unset, hostname: ['*'] },
      allowed_user_groups: null,
      client_ids: ['c'],
      num_clients: 1,
      num_clients_connected: 1,
    },
  });
  const mismatch = '"group_id" route param doesn\'t not match group ID from request body.';
  assert.deepEqual(refusal(await put('g', { id: '?', params: { tag: [] } })), [400, mismatch, '']);
  assert.deepEqual(refusal(await put('G', { id: 'g' })), [400, mismatch, '']);
  assert.deepEqual(refusal(await put('%3F', { id: '?' })), [
    400,
    'Invalid client group.',
    'invalid group ID "?": can contain only "A-Za-z0-9_-*"',
  ]);
  assert.equal(published.length, 3);
});

test('DELETE succeeds whether or not there is such a group', async (t) => {
  const { call, add } = world(t);
  await add({ id: 'g' });
  for (const id of ['g', 'g', 'never', `${'x'.repeat(3000)}`, '%00']) {
    const answer = await call('DELETE', `/client-groups/${id}`);
    assert.deepEqual([answer.status, answer.text], [204, '']);
  }
  assert.deepEqual(refusal(await call('GET', '/client-groups/g')), [
    404,
    'Client Group[id="g"] not found.',
    '',
  ]);
  assert.deepEqual(refusal(await call('GET', '/client-groups/z"z')), [
    404,
    'Client Group[id="z\\"z"] not found.',
    '',
  ]);
});

test('only administrators change groups; ids are told apart by letter case', async (t) => {
  const { call, add } = world(t);
  await add({ id: 'g' });
  const viewer = member('ops');
  for (const [method, path] of [
    ['POST', '/client-groups'],
    ['PUT', '/client-groups/g'],
    ['DELETE', '/client-groups/g'],
  ] as const) {
    const answer = await call(method, path, { id: 'g' }, viewer);
    assert.deepEqual(refusal(answer), [
      403,
      'current user should belong to Administrators group to access this resource',
      '',
    ]);
  }
  assert.equal((await call('GET', '/client-groups/g', undefined, viewer)).status, 200);
  assert.equal((await call('GET', '/client-groups/G', undefined, viewer)).status, 404);
});

const idsOf = (answer: unknown): string[] => (answer as { data: { id: string }[] }).data.map(({ id }) => id);

test('the list: sorting, filters, fields and pages', async (t) => {
  const { call, get, add } = world(t);
  await add({ id: 'b', description: 'Same' });
  await add({ id: 'B', description: 'Same' });
  await add({ id: 'a_1', description: 'Zeta 100%' });
  await add({ id: 'ab1', description: '' });
  const ids = async (query: string): Promise<string[]> => idsOf(await get(`/client-groups?${query}`));
  assert.deepEqual(await get('/client-groups?page[limit]=1&page[offset]=1'), {
    data: [{ id: 'a_1', description: 'Zeta 100%' }],
    meta: { count: 4 },
  });
  assert.deepEqual(await ids(''), ['B', 'a_1', 'ab1', 'b'], 'letter case counts');
  assert.deepEqual(await ids('sort=-id'), ['b', 'ab1', 'a_1', 'B']);
  assert.deepEqual(await ids('sort=description&sort=-id'), ['ab1', 'b', 'B', 'a_1']);
  assert.deepEqual(await ids('filter[id]=b'), ['b'], 'exact without wildcard');
  assert.deepEqual(await ids('filter[id]=b*'), ['B', 'b'], 'any letter case with one');
  assert.deepEqual(await ids('filter[id]=a_*'), ['a_1'], 'only the star is a wildcard');
  assert.deepEqual(await ids('filter[description]=*100%25'), ['a_1']);
  assert.deepEqual(await ids('filter[description]='), ['ab1']);
  assert.deepEqual(await ids('filter[id]=and(b,B)'), ['B', 'b'], 'and() means or');
  assert.deepEqual(await ids('filter[id]=b,a_1&filter[description]=Same'), ['b']);
  assert.deepEqual(await ids('filter[*]=same*'), ['B', 'b']);
  assert.deepEqual(await ids('filter[id|description]=ab1,Same'), ['B', 'ab1', 'b']);
  assert.deepEqual(await ids('page[offset]=9'), []);
  assert.deepEqual(await get('/client-groups?fields[client_groups]=num_clients,id&filter[id]=b'), {
    data: [{ id: 'b', num_clients: 0 }],
    meta: { count: 1 },
  });
  const wrong = await call(
    'GET',
    '/client-groups?sort=params&filter[params]=1&fields[client_groups]=size&page[limit]=501',
  );
  assert.deepEqual(
    (wrong.json() as { errors: { title: string }[] }).errors.map(({ title }) => title),
    [
      "unsupported sort field 'params'",
      "unsupported filter field 'filter[params]'",
      'unsupported field "size" for resource "client_groups"',
      'pagination limit too big (501) maximum is 500',
    ],
  );
  assert.deepEqual(refusal(await call('GET', '/client-groups/b?fields[client_groups]=size')), [
    400,
    'unsupported field "size" for resource "client_groups"',
    '',
  ]);
});

test('users see groups that have a client of theirs, with those clients only, through whatever group', async (t) => {
  const { get, add, save } = world(t);
  save(clientRecord('a', { allowedUserGroups: ['ops'] }), clientRecord('b'), clientRecord('c'));
  await add({ id: 'all', params: { client_id: ['*'] } });
  await add({ id: 'opens', params: { client_id: ['b'] }, allowed_user_groups: ['ops', 'dev'] });
  await add({ id: 'only-c', params: { client_id: ['c'] } });
  await add({ id: 'none' });
  const fields = 'fields[client_groups]=id,client_ids,num_clients,num_clients_connected';
  const list = async (viewer?: Principal, query = ''): Promise<unknown> =>
    get(`/client-groups?${fields}${query}`, viewer);
  const row = (id: string, clients: string[] | null, connected = clients?.length ?? 0): object => ({
    id,
    client_ids: clients,
    num_clients: clients?.length ?? 0,
    num_clients_connected: connected,
  });
  assert.deepEqual(await list(), {
    data: [row('all', ['a', 'b', 'c']), row('none', null), row('only-c', ['c']), row('opens', ['b'])],
    meta: { count: 4 },
  });
  assert.deepEqual(await list(member('ops')), {
    data: [row('all', ['a', 'b']), row('opens', ['b'])],
    meta: { count: 2 },
  });
  assert.deepEqual(await list(member('ops'), '&page[limit]=1&page[offset]=1'), {
    data: [row('opens', ['b'])],
    meta: { count: 2 },
  });
  // What another group opens counts, too.
  assert.deepEqual(await list(member('dev'), '&filter[id]=all'), {
    data: [row('all', ['b'])],
    meta: { count: 1 },
  });
  assert.deepEqual(await list(member('other')), { data: [], meta: { count: 0 } });
  assert.deepEqual(await get(`/client-groups/all?${fields}`, member('dev')), { data: row('all', ['b']) });
  assert.deepEqual(await get(`/client-groups/only-c?${fields}`, member('dev')), {
    data: row('only-c', null),
  });
  save(clientRecord('b', { disconnectedAt: '2026-01-01T00:00:00.000Z' }));
  assert.deepEqual(await list(member('dev')), {
    data: [row('all', ['b'], 0), row('opens', ['b'], 0)],
    meta: { count: 2 },
  });
});

test('the list of clients and one client follow the groups', async (t) => {
  const { call, get, add, save } = world(t);
  save(clientRecord('a'), clientRecord('b', { name: 'Web' }));
  assert.equal((await call('GET', '/clients/b', undefined, member('ops'))).status, 403);
  await add({ id: 'Z', params: { name: ['web'] }, allowed_user_groups: ['ops'] });
  await add({ id: 'y', params: { client_id: ['*'] } });
  assert.deepEqual(await get('/clients?fields[clients]=id,groups', member('ops')), {
    data: [{ id: 'b', groups: ['y', 'Z'] }],
    meta: { count: 1 },
  });
  assert.equal((await call('GET', '/clients/b', undefined, member('ops'))).status, 200);
  assert.deepEqual(refusal(await call('GET', '/clients/nobody', undefined, member('ops')))[0], 404);
  assert.deepEqual(idsOf(await get('/clients?filter[groups]=z')), ['b']);
  assert.deepEqual(idsOf(await get('/clients?filter[groups]=and(y,z)')), ['b']);
  assert.deepEqual(idsOf(await get('/clients?filter[groups]=*')), ['a', 'b']);
  assert.equal((await call('DELETE', '/client-groups/Z')).status, 204);
  assert.deepEqual(idsOf(await get('/clients', member('ops'))), []);
  assert.equal((await call('GET', '/clients/b', undefined, member('ops'))).status, 403);
  assert.deepEqual(idsOf(await get('/clients?filter[groups]=z')), []);
});
