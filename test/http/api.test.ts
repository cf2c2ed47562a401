import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gunzipSync, inflateRawSync } from 'node:zlib';
import Type from 'typebox';
import { makePrincipal, type Principal } from '../../src/auth/principal.js';
import type { ClientIndex } from '../../src/clients/read-model.js';
import type { ClientRecord } from '../../src/clients/record.js';
import { AppError, AppErrorList } from '../../src/errors.js';
import { createApi } from '../../src/http/api.js';
import type { FinishedRequest } from '../../src/http/call.js';
import type { Access, ApiReply, ApiRequest, Route } from '../../src/http/route.js';
import { type ApiContextParts, apiContext, silentLog } from '../support/api-context.js';
import { type Injected, type InjectedRequest, inject } from '../support/inject.js';

const user: Principal = makePrincipal('eve', ['staff'], null);
const powerless: Principal = makePrincipal('eve', ['staff'], []);

/** Knows `c1`, which only administrators and `staff` may see, and `c2`, which only administrators may see. */
const clients = {
  get: (id: string) => (id === 'c1' || id === 'c2' ? ({ id } as ClientRecord) : undefined),
  canAccess: (id: string, viewer: Principal) => viewer.admin || id === 'c1',
} as unknown as ClientIndex;

interface RouteParts {
  method?: Route['method'];
  path?: string;
  access?: Access;
  body?: Route['body'];
  limits?: false;
  handler?: (request: ApiRequest) => ApiReply | Promise<ApiReply>;
}

function route(parts: RouteParts = {}): Route {
  return {
    method: 'GET',
    path: '/thing',
    access: { kind: 'user' },
    docs: { summary: '', tag: '' },
    responses: { 200: null },
    handler: () => ({ status: 200, data: 'reached' }),
    ...parts,
  } as Route;
}

function call(parts: RouteParts, request: InjectedRequest, context: ApiContextParts = {}): Promise<Injected> {
  return inject(createApi({ routes: [route(parts)], context: apiContext({ clients, ...context }) }), request);
}

const unauthorized = () => {
  throw new AppError('unauthorized');
};
const thing = '/api/v1/thing';
const errors = (...items: { title: string; detail?: string; code?: string }[]) => ({
  errors: items.map(({ title, detail = '', code = '' }) => ({ code, title, detail })),
});

test('a success is wrapped, with count when the route counts', async () => {
  const plain = await call({}, { url: thing });
  assert.equal(plain.status, 200);
  assert.equal(plain.text, '{"data":"reached"}');
  assert.equal(plain.header('content-type'), 'application/json; charset=UTF-8');
  assert.equal(plain.header('vary'), 'Accept-Encoding');
  const paged = await call(
    { handler: () => ({ status: 200, data: [1], meta: { count: 7 } }) },
    { url: thing },
  );
  assert.equal(paged.text, '{"data":[1],"meta":{"count":7}}');
});

test('a finished document and an empty answer go out as they are', async () => {
  assert.equal(
    (await call({ handler: () => ({ status: 200, json: '{"x":1}' }) }, { url: thing })).text,
    '{"x":1}',
  );
  const empty = await call({ handler: () => ({ status: 204, empty: true }) }, { url: thing });
  assert.deepEqual([empty.status, empty.text, empty.header('content-type')], [204, '', '']);
});

test('an unknown path is 404 text, whoever asks', async () => {
  for (const url of ['/api/v1/nothing', '/api/v1/thing/', '/', '/api/v1', '/thing', '/api/v1/th%2Fing']) {
    const answer = await call({}, { url }, { auth: { authenticate: unauthorized } });
    assert.deepEqual([url, answer.status, answer.text], [url, 404, '404 page not found\n']);
    assert.equal(answer.header('content-type'), 'text/plain; charset=utf-8');
    assert.equal(answer.header('x-content-type-options'), 'nosniff');
    assert.equal(answer.header('vary'), '');
  }
});

test('a wrong method on a known path is 405 with Allow, whoever asks', async () => {
  for (const method of ['POST', 'HEAD', 'OPTIONS', 'PATCH', 'constructor']) {
    const answer = await call({}, { method, url: thing }, { auth: { authenticate: unauthorized } });
    assert.deepEqual([answer.status, answer.header('allow')], [405, 'GET']);
    assert.deepEqual(answer.json(), errors({ title: 'method not allowed' }));
  }
});

