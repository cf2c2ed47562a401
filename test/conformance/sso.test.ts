/** Single sign-on of running servers with two shards, at a real OpenID provider. Spec 02 §20 and §24.13. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ApiAnswer } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { CLIENT, OpenIdIssuer, REDIRECT_URI } from '../support/openid-issuer.js';
import { type Section, TestServer } from '../support/server.js';

/** Requests open new connections, which land on either of two shards: all on one has a chance of 1 in 10⁶. */
const ROUNDS = 10;

let issuer: OpenIdIssuer;
let server: TestServer;
/** Users log in with passwords, until a test changes that. */
let plain: TestServer;

const oauth = (more: Section = {}): Section => ({
  provider: 'oidc',
  ...issuer.endpoints,
  redirect_uri: REDIRECT_URI,
  client_id: CLIENT.id,
  client_secret: CLIENT.secret,
  permitted_user_match: '^[a-z0-9]+$',
  ...more,
});

before(async () => {
  issuer = await OpenIdIssuer.start({
    a1: { preferred_username: 'anna', roles: ['boss', 'other'] },
    b1: { preferred_username: 'bert' },
    c1: { preferred_username: 'carol' },
  });
  const api = { user_login_wait: 0, max_failed_login: 0 };
  server = await TestServer.start({
    api: { ...api, auth: null, default_user_group: 'Newcomers', max_token_lifetime: 999 },
    sections: { 'plus-oauth': oauth({ role_claim: 'roles', role_group_map: ['boss=Administrators'] }) },
  });
  plain = await TestServer.start({ api });
});
after(async () => {
  await server?.remove();
  await plain?.remove();
  await issuer?.stop();
});

const settings = async (at = server): Promise<{ authorize_url: string; state: string }> =>
  (await at.anonymous().get('/auth/ext/settings')).data<{
    details: { authorize_url: string; state: string };
  }>().details;

async function logIn(account: string, at = server): Promise<ApiAnswer> {
  const { authorize_url, state } = await settings(at);
  const code = (await issuer.authorize(authorize_url, account)).get('code') ?? '';
  return at.anonymous().get(`/oauth/login?${new URLSearchParams({ code, state })}`);
}

const bearer = (answer: ApiAnswer, at = server) =>
  at.anonymous().with({ authorization: `Bearer ${answer.data<{ token: string }>().token}` });

test('without a provider users log in with passwords', async () => {
  const api = plain.anonymous();
  assert.deepEqual((await api.get('/auth/provider?a=%zz')).data(), {
    auth_provider: 'built-in',
    settings_uri: '',
    device_settings_uri: '',
    max_token_lifetime: 0,
  });
  for (const path of [
    '/auth/ext/settings',
    '/auth/ext/settings/device',
    '/oauth/login?code=a&state=b',
    '/oauth/login/device?device_code=a',
  ]) {
    assert.equal((await api.get(path)).refusal, '403 rport-plus not enabled/available', path);
  }
});

test('plus status says that there is no add-on, with and without a provider', async () => {
  for (const at of [plain, server]) {
    assert.deepEqual((await at.anonymous().get('/plus/status')).data(), {
      is_enabled: false,
      is_trial: true,
      valid_license: false,
      lic_info: { max_clients: 0, max_users: 0 },
      plus_version: '',
      build_time: '',
      local_build: '',
      rport_git_ref: '',
      rport_commit_id: '',
    });
  }
});

test('with a provider passwords are not taken, and everything else says so', async () => {
  const api = server.anonymous();
  assert.deepEqual((await api.get('/auth/provider')).data(), {
    auth_provider: 'oidc',
    settings_uri: '/api/v1/auth/ext/settings',
    device_settings_uri: '/api/v1/auth/ext/settings/device',
    max_token_lifetime: 999,
  });
  for (const answer of [
    await server.api().get('/login'),
    await api.post('/login', { body: { username: 'admin', password: 'x' } }),
  ]) {
    assert.equal(answer.status, 403);
    assert.match(answer.titles[0] ?? '', /authorization disabled/);
  }
});

