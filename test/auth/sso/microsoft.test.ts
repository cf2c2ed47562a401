/** Microsoft, by a server that follows its published API. Spec 02 §20.8. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bcryptHash, PASSWORD } from '../../support/auth-world.js';
import type { Injected } from '../../support/inject.js';
import { microsoftServer } from '../../support/providers/microsoft-server.js';
import type { OauthServer } from '../../support/providers/oauth-server.js';
import { refusalOf, type SsoWorld, type SsoWorldParts, ssoWorld, userOf } from '../../support/sso-world.js';

const GROUP = '11111111-2222-3333-4444-555555555555';
const profile = (name: string) => ({
  id: `id-of-${name}`,
  userPrincipalName: `${name}@acme.example`,
  displayName: 'Administrator',
  mail: `${name}@mail.example`,
});
const people = {
  anna: { profile: profile('anna'), groups: ['g1', 'g2', 'g3', GROUP.toUpperCase()] },
  bert: { profile: profile('bert'), groups: ['g1'] },
};
const users = ['anna@acme.example', 'bert@acme.example', 'id-of-anna'].map((username) => ({
  username,
  password: bcryptHash(PASSWORD),
  groups: null,
}));

async function microsoftWorld(
  test: TestContext,
  oauth: SsoWorldParts['oauth'] = {},
  pagesAt?: string,
): Promise<{ server: OauthServer; world: SsoWorld; logIn: (user: string) => Promise<Injected> }> {
  const server = await microsoftServer(test, people, pagesAt);
  const base = `${server.url}/tenant/oauth2/v2.0`;
  const world = await ssoWorld(test, {
    oauth: {
      provider: 'microsoft',
      authorizeUrl: `${base}/authorize`,
      tokenUrl: `${base}/token`,
      deviceAuthorizeUrl: `${base}/devicecode`,
      permittedUserList: true,
      ...oauth,
    },
    apis: { microsoft: `${server.url}/v1.0` },
    users,
  });
  const logIn = async (user: string): Promise<Injected> => {
    const { authorize_url, state } = await world.settings();
    assert.equal(new URL(authorize_url).searchParams.get('scope'), 'openid profile email User.Read');
    return world.signIn(server.authorize(authorize_url, user), state);
  };
  return { server, world, logIn };
}

test('the user is named by the principal name, or the configured property', async (t) => {
  assert.equal(userOf(await (await microsoftWorld(t)).logIn('anna')), 'anna@acme.example');
  const byId = await microsoftWorld(t, { usernameClaim: 'id' });
  assert.equal(userOf(await byId.logIn('anna')), 'id-of-anna');
  const byNothing = await microsoftWorld(t, { usernameClaim: 'employeeId' });
  assert.equal(refusalOf(await byNothing.logIn('anna')), '401 the identity provider names no user');
});

test('the group is found on every page', async (t) => {
  const { server, logIn } = await microsoftWorld(t, { requiredGroupId: GROUP });
  assert.equal(userOf(await logIn('anna')), 'anna@acme.example');
  assert.equal(server.apiRequests.filter((path) => path.includes('memberOf')).length, 2);
  assert.equal(refusalOf(await logIn('bert')), '401 user is not a member of the required group');
});

test('a page of another origin is not asked, and lets nobody in', async (t) => {
  const elsewhere = await microsoftServer(t, people);
  const { world, logIn } = await microsoftWorld(t, { requiredGroupId: GROUP }, elsewhere.url);
  assert.equal(refusalOf(await logIn('anna')), '401 the identity provider gives no answer');
  assert.match(world.ssoLog.lines.join('\n'), /memberOf: the next page is elsewhere/);
  assert.deepEqual(elsewhere.apiRequests, []);
});

test('a device polls with status 400 and shows no line breaks', async (t) => {
  const { server, world } = await microsoftWorld(t);
  const { device_code } = await world.deviceSettings();
  const pending = await world.poll(device_code);
  assert.equal(pending.status, 400);
  assert.deepEqual((pending.json() as { data: object }).data, {
    status_code: 400,
    error: 'authorization_pending',
    error_description: 'AADSTS70016: Authorization is pending. Trace ID: 2',
    error_uri: '',
  });
  server.decisions.set(device_code, { kind: 'admitted', user: 'anna' });
  world.ssoClock.advance(5_000);
  assert.equal(userOf(await world.poll(device_code)), 'anna@acme.example');
});
