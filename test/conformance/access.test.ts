/**
 * Every route in every role: what the routes declare is what spec 02 §17 asks for, and what they declare is what
 * happens. The calls go to a running server; ids in them are unknown and bodies empty, so that nothing is changed:
 * whoever is let in gets to hear that.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { generateSync } from 'otplib';
import type { RouteHead } from '../../src/http/route.js';
import { routes as httpRoutes, webSocketRoutes } from '../../src/http/routes/index.js';
import { type ApiClient, basic } from '../support/api-client.js';
import { type AccessRule, addedAccess, anonymousPath, referenceAccess } from '../support/reference-access.js';
import { TestServer } from '../support/server.js';

/** A WebSocket route is let in when what is missing is the upgrade (400). */
const routes = [...httpRoutes, ...webSocketRoutes];

type Role = 'anonymous' | 'without' | 'with' | 'admin' | 'read' | 'write' | 'clients-auth' | 'pending';
type Outcome = 'let in' | 401 | 403;

/** The handler looks at credentials itself: these have their own tests. */
const ownChecks = ['GET /login', 'POST /login', 'DELETE /logout', 'POST /verify-2fa'];

const keyOf = ({ method, path }: Pick<RouteHead, 'method' | 'path'>): string =>
  `${method} ${anonymousPath(path)}`;
const ruleByKey = new Map([...referenceAccess, ...addedAccess].map((rule) => [keyOf(rule), rule]));

test('the table names every route once', () => {
  assert.equal(ruleByKey.size, referenceAccess.length + addedAccess.length);
  assert.deepEqual(
    routes.map(keyOf).filter((key) => !ruleByKey.has(key)),
    [],
  );
});

test('every route asks for what the table says', () => {
  for (const route of routes) {
    const rule = ruleByKey.get(keyOf(route));
    const { access } = route;
    const kinds = { open: 'open', bearer: 'own', user: 'user' } as const;
    const login = keyOf(route).endsWith(' /login');
    const declared = {
      auth: login ? 'own' : 'messages' in route ? 'ws' : kinds[access.kind],
      ...(access.kind === 'user'
        ? { permission: access.permission, admin: access.admin, client: access.client }
        : {}),
    };
    const wanted = {
      auth: rule?.auth,
      ...(rule?.auth === 'user' || rule?.auth === 'ws'
        ? { permission: rule.permission, admin: rule.admin, client: rule.client }
        : {}),
    };
    assert.deepEqual(declared, wanted, keyOf(route));
  }
});

let server: TestServer;
let callers: Readonly<Record<Role, ApiClient>>;

before(async () => {
  server = await TestServer.start({
    api: {
      auth: null,
      totp_enabled: true,
      password_min_length: 8,
      password_zxcvbn_minscore: -1,
      // This test is refused on purpose a few hundred times.
      max_failed_login: 0,
      user_login_wait: 0,
    },
  });
  callers = await makeCallers();
  for (const id of ['visible', 'hidden']) {
    await server.agent(id);
    await server.untilKnown(id, callers.admin);
  }
  const shown = { body: { allowed_user_groups: ['powers', 'powerless'] } };
  assert.equal((await callers.admin.post('/clients/visible/acl', shown)).status, 204);
});
after(() => server?.remove());

for (const route of routes.filter((one) => !ownChecks.includes(keyOf(one)))) {
  test(`who may ${keyOf(route)}`, async () => {
    const rule = ruleByKey.get(keyOf(route));
    assert.ok(rule);
    for (const role of Object.keys(callers) as Role[]) {
      const wanted = expected(rule, role);
      assert.equal(await outcome(callers[role], route, 'visible'), wanted, `${role}`);
      // Of several reasons to refuse it does not matter which one is given.
      if (rule.client !== true || (role !== 'with' && role !== 'without')) continue;
      assert.equal(await outcome(callers[role], route, 'hidden'), 403, `${role}, of a client of others`);
    }
  });
}

test('routes that look at credentials themselves refuse API tokens and what is not theirs', async () => {
  const { anonymous, read, write, pending, admin } = callers;
  for (const caller of [anonymous, read, write]) {
    assert.equal((await caller.get('/login')).status, 401);
    assert.equal((await caller.delete('/logout')).status, 400);
    assert.equal((await caller.post('/verify-2fa', { body: {} })).status, 401);
  }
  assert.equal((await pending.delete('/logout')).status, 400);
  assert.equal((await admin.post('/verify-2fa', { body: { username: 'admin', token: '1' } })).status, 401);
});