test('an unclean path redirects to the clean one with its query', async () => {
  const answer = await call({}, { url: '/api//v1/./thing?a=1' });
  assert.deepEqual([answer.status, answer.header('location')], [301, '/api/v1/thing?a=1']);
});

test('a broken escape in the path is 400', async () => {
  assert.equal((await call({}, { url: '/api/v1/%zz' })).status, 400);
});

test('nobody gets past authentication, synchronous or not', async () => {
  const answer = await call({}, { url: thing }, { auth: { authenticate: unauthorized } });
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.json(), errors({ title: 'unauthorized' }));
  assert.equal(answer.header('www-authenticate'), '');
  const later = await call({}, { url: thing }, { auth: { authenticate: async () => unauthorized() } });
  assert.equal(later.status, 401);
});

test('a caller who must wait is told how long', async () => {
  const waits = (retryAfterSeconds: number) => () => {
    throw new AppError('too_many_requests', { retryAfterSeconds });
  };
  const answer = await call({}, { url: thing }, { auth: { authenticate: waits(7) } });
  assert.deepEqual([answer.status, answer.header('retry-after')], [429, '7']);
});

test('a banned address is refused with text, also on open routes', async () => {
  const banned = () => {
    throw new AppError('banned');
  };
  const secure = await call({}, { url: thing }, { auth: { authenticate: banned } });
  const guard = { isBanned: (_: string, ip: string) => ip === '9.9.9.9' } as never;
  const open = await call({ access: { kind: 'open' } }, { url: thing, remoteAddress: '9.9.9.9' }, { guard });
  for (const answer of [secure, open]) {
    assert.deepEqual([answer.status, answer.text], [423, 'Too many bad attempts. Please try later.\n']);
    assert.equal(answer.header('content-type'), 'text/plain; charset=utf-8');
  }
  assert.equal((await call({ access: { kind: 'open' } }, { url: thing }, { guard })).status, 200);
});

test('a client must exist, then be visible, and only then permissions count', async () => {
  const parts: RouteParts = {
    path: '/clients/{client_id}/x',
    access: { kind: 'user', client: true, permission: 'tunnels', admin: true },
  };
  const auth = { authenticate: () => powerless };
  const title = async (url: string, more: ApiContextParts): Promise<unknown> => {
    const answer = await call(parts, { url }, more);
    return [answer.status, (answer.json() as { errors: { title: string }[] }).errors?.[0]?.title];
  };
  assert.deepEqual(await title('/api/v1/clients/a%22b/x', { auth }), [
    404,
    'Client with id="a\\"b" not found.',
  ]);
  assert.deepEqual(await title('/api/v1/clients/c2/x', { auth }), [
    403,
    'Access denied to client(s) with ID(s): c2',
  ]);
  assert.deepEqual(await title('/api/v1/clients/c1/x', { auth }), [
    403,
    'user does not have "tunnels" permission',
  ]);
  assert.deepEqual(await title('/api/v1/clients/c1/x', { auth: { authenticate: () => user } }), [
    403,
    'current user should belong to Administrators group to access this resource',
  ]);
  assert.equal((await call(parts, { url: '/api/v1/clients/c2/x' })).status, 200);
});

test('a bad query is refused in text after the access checks, except where limits are off', async () => {
  const text = 'Request data exceeds the limit of 10240 bytes: ';
  for (const [query, cause] of [
    ['a=%zz', 'invalid URL escape "%zz"'],
    ['a=1;b=2', 'invalid semicolon separator in query'],
  ] as const) {
    const answer = await call({}, { url: `${thing}?${query}` });
    assert.deepEqual([answer.status, answer.text], [400, `${text}${cause}\n`]);
    assert.equal((await call({ limits: false }, { url: `${thing}?${query}` })).status, 200);
    const nobody = await call({}, { url: `${thing}?${query}` }, { auth: { authenticate: unauthorized } });
    assert.equal(nobody.status, 401);
  }
});

