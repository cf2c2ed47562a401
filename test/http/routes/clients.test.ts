import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Principal } from '../../../src/auth/principal.js';
import { createClientIndex } from '../../../src/clients/client-index.js';
import type { ClientRecord } from '../../../src/clients/record.js';
import { createApi } from '../../../src/http/api.js';
import { clientTagRoutes } from '../../../src/http/routes/client-tags.js';
import { clientRoutes } from '../../../src/http/routes/clients.js';
import { apiContext } from '../../support/api-context.js';
import { clientRecord } from '../../support/client-record.js';
import { type Injected, inject } from '../../support/inject.js';
import { ManualClock } from '../../support/manual-clock.js';
import { admin, member } from '../../support/viewers.js';

type Get = (path: string, viewer?: Principal) => Promise<Injected>;

function api(...records: ClientRecord[]): Get {
  const server = { purgeDisconnectedClients: false, keepDisconnectedClients: 0 };
  const clients = createClientIndex({ server, clock: new ManualClock() });
  for (const record of records) clients.apply({ type: 'saved', record });
  let caller = admin;
  const context = apiContext({ clients, auth: { authenticate: () => caller } });
  const handler = createApi({ context, routes: [...clientRoutes, ...clientTagRoutes] });
  return (path, viewer = admin) => {
    caller = viewer;
    return inject(handler, { url: `/api/v1${path}` });
  };
}

const titles = (answer: Injected): string[] =>
  (answer.json() as { errors: { title: string }[] }).errors.map(({ title }) => title);

const lab = clientRecord('c1', { name: 'Lab One', tags: ['Linux', 'Datacenter 3', 'TAG1'] });

test('GET /clients answers data and the count before pagination', async () => {
  const get = api(lab, clientRecord('c2'));
  const answer = await get('/clients?page[limit]=1');
  assert.equal(answer.status, 200);
  assert.equal(answer.header('content-type'), 'application/json; charset=UTF-8');
  assert.equal(
    answer.text,
    '{"data":[{"id":"c1","name":"Lab One","hostname":"host-c1"}],"meta":{"count":2}}',
  );
  assert.equal((await get('/clients', member('g'))).text, '{"data":[],"meta":{"count":0}}');
});

test('GET /clients refuses with everything that is wrong, in order, and only then more than one sort', async () => {
  const get = api(lab);
  const wrong = await get(
    '/clients?sort=size&filter[mem_total]=1&fields[clients]=size&fields[others]=id&page[limit]=a&page[offset]=-1',
  );
  assert.equal(wrong.status, 400);
  assert.deepEqual(titles(wrong), [
    "unsupported sort field 'size'",
    "unsupported filter field 'filter[mem_total]'",
    'unsupported field "size" for resource "clients"',
    'unsupported resource in fields: "others"',
    'pagination limit must be a number',
    'pagination offset must not be negative',
  ]);
  assert.deepEqual(titles(await get('/clients?sort=id&sort=name&page[limit]=501')), [
    'pagination limit too big (501) maximum is 500',
  ]);
  const sorts = await get('/clients?sort=id&sort=name');
  assert.equal(sorts.status, 400);
  assert.deepEqual(titles(sorts), ['Only one sort field is supported for clients.']);
  assert.equal((await get('/clients?sort=id&sort=')).status, 200);
});

test('GET /clients filters by the query language', async () => {
  const get = api(lab);
  const found = async (query: string): Promise<number> =>
    ((await get(`/clients?${query}`)).json() as { meta: { count: number } }).meta.count;
  for (const query of [
    'filter[tags]=tag1',
    'filter[tags]=and(Linux,TAG1)',
    'filter[tags]=Linux&filter[tags]=nope',
    'filter[name]xyz=lab*',
    'filter[allowed_user_groups]=*',
    'filter[num_cpus]=2',
    'filter[*]=lab*',
    'filter[name%7Chostname]=lab*',
    'filter[name]=nope,+LAB+ONE+',
  ]) {
    assert.equal(await found(query), 1, query);
  }
  for (const query of ['filter[tags]=and(Linux,nope)', 'filter[tags]=and(Linux,Linux)', 'filter[tags]=']) {
    assert.equal(await found(query), 0, query);
  }
  assert.deepEqual(titles(await get('/clients?filter[name][eq]=x')), [
    "unsupported filter field 'filter[name][eq]'",
  ]);
});

test('GET /clients/{client_id} answers all fields or the chosen ones, without meta', async () => {
  const get = api(lab, clientRecord('a b/c'));
  const whole = (await get('/clients/c1')).json() as { data: Record<string, unknown>; meta?: unknown };
  assert.equal(Object.keys(whole.data).length, 34);
  assert.equal('meta' in whole, false);
  assert.equal(
    (await get('/clients/c1?fields[clients]=name,id')).text,
    '{"data":{"id":"c1","name":"Lab One"}}',
  );
  assert.equal(
    (await get('/clients/c1?sort=x&page[limit]=x&fields[clients]=id')).text,
    '{"data":{"id":"c1"}}',
  );
});

test('GET /clients/{client_id} refuses unknown clients, then those out of reach, then unknown fields', async () => {
  const get = api(lab);
  const unknown = await get('/clients/nobody?fields[clients]=x', member('g'));
  assert.equal(unknown.status, 404);
  assert.deepEqual(titles(unknown), ['Client with id="nobody" not found.']);
  const denied = await get('/clients/c1?fields[clients]=x', member('g'));
  assert.equal(denied.status, 403);
  assert.deepEqual(titles(denied), ['Access denied to client(s) with ID(s): c1']);
  const field = await get('/clients/c1?fields[clients]=');
  assert.equal(field.status, 400);
  assert.deepEqual(titles(field), ['unsupported field "" for resource "clients"']);
});

test('GET /client-tags answers the tags of what the caller sees', async () => {
  const get = api(lab, clientRecord('c2', { tags: ['Linux'], allowedUserGroups: ['g'] }));
  assert.equal(
    (await get('/client-tags')).text,
    '{"data":[{"tag":"Datacenter 3","client_ids":["c1"]},{"tag":"Linux","client_ids":["c1","c2"]},' +
      '{"tag":"TAG1","client_ids":["c1"]}],"meta":{"count":3}}',
  );
  assert.equal(
    (await get('/client-tags?page[limit]=1&fields[client_tags]=tag')).text,
    '{"data":[{"tag":"Datacenter 3"}],"meta":{"count":3}}',
  );
  assert.equal(
    (await get('/client-tags', member('g'))).text,
    '{"data":[{"tag":"Linux","client_ids":["c2"]}],"meta":{"count":1}}',
  );
  assert.deepEqual(titles(await get('/client-tags?sort=tag&filter[tag]=x&fields[client_tags]=x')), [
    "unsupported sort field 'tag'",
    "unsupported filter field 'filter[tag]'",
    'unsupported field "x" for resource "client_tags"',
  ]);
  assert.equal((await get('/client-tags?filter[*]=x')).status, 200);
});
