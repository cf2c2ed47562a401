import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeMatcher } from '../../src/http/match.js';
import { cleanedPath } from '../../src/http/path.js';

const paths = [
  ['GET', '/clients'],
  ['GET', '/clients/{client_id}'],
  ['DELETE', '/clients/{client_id}'],
  ['DELETE', '/clients/{client_id}/tunnels/{tunnel_id}'],
  ['GET', '/users/me/keys'],
  ['GET', '/users/{name}/groups'],
] as const;
const match = makeMatcher(paths.map(([method, path]) => ({ method, path, value: `${method} ${path}` })));

function found(path: string): unknown {
  const result = match(path);
  return typeof result === 'string'
    ? result
    : { pattern: result.endpoint.pattern, params: { ...result.params } };
}

test('fixed and variable segments', () => {
  assert.deepEqual(found('/clients'), { pattern: '/clients', params: {} });
  assert.deepEqual(found('/clients/a%20b'), {
    pattern: '/clients/{client_id}',
    params: { client_id: 'a b' },
  });
  assert.deepEqual(found('/clients/x/tunnels/7'), {
    pattern: '/clients/{client_id}/tunnels/{tunnel_id}',
    params: { client_id: 'x', tunnel_id: '7' },
  });
});

test('an encoded fixed segment is the same path', () => {
  assert.deepEqual(found('/%63lients'), { pattern: '/clients', params: {} });
});

test('a fixed segment wins, but does not hide the variable one', () => {
  assert.deepEqual(found('/users/me/keys'), { pattern: '/users/me/keys', params: {} });
  assert.deepEqual(found('/users/me/groups'), { pattern: '/users/{name}/groups', params: { name: 'me' } });
});

for (const path of [
  '/clients/',
  '/clients/x/',
  '/clients/a%2Fb',
  '/clients/a%2fb',
  '/Clients',
  '/',
  '',
  '/clients/x/y',
]) {
  test(`${path} matches nothing`, () => assert.equal(found(path), 'not_found'));
}

test('a broken escape is a bad request', () => assert.equal(found('/clients/%zz'), 'bad_escape'));

test('the methods of a path are known', () => {
  const result = match('/clients/x');
  assert(typeof result !== 'string');
  assert.equal(result.endpoint.allow, 'GET, DELETE');
});

test('two routes for one method and path are a mistake', () => {
  const twice = { method: 'GET', path: '/a', value: 1 };
  assert.throws(() => makeMatcher([twice, twice]), /two routes for GET \/a/);
});

const cleaned: readonly (readonly [string, string | null])[] = [
  ['/api/v1/login', null],
  ['/api/v1/login/', null],
  ['/api/v1/clients/a.b', null],
  ['/api/v1/clients/.hidden', null],
  ['/api//v1/login', '/api/v1/login'],
  ['//evil.example/..//x', '/x'],
  ['/api/./v1/x/../login', '/api/v1/login'],
  ['/api/v1/%2e%2E/login', '/api/login'],
  ['/../../etc/', '/etc/'],
  ['//', '/'],
  ['//\\evil.example', '/%5Cevil.example'],
];

for (const [path, expected] of cleaned) {
  test(`${path} cleans to ${expected ?? 'itself'}`, () => assert.equal(cleanedPath(path), expected));
}
