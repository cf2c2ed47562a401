import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import Type from 'typebox';
import { openApiDocument } from '../../src/http/openapi.js';
import type { Route } from '../../src/http/route.js';
import { routes, webSocketRoutes } from '../../src/http/routes/index.js';
import { describedApi } from '../support/described-api.js';

type Json = { [key: string]: Json } & { [key: number]: Json };

const describe = (route: Partial<Route>): Json => {
  const whole = {
    method: 'GET',
    path: '/x',
    access: { kind: 'user' },
    docs: { summary: 's', tag: 't' },
    responses: { 200: null },
    handler: () => ({ status: 204, empty: true }),
    ...route,
  } as Route;
  return openApiDocument([whole], { version: '1', serverUrl: '/api/v1' }) as unknown as Json;
};

test('parameters, body and answers come from the route', () => {
  const document = describe({
    method: 'POST',
    path: '/a/{a_id}/b/{b_id}',
    docs: { summary: 's', tag: 't', query: { 'page[limit]': { schema: Type.Integer(), description: 'd' } } },
    body: Type.Object({ name: Type.String() }),
    responses: { 200: Type.Array(Type.String()), 204: null },
  });
  const operation = document.paths?.['/a/{a_id}/b/{b_id}']?.post;
  assert(operation);
  const parameters = operation.parameters as unknown as { name: string; in: string; required?: boolean }[];
  assert.deepEqual(
    parameters.map(({ name, in: place, required }) => [name, place, required]),
    [
      ['a_id', 'path', true],
      ['b_id', 'path', true],
      ['page[limit]', 'query', undefined],
    ],
  );
  assert.deepEqual(operation.requestBody?.content?.['application/json']?.schema, {
    type: 'object',
    required: ['name'],
    properties: { name: { type: 'string' } },
  });
  const answer = operation.responses?.[200]?.content?.['application/json']?.schema;
  assert.deepEqual(answer?.required, ['data', 'meta']);
  assert.deepEqual(answer?.properties?.data, { type: 'array', items: { type: 'string' } });
  assert.equal(operation.responses?.[204]?.content, undefined);
});

test('who may call shows in the refusals', () => {
  const statuses = (access: Route['access']): string[] =>
    Object.keys((describe({ access }).paths?.['/x']?.get?.responses ?? {}) as object);
  assert.deepEqual(statuses({ kind: 'open' }), ['200']);
  assert.deepEqual(statuses({ kind: 'user' }), ['200', '401', '429']);
  assert.deepEqual(statuses({ kind: 'user', admin: true }), ['200', '401', '403', '429']);
  assert.deepEqual(statuses({ kind: 'user', client: true }), ['200', '401', '403', '404', '429']);
  assert.deepEqual(describe({ access: { kind: 'open' } }).paths?.['/x']?.get?.security, []);
});

test('a schema with an $id becomes a component', () => {
  const document = describe({ responses: { 200: Type.Array(Type.Object({}, { $id: 'Thing' })) } });
  const data =
    document.paths?.['/x']?.get?.responses?.[200]?.content?.['application/json']?.schema?.properties?.data;
  assert.deepEqual(data?.items, { $ref: '#/components/schemas/Thing' });
  assert.deepEqual(document.components?.schemas?.Thing, { type: 'object', properties: {} });
});

test('the whole document is consistent: unique operation ids, declared tags, references that resolve', () => {
  const document = JSON.parse(describedApi());
  assert.equal(document.openapi, '3.1.0');
  const ids = new Set<string>();
  const tags = new Set(document.tags.map((tag: { name: string }) => tag.name));
  for (const [path, methods] of Object.entries<Record<string, Json>>(document.paths)) {
    assert.match(path, /^(\/[a-z0-9.-]+|\/\{[a-z_]+\})+$/);
    for (const operation of Object.values<Json>(methods)) {
      const id = String(operation.operationId);
      assert(!ids.has(id), `${id} is unique`);
      ids.add(id);
      assert(String(operation.summary).length > 0, `${id} has a summary`);
      for (const tag of operation.tags as unknown as string[]) assert(tags.has(tag));
      assert(Object.keys(operation.responses ?? {}).length > 0, `${id} answers`);
    }
  }
  assert.equal(ids.size, routes.length + webSocketRoutes.length);
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert(document.components.schemas[name ?? ''], `${name} is a component`);
  }
});

test('docs/openapi.json is what the routes say (else: npm run openapi)', () => {
  const checkedIn = readFileSync(new URL('../../../docs/openapi.json', import.meta.url), 'utf8');
  assert.equal(checkedIn, describedApi());
});