/** What the table says about a role. */
function expected(rule: AccessRule, role: Role): Outcome {
  if (rule.auth === 'open') return 'let in';
  switch (role) {
    case 'anonymous':
      return 401;
    case 'pending':
      return rule.pending === true ? 'let in' : 401;
    case 'read':
      return rule.read === true ? 'let in' : 403;
    case 'clients-auth':
      return rule.clientsAuth === true ? 'let in' : 403;
    case 'without':
      return rule.admin === true || rule.permission !== undefined ? 403 : 'let in';
    case 'with':
      return rule.admin === true ? 403 : 'let in';
    case 'admin':
    case 'write':
      return 'let in';
  }
}

async function outcome(caller: ApiClient, route: (typeof routes)[number], client: string): Promise<Outcome> {
  const { method, path } = route;
  const target = path
    .replace('{client_id}', client)
    .replace('{prefix}', 'aaaaaaaa')
    .replace(/\{[^}]+\}/g, '123456789');
  // The header is for those who can send one.
  const query = 'messages' in route && caller.bearer !== '' ? `?access_token=${caller.bearer}` : '';
  const { status, text } = await caller.send(method, `/api/v1${target}${query}`);
  assert.ok(status < 500 || status === 501, `${method} ${target}: ${status} ${text}`);
  assert.ok(![423, 429].includes(status), `${method} ${target}: ${status}`);
  // Single sign-on is off here, which its open routes say with 403.
  if (path.startsWith('/auth/') || path.startsWith('/oauth/')) return 'let in';
  return status === 401 || status === 403 ? status : 'let in';
}

/** One caller of each role. Everybody has a second factor, so that there is a token that waits for it. */
async function makeCallers(): Promise<Record<Role, ApiClient>> {
  const anonymous = server.anonymous();
  const [, password = ''] = /Login +admin \/ (\S+)/.exec(server.output) ?? [];
  const admin = await signIn('admin', password);
  const put = async (group: string, granted: boolean): Promise<void> => {
    const names = [
      'tunnels',
      'scripts',
      'commands',
      'vault',
      'scheduler',
      'monitoring',
      'uploads',
      'auditlog',
    ];
    const permissions = Object.fromEntries(names.map((name) => [name, granted]));
    assert.equal((await admin.put(`/user-groups/${group}`, { body: { permissions } })).status, 200);
  };
  await put('powers', true);
  await put('powerless', false);
  for (const [username, group] of [
    ['with', 'powers'],
    ['without', 'powerless'],
    ['fresh', 'powers'],
  ] as const) {
    const body = { username, password: `password-of-${username}`, groups: [group] };
    const added = await admin.post('/users', { body });
    assert.equal(added.status, 201, added.text);
  }
  const token = async (scope: string): Promise<ApiClient> => {
    const made = await admin.post('/me/tokens', { body: { scope, name: `for ${scope}` } });
    const { token: secret } = made.data<{ token: string }>();
    return server.anonymous().with({ authorization: basic('admin', secret) });
  };
  return {
    anonymous,
    without: await signIn('without', 'password-of-without'),
    with: await signIn('with', 'password-of-with'),
    admin,
    read: await token('read'),
    write: await token('read+write'),
    'clients-auth': await token('clients-auth'),
    pending: await limited('fresh', 'password-of-fresh'),
  };
}

/** With the token of the first step. */
async function limited(username: string, password: string): Promise<ApiClient> {
  const login = await server.api(username, password).get('/login?token-lifetime=3600');
  assert.equal(login.status, 200, login.text);
  return server.anonymous().with({ authorization: `Bearer ${login.data<{ token: string }>().token}` });
}

async function signIn(username: string, password: string): Promise<ApiClient> {
  const first = await limited(username, password);
  const made = await first.post('/me/totp-secret');
  const { secret } = made.json as { secret: string };
  const body = { username, token: generateSync({ secret }) };
  const second = await first.post('/verify-2fa?token-lifetime=3600', { body });
  assert.equal(second.status, 200, second.text);
  return server.anonymous().with({ authorization: `Bearer ${second.data<{ token: string }>().token}` });
}
