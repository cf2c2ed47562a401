/**
 * The described API holds every parameter and every field of a success answer that the reference's description
 * names, for each operation that exists here. `reference-operations.fixture.json` lists those names.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openApiDocument } from '../../src/http/openapi.js';
import { routes, webSocketRoutes } from '../../src/http/routes/index.js';

interface ReferenceOperation {
  readonly query: readonly string[];
  /** Field paths such as `data[].tunnels[].id` by status. */
  readonly success: Readonly<Record<string, readonly string[]>>;
}

interface Schema {
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { schema: Schema }>> }>
  >;
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

/** Where the reference's description differs from what the reference answers (spec 03 §2.2, 05 §2.2). */
const renamed: readonly (readonly [described: RegExp, actual: string])[] = [
  [/\bext_ip_addresses\.errors$/, 'ext_ip_addresses.error'],
  [/\bupdates_summaries\b/, 'update_summaries'],
];
/** Statuses of success that the reference describes, and what it answers instead (spec 03 §2.2). */
const otherStatus: Readonly<Record<string, string>> = {
  'POST /clients-auth 204': '201',
  'POST /clients/{client_id}/stored-tunnels 201': '200',
  'GET /ws/commands 200': '101',
  'GET /ws/scripts 200': '101',
  'GET /ws/uploads 200': '101',
};
/** Lists that are answered inside of a second envelope (spec 04 §15.3). */
const wrappedTwice: ReadonlySet<string> = new Set(['GET /schedules']);
/** Fields the reference describes but never sends, by operation. */
const neverSent: Readonly<Record<string, readonly RegExp[]>> = {
  'GET /status': [/^meta$/],
  'GET /clients': [/tunnels\[\]\.client_id$/],
  'GET /clients/{client_id}': [/tunnels\[\]\.client_id$/],
  'PUT /clients/{client_id}/tunnels': [/^data\.client_id$/],
  // Described without their envelope; `test/auth/api-tokens.test.ts` has what is sent.
  'GET /me/tokens': [/./],
  'POST /me/tokens': [/./],
  'GET /users/{user_id}/sessions': [/\.token$/],
  // Sent as messages, without an envelope.
  'GET /ws/uploads': [/^data/],
  // Described without its envelope.
  'GET /clients/{client_id}/attributes': [/./],
  // Sent as `settings_uri` and `device_settings_uri` (spec 02 §20.2).
  'GET /auth/provider': [/settings_url$/],
  // Sent inside of `details` (spec 02 §20.3).
  'GET /auth/ext/settings': [/^data\.(?:authorize_url|expiry|login_uri|message|state)$/],
};

const fixture = new URL('../../../test/conformance/reference-operations.fixture.json', import.meta.url);
const reference = JSON.parse(readFileSync(fixture, 'utf8')) as Record<string, ReferenceOperation>;
const described = openApiDocument([...routes, ...webSocketRoutes], {
  version: '0',
  serverUrl: '/api/v1',
}) as unknown as Document;

/** `{id}` and `{client_id}` are the same place. */
const anonymous = (path: string): string => path.replace(/\{[^}]+\}/g, '{}');
/** Families such as `filter[name]` are one parameter in the reference. */
const family = (name: string): string => name.replace(/\[.*/, '');

const operations = new Map<string, Operation>();
for (const [path, methods] of Object.entries(described.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    operations.set(`${method.toUpperCase()} ${anonymous(path)}`, operation);
  }
}

function fieldsOf(schema: Schema | undefined, path = '', found = new Set<string>()): Set<string> {
  if (schema === undefined) return found;
  if (schema.$ref !== undefined) {
    return fieldsOf(described.components.schemas[schema.$ref.split('/').at(-1) ?? ''], path, found);
  }
  for (const part of [...(schema.anyOf ?? []), ...(schema.allOf ?? [])]) fieldsOf(part, path, found);
  if (schema.items !== undefined) fieldsOf(schema.items, `${path}[]`, found);
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const field = path === '' ? name : `${path}.${name}`;
    found.add(field);
    fieldsOf(part, field, found);
  }
  return found;
}

let compared = 0;
for (const [name, wanted] of Object.entries(reference)) {
  const operation = operations.get(anonymous(name));
  if (operation === undefined) continue;
  compared += 1;

  test(`${name} knows every parameter of the reference`, () => {
    const known = new Set((operation.parameters ?? []).map((parameter) => family(parameter.name)));
    assert.deepEqual(
      wanted.query.map(family).filter((parameter) => !known.has(parameter)),
      [],
    );
  });

  for (const [status, wantedFields] of Object.entries(wanted.success)) {
    test(`${name} answers ${status} with every field of the reference`, () => {
      const response = operation.responses[otherStatus[`${name} ${status}`] ?? status];
      assert(response, `status ${status} is described`);
      const known = fieldsOf(Object.values(response.content ?? {})[0]?.schema);
      const missing = wantedFields
        .filter((field) => !(neverSent[name] ?? []).some((pattern) => pattern.test(field)))
        .map((field) => renamed.reduce((text, [from, to]) => text.replace(from, to), field))
        .map((field) => (wrappedTwice.has(name) ? `data.${field}` : field))
        .filter((field) => !known.has(field));
      assert.deepEqual(missing, []);
    });
  }
}

test('the operations of this server were compared', () => {
  assert(compared >= 14, `only ${compared} operations were found in the reference`);
});