test('a login begins in one shard and ends in another; its token is good in all', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const api = bearer(await logIn('b1'));
    const me = (await api.get('/me')).data<{ username: string; groups: string[] }>();
    assert.deepEqual([me.username, me.groups], ['bert', ['Newcomers']]);
  }
});

test('a state that was used in one shard is used in all', async () => {
  const { authorize_url, state } = await settings();
  const code = (await issuer.authorize(authorize_url, 'b1')).get('code') ?? '';
  const path = `/oauth/login?${new URLSearchParams({ code, state })}`;
  const answers = await Promise.all(Array.from({ length: ROUNDS }, () => server.anonymous().get(path)));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array(ROUNDS - 1).fill(401)]);
});

test('roles of the provider decide about groups at every login, in all shards at once', async () => {
  const api = bearer(await logIn('a1'));
  for (let round = 0; round < ROUNDS; round++) {
    assert.deepEqual((await api.get('/me')).data<{ groups: string[] }>().groups, [
      'Newcomers',
      'Administrators',
    ]);
    assert.equal((await api.get('/status')).status, 200);
  }
  issuer.accounts.c1 = { preferred_username: 'carol', roles: 'boss' };
  const carol = bearer(await logIn('c1'));
  assert.equal((await carol.get('/users')).status, 200);
  issuer.accounts.c1 = { preferred_username: 'carol' };
  await logIn('c1');
  for (let round = 0; round < ROUNDS; round++) assert.equal((await carol.get('/users')).status, 403);
});

test('a device waits, polls too fast, and is let in', async () => {
  const begin = async () =>
    (await server.anonymous().get('/auth/ext/settings/device')).data<{
      details: { auth_info: { device_code: string; user_code: string } };
    }>().details.auth_info;
  const poll = (code: string) => server.anonymous().get(`/oauth/login/device?device_code=${code}`);
  const errorOf = (answer: ApiAnswer) => (answer.json as { data: { error: string } }).data.error;
  const waiting = await begin();
  assert.equal(errorOf(await poll(waiting.device_code)), 'authorization_pending');
  assert.equal(errorOf(await poll(waiting.device_code)), 'slow_down');
  const { device_code, user_code } = await begin();
  await issuer.decide(user_code, 'b1');
  const api = bearer(await poll(device_code));
  assert.equal((await api.get('/me')).data<{ username: string }>().username, 'bert');
});

test('SIGHUP changes the provider, its rules, and puts the single user out of service', async () => {
  const told = await plain.reload({ sections: { 'plus-oauth': oauth({ permitted_user_match: '^bert$' }) } });
  assert.match(told, /reloaded.*plus-oauth\.provider/);
  for (let round = 0; round < ROUNDS; round++) {
    const provider = (await plain.anonymous().get('/auth/provider')).data<{ auth_provider: string }>();
    assert.equal(provider.auth_provider, 'oidc');
  }
  assert.equal((await plain.api().get('/me')).status, 401);
  const me = (await bearer(await logIn('b1', plain), plain).get('/me')).data<{ groups: string[] }>();
  assert.deepEqual(me.groups, ['Administrators'], 'the default of default_user_group');
  assert.equal((await logIn('c1', plain)).refusal, '401 user is not permitted');
  await plain.reload({ sections: { 'plus-oauth': oauth({ permitted_user_match: '^carol$' }) } });
  await eventually('carol to be let in', async () => (await logIn('c1', plain)).status === 200);
  assert.equal((await logIn('b1', plain)).refusal, '401 user is not permitted');
  const refused = await plain.reload({ sections: { 'plus-oauth': oauth({ provider: 'gitlab' }) } });
  assert.match(refused, /was not reloaded.*not currently supported/);
});