const post: RouteParts = {
  method: 'POST',
  body: Type.Object({ name: Type.String() }),
  handler: (request) => ({ status: 200, data: request.body }),
};

test('a JSON body is accepted whatever the content type says', async () => {
  for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain', '']) {
    const answer = await call(post, {
      method: 'POST',
      url: thing,
      headers: { 'Content-Type': type },
      body: '{"NAME":"x"}!',
    });
    assert.deepEqual(answer.json(), { data: { name: 'x' } });
  }
});

test("a body that is missing, wrong or too large is the caller's mistake", async () => {
  const refused = async (body: string, headers = {}): Promise<Injected> => {
    const answer = await call(post, { method: 'POST', url: thing, body, headers });
    assert.equal(answer.status, 400);
    return answer;
  };
  assert.deepEqual((await refused('')).json(), errors({ title: 'Missing body with json data.' }));
  assert.deepEqual(
    (await refused('{"z":1}')).json(),
    errors({ title: 'Invalid JSON data.', detail: 'json: unknown field "z"' }),
  );
  const large = `{"name":"${'x'.repeat(20_000)}"}`;
  assert.deepEqual(
    (await refused(large)).json(),
    errors({ title: 'Invalid JSON data.', detail: 'http: request body too large' }),
  );
  const form = await refused(large, { 'Content-Type': 'application/x-www-form-urlencoded' });
  assert.equal(form.text, 'Request data exceeds the limit of 10240 bytes: http: request body too large\n');
});

test('routes without a schema get the raw bytes', async () => {
  const parts: RouteParts = {
    method: 'POST',
    handler: ({ rawBody }) => ({ status: 200, data: String(rawBody) }),
  };
  assert.equal((await call(parts, { method: 'POST', url: thing, body: 'a=b' })).text, '{"data":"a=b"}');
});

test('several refusals are one item each under the status of the first', async () => {
  const handler = () => {
    throw new AppErrorList([
      new AppError('bad_request', { title: 'a', detail: 'why' }),
      new AppError('conflict', { title: 'b', apiCode: 'ERR_CODE_X' }),
    ]);
  };
  const answer = await call({ handler }, { url: thing });
  assert.equal(answer.status, 400);
  assert.deepEqual(answer.json(), errors({ title: 'a', detail: 'why' }, { title: 'b', code: 'ERR_CODE_X' }));
});

test('an unexpected failure tells the log, not the caller', async () => {
  const lines: string[] = [];
  const log = { ...silentLog, error: (line: string) => lines.push(line) };
  for (const handler of [
    () => {
      throw new Error('SQL: secret');
    },
    async () => {
      throw new AppError('internal', { detail: '', cause: new Error('SQL: secret') });
    },
  ]) {
    const answer = await call({ handler }, { url: thing }, { log });
    assert.deepEqual([answer.status, answer.json()], [500, errors({ title: 'internal error' })]);
  }
  assert.equal(lines.length, 2);
  for (const line of lines) assert.match(line, /^GET \/api\/v1\/thing: .*SQL: secret/);
});

test('overload asks to come back', async () => {
  const handler = () => {
    throw new AppError('overloaded');
  };
  const answer = await call({ handler }, { url: thing });
  assert.deepEqual([answer.status, answer.header('retry-after')], [503, '1']);
});

test('large answers are compressed with the first encoding the caller names', async () => {
  const large: RouteParts = { handler: () => ({ status: 200, data: 'x'.repeat(5000) }) };
  const get = (encoding: string, headers = {}) =>
    call(large, { url: thing, headers: { 'Accept-Encoding': encoding, ...headers } });
  const packed = await get('br, gzip, deflate');
  assert.equal(packed.header('content-encoding'), 'gzip');
  assert.equal(gunzipSync(packed.body).length, 5011);
  const raw = await get('deflate, gzip');
  assert.equal(raw.header('content-encoding'), 'deflate');
  assert.equal(inflateRawSync(raw.body).length, 5011);
  for (const answer of [
    await get('gzip;q=0.5'),
    await get(''),
    await get('gzip', { Upgrade: 'websocket' }),
  ]) {
    assert.equal(answer.header('content-encoding'), '');
    assert.equal(answer.body.length, 5011);
  }
  const small = await call({}, { url: thing, headers: { 'Accept-Encoding': 'gzip' } });
  assert.equal(small.header('content-encoding'), '');
});

