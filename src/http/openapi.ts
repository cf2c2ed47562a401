/** The OpenAPI 3.1 document of a route table. A pure function: same routes, same document. */

import type { Route } from './route.js';
import type { WebSocketRoute } from './ws/websocket-route.js';

type AnyRoute = Route | WebSocketRoute;

type Json = { [key: string]: unknown };

export interface OpenApiInfo {
  readonly version: string;
  /** Base of all paths, such as `/api/v1`. */
  readonly serverUrl: string;
}

const ERROR_REF = { $ref: '#/components/schemas/Errors' };

/** Describes `routes`. Schemas with an `$id` become components of that name. */
export function openApiDocument(routes: readonly AnyRoute[], info: OpenApiInfo): Json {
  const schemas: Json = { Errors: errorsSchema };
  const paths: { [path: string]: Json } = {};
  for (const route of routes) {
    const operations = paths[route.path] ?? {};
    operations[route.method.toLowerCase()] = operation(route, schemas);
    paths[route.path] = operations;
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tideway API',
      version: info.version,
      description:
        'Remote management and reverse tunnels. Scripts written for the rportd API work unchanged.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: info.serverUrl }],
    security: [{ bearer_auth: [] }, { basic_auth: [] }],
    tags: tagNames(routes).map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: {
        basic_auth: { type: 'http', scheme: 'basic', description: 'User name and password or API token.' },
        bearer_auth: { type: 'http', scheme: 'bearer', description: 'Token of `/login`.' },
      },
    },
  };
}

const errorsSchema = {
  type: 'object',
  required: ['errors'],
  properties: {
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['code', 'title', 'detail'],
        properties: {
          code: { type: 'string', description: 'Machine-readable code; often empty' },
          title: { type: 'string' },
          detail: { type: 'string' },
        },
      },
    },
  },
};

function operation(route: AnyRoute, schemas: Json): Json {
  const body = bodyOf(route);
  const parameters: Json[] = [
    ...pathParameters(route.path),
    ...('messages' in route ? [tokenParameter] : []),
    ...queryParameters(route, schemas),
  ];
  return {
    operationId: operationId(route),
    tags: [route.docs.tag],
    summary: route.docs.summary,
    ...(route.docs.description === undefined ? {} : { description: route.docs.description }),
    ...(route.access.kind === 'open' ? { security: [] } : {}),
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { [route.docs.bodyType ?? 'application/json']: { schema: hoist(body, schemas) } },
          },
        }),
    responses: { ...successes(route, schemas), ...refusals(route) },
    ...('messages' in route ? { 'x-websocket-messages': messages(route, schemas) } : {}),
  };
}

/** `GET /clients/{client_id}` → `getClientsClientId`. */
function operationId(route: AnyRoute): string {
  const words = route.path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '');
  return route.method.toLowerCase() + words.map((word) => word[0]?.toUpperCase() + word.slice(1)).join('');
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{([^}]+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(route: AnyRoute, schemas: Json): Json[] {
  return Object.entries(route.docs.query ?? {}).map(([name, { schema, description }]) => ({
    name,
    in: 'query',
    description,
    schema: hoist(schema, schemas),
  }));
}

const bodyOf = (route: AnyRoute): unknown =>
  'messages' in route ? undefined : (route.body ?? route.docs.ownBody);

/** OpenAPI has no words for what follows a 101. */
function messages({ messages: { sends, receives } }: WebSocketRoute, schemas: Json): Json {
  return {
    sends: hoist(sends, schemas),
    ...(receives === undefined ? {} : { receives: hoist(receives, schemas) }),
  };
}

const tokenParameter = {
  name: 'access_token',
  in: 'query',
  description:
    'Token of `/login`, for browsers, which cannot send headers here; otherwise HTTP Basic. A bearer token in the ' +
    'header is not looked at',
  schema: { type: 'string' },
};

function successes(route: AnyRoute, schemas: Json): Json {
  if ('messages' in route) {
    return { 101: { description: 'The connection is a WebSocket now; see `x-websocket-messages`' } };
  }
  const responses: Json = {};
  for (const [status, schema] of Object.entries(route.responses)) {
    const description = 'Success';
    if (schema === null) {
      responses[status] = { description };
      continue;
    }
    const type = route.docs.contentType ?? 'application/json';
    const body =
      route.docs.contentType === undefined ? envelope(route, schema, schemas) : hoist(schema, schemas);
    responses[status] = { description, content: { [type]: { schema: body } } };
  }
  return responses;
}

function envelope(route: AnyRoute, schema: unknown, schemas: Json): Json {
  const data = hoist(schema, schemas);
  if (!isPaged(route)) return { type: 'object', required: ['data'], properties: { data } };
  const count = { type: 'integer', description: 'Items before pagination' };
  const meta = { type: 'object', required: ['count'], properties: { count } };
  return { type: 'object', required: ['data', 'meta'], properties: { data, meta } };
}

function isPaged(route: AnyRoute): boolean {
  return Object.keys(route.docs.query ?? {}).some((name) => name.startsWith('page'));
}

function refusals(route: AnyRoute): Json {
  const reasons: Record<string, string> = {};
  if ('messages' in route) {
    reasons[400] = 'No WebSocket upgrade, or a parameter that cannot be used';
    reasons[403] = 'A page of another origin, or an API token of scope `read`';
    reasons[503] = 'Too many WebSockets are open';
  } else if (route.body !== undefined) reasons[400] = 'The body is missing or not what is expected';
  if (route.access.kind === 'user') {
    reasons[401] = 'Not logged in';
    reasons[429] = 'Too many failed logins; see `Retry-After`';
    const { admin, permission, client } = route.access;
    if (admin === true) reasons[403] = 'Only for members of `Administrators`';
    if (permission !== undefined) reasons[403] = `Permission \`${permission}\` is missing`;
    if (client === true) {
      reasons[403] = 'No access to this client, or a permission is missing';
      reasons[404] = 'No such client';
    }
  }
  const content = { 'application/json': { schema: ERROR_REF } };
  return Object.fromEntries(
    Object.entries({ ...reasons, ...route.docs.errors }).map(([status, description]) => [
      status,
      { description, content },
    ]),
  );
}

function tagNames(routes: readonly AnyRoute[]): string[] {
  return [...new Set(routes.map((route) => route.docs.tag))];
}

/** A plain copy of a schema in which every part with an `$id` is a reference to a component. */
function hoist(schema: unknown, schemas: Json): unknown {
  if (Array.isArray(schema)) return schema.map((item) => hoist(item, schemas));
  if (typeof schema !== 'object' || schema === null) return schema;
  const { $id, ...rest } = schema as Json;
  const copy = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, hoist(value, schemas)]));
  if (typeof $id !== 'string') return copy;
  schemas[$id] = copy;
  return { $ref: `#/components/schemas/${$id}` };
}
