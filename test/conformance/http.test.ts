/** Envelope, routing, bodies, CORS and compression of the API. Spec 02 §24.1, 03 §15.1, 05 §1. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { basic } from '../support/api-client.js';
import { RawConnection } from '../support/raw-connection.js';
import { TestServer } from '../support/server.js';

const ORIGIN = 'https://ui.example.com';
let server: TestServer;

before(async () => {
  server = await TestServer.start({
    api: { cors: [ORIGIN], user_login_wait: 0, max_failed_login: 0 },
  });
  await server.agent('c1');
  await server.untilKnown('c1');
});
after(() => server.remove());

test('an unknown path is 404 text before any login', async () => {
  for (const path of ['/api/v1/nothing', '/api/v1', '/', '/api/v1/login/', '/api/v1/clients/a%2Fb']) {
    const answer = await server.anonymous().send('GET', path);
    assert.equal(answer.status, 404, path);
    assert.equal(answer.text, '404 page not found\n', path);
    assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  }
});

test('a known path without credentials is 401 with the whole error object', async () => {
  const answer = await server.anonymous().get('/status');
  assert.equal(answer.status, 401);
  assert.deepEqual(answer.json, { errors: [{ code: '', title: 'unauthorized', detail: '' }] });
  assert.equal(answer.headers['content-type'], 'application/json; charset=UTF-8');
  assert.equal(answer.headers['www-authenticate'], undefined, 'browsers must not ask for a password');
});

test('a wrong method is 405 with Allow and the envelope', async () => {
  for (const [method, path, allow] of [
    ['PATCH', '/login', 'GET, POST'],
    ['PUT', '/status', 'GET'],
    ['OPTIONS', '/clients', 'GET'],
    ['PATCH', '/clients/c1', 'DELETE, GET'],
    ['GET', '/clients/c1/tunnels', 'PUT'],
  ] as const) {
    const answer = await server.api().send(method, `/api/v1${path}`);
    assert.equal(answer.status, 405, `${method} ${path}`);
    assert.deepEqual(answer.headers.allow?.split(', ').sort().join(', '), allow);
    assert.equal(answer.errors.length, 1);
  }
});

test('doubled slashes and dot segments lead to the cleaned path, with the query', async () => {
  for (const [path, location] of [
    ['/api//v1/login', '/api/v1/login'],
    ['/api/v1/x/../login?a=1', '/api/v1/login?a=1'],
    ['/api/v1/./clients?page[limit]=1', '/api/v1/clients?page[limit]=1'],
  ] as const) {
    const answer = await server.anonymous().send('GET', path);
    assert.equal(answer.status, 301);
    assert.equal(answer.headers.location, location);
  }
});

test('path segments are decoded', async () => {
  const answer = await server.api().get('/clients/a%20b');
  assert.equal(answer.refusal, '404 Client with id="a b" not found.');
});

test('a query that cannot be parsed is 400 text, after the login', async () => {
  const admin = server.api();
  assert.equal(
    (await admin.get('/me/ip?a=%zz')).refusal,
    '400 Request data exceeds the limit of 10240 bytes: invalid URL escape "%zz"',
  );
  const semicolon = await admin.get('/me/ip?a=1;b=2');
  assert.equal(
    semicolon.refusal,
    '400 Request data exceeds the limit of 10240 bytes: invalid semicolon separator in query',
  );
  assert.equal(semicolon.headers['content-type'], 'text/plain; charset=utf-8');
  assert.equal((await server.anonymous().get('/me/ip?a=%zz')).refusal, '401 unauthorized');
});

test('headers above the limit are 431', async () => {
  const answer = await server.api().get('/me/ip', { headers: { 'x-filler': 'x'.repeat(600 * 1024) } });
  assert.equal(answer.status, 431);
});

test('bodies: what counts as JSON', async (t) => {
  const admin = server.api();
  const created = (await admin.put('/clients/c1/tunnels?remote=9&check_port=0')).data<{ id: string }>();
  const put = async (body: string | undefined, type = 'application/json') =>
    admin.put(`/clients/c1/tunnels/${created.id}/acl`, {
      ...(body === undefined ? {} : { body }),
      headers: { 'content-type': type },
    });
  const accepted: readonly (readonly [string, string])[] = [
    ['an object', '{"acl":"127.0.0.1"}'],
    ['another case of a key', '{"ACL":"127.0.0.1"}'],
    ['the last of doubled keys', '{"acl":"nonsense","acl":"127.0.0.1"}'],
    ['anything after the first value', '{"acl":"127.0.0.1"} and more'],
    ['null for an empty object', 'null'],
    ['an empty object', '{}'],
  ];
  for (const [what, body] of accepted) {
    await t.test(`accepts ${what}`, async () => assert.equal((await put(body)).status, 204));
  }
  await t.test("accepts JSON under curl's default type", async () => {
    assert.equal((await put('{"acl":null}', 'application/x-www-form-urlencoded')).status, 204);
  });
  await t.test('refuses nothing at all', async () => {
    assert.equal((await put('')).refusal, '400 Missing body with json data.');
    assert.equal((await put(undefined)).refusal, '400 Missing body with json data.');
  });
  for (const body of ['[]', '{"acl":5}', '{"acl":', 'acl', '"text"', '{"acl":"127.0.0.1",}']) {
    await t.test(`refuses ${body}`, async () => {
      assert.equal((await put(body)).refusal, '400 Invalid JSON data.');
    });
  }
  await t.test('names the unknown field', async () => {
    const { errors } = await put('{"acl":null,"z":1}');
    assert.equal(errors[0]?.title, 'Invalid JSON data.');
    assert.equal(errors[0]?.detail, 'json: unknown field "z"');
  });
  await t.test('refuses what is larger than max_request_bytes', async () => {
    const { status, errors } = await put(`{"acl":"${' '.repeat(20_000)}"}`);
    assert.equal(status, 400);
    assert.equal(errors[0]?.title, 'Invalid JSON data.');
    assert.equal(errors[0]?.detail, 'http: request body too large');
  });
});

test('CORS: preflight, allowed and foreign origins', async () => {
  const preflight = await server.anonymous().send('OPTIONS', '/api/v1/clients', {
    headers: {
      origin: ORIGIN,
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'authorization',
    },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-origin'], ORIGIN);
  assert.equal(preflight.headers['access-control-allow-methods'], 'GET');
  assert.equal(preflight.headers['access-control-allow-headers'], 'Authorization');
  assert.equal(preflight.headers['access-control-allow-credentials'], 'true');

  const own = await server.api().get('/me/ip', { headers: { origin: ORIGIN } });
  assert.equal(own.headers['access-control-allow-origin'], ORIGIN);
  assert.match(own.headers.vary ?? '', /Origin/);
  const foreign = await server.api().get('/me/ip', { headers: { origin: 'https://other.example.com' } });
  assert.equal(foreign.status, 200);
  assert.equal(foreign.headers['access-control-allow-origin'], undefined);
});

test('answers are compressed on request and say that they vary', async () => {
  const plain = await server.api().get('/clients/c1');
  assert.equal(plain.headers['content-encoding'], undefined);
  assert.match(plain.headers.vary ?? '', /Accept-Encoding/);
  for (const [accepted, expected] of [
    ['gzip, deflate, br', 'gzip'],
    ['deflate, gzip', 'deflate'],
  ] as const) {
    const packed = await server.api().get('/clients/c1', { headers: { 'accept-encoding': accepted } });
    assert.equal(packed.headers['content-encoding'], expected);
    assert.deepEqual(packed.json, plain.json);
  }
});

test('X-Forwarded-For is not believed from anybody', async () => {
  const answer = await server.api().get('/me/ip', { headers: { 'x-forwarded-for': '8.8.8.8' } });
  assert.deepEqual(answer.data(), { ip: '127.0.0.1' });
});

test('the API describes itself without a login', async () => {
  const answer = await server.anonymous().get('/openapi.json');
  assert.equal(answer.status, 200);
  assert.match((answer.json as { openapi: string }).openapi, /^3\.1\./);
  const page = await server.anonymous().get('/docs');
  assert.match(page.headers['content-type'] ?? '', /^text\/html/);
  assert.equal((await server.anonymous().get('/docs/swagger-ui-bundle.js')).status, 200);
  assert.equal((await server.anonymous().get('/docs/package.json')).status, 404);
});

test('several requests on one connection are answered in order', async () => {
  const connection = new RawConnection(server.apiPort);
  const authorization = `Authorization: ${basic('admin', 'admin-password-1')}`;
  const lines = (path: string) => `GET /api/v1${path} HTTP/1.1\r\nHost: x\r\n${authorization}\r\n\r\n`;
  await connection.write(lines('/me/ip') + lines('/nothing') + lines('/me'));
  const text = await connection.until('"username"');
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status),
    ['200', '404', '200'],
  );
  connection.close();
});