test('X-Forwarded-For counts from trusted proxies only', async () => {
  const parts: RouteParts = { handler: ({ ip }) => ({ status: 200, data: ip }) };
  const headers = { 'X-Forwarded-For': '8.8.8.8' };
  const ip = async (remoteAddress: string): Promise<unknown> => {
    const answer = await call(
      parts,
      { url: thing, headers, remoteAddress },
      { api: { trustedProxies: ['10.0.0.0/8'] } },
    );
    return (answer.json() as { data: string }).data;
  };
  assert.equal(await ip('10.1.2.3'), '8.8.8.8');
  assert.equal(await ip('192.0.2.1'), '192.0.2.1');
});

test('preflights are answered before anything else', async () => {
  const api = { cors: ['https://ui.example'] };
  const headers = {
    Origin: 'https://ui.example',
    'Access-Control-Request-Method': 'PUT',
    'Access-Control-Request-Headers': 'authorization,content-type',
  };
  for (const url of [thing, '/api/v1/nothing']) {
    const answer = await call(
      {},
      { method: 'OPTIONS', url, headers },
      { api, auth: { authenticate: unauthorized } },
    );
    assert.equal(answer.status, 204);
    assert.equal(answer.header('access-control-allow-origin'), 'https://ui.example');
    assert.equal(answer.header('access-control-allow-methods'), 'PUT');
    assert.equal(answer.header('access-control-allow-headers'), 'Authorization, Content-Type');
    assert.equal(answer.header('access-control-allow-credentials'), 'true');
  }
  const foreign = await call(
    {},
    { method: 'OPTIONS', url: thing, headers: { ...headers, Origin: 'https://x' } },
    { api },
  );
  assert.deepEqual([foreign.status, foreign.header('access-control-allow-origin')], [204, '']);
  assert.equal((await call({}, { method: 'OPTIONS', url: thing, headers })).status, 405);
});

test('answers carry the origin when it is allowed, and work without', async () => {
  const get = (cors: string[], origin: string) =>
    call({}, { url: thing, headers: { Origin: origin } }, { api: { cors } });
  const allowed = await get(['https://*.example'], 'https://ui.example');
  assert.equal(allowed.header('access-control-allow-origin'), 'https://ui.example');
  assert(allowed.headers.some(([name, value]) => name === 'Vary' && value === 'Origin'));
  for (const origin of ['https://ui.example.evil', 'https://evil/.example', 'http://ui.example']) {
    const foreign = await get(['https://*.example'], origin);
    assert.deepEqual([foreign.status, foreign.header('access-control-allow-origin')], [200, '']);
  }
  assert.equal((await get(['*'], 'https://any')).header('access-control-allow-origin'), 'https://any');
});

test('every answer is reported once with its route', async () => {
  const reports: unknown[] = [];
  const onFinished = (finished: FinishedRequest) => {
    reports.push([finished.request.path, finished.route, finished.status, finished.bytes, finished.duration]);
  };
  const context = apiContext({ clock: { now: () => 25, after: () => ({ cancel: () => undefined }) } });
  const api = createApi({ routes: [route({ path: '/a/{b}' })], context, onFinished });
  await inject(api, { url: '/api/v1/a/x', receivedAt: 20 });
  await inject(api, { url: '/nope', receivedAt: 25 });
  assert.deepEqual(reports, [
    ['/api/v1/a/x', '/a/{b}', 200, 18, 5],
    ['/nope', null, 404, 19, 0],
  ]);
});

test('the path stays synchronous when nothing waits', () => {
  const api = createApi({ routes: [route()], context: apiContext() });
  let status = 0;
  const pending = api(
    {
      method: 'GET',
      path: thing,
      rawQuery: '',
      header: () => '',
      headers: [],
      remoteAddress: '127.0.0.1',
      receivedAt: 0,
    },
    {
      send: (given: number) => {
        status = given;
      },
    } as never,
  );
  assert.deepEqual([pending, status], [undefined, 200]);
});
