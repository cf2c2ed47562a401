/** GitHub, by a server that follows its published API. Spec 02 §20.8. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bcryptHash, PASSWORD } from '../../support/auth-world.js';
import type { Injected } from '../../support/inject.js';
import { CLIENT, REDIRECT_URI } from '../../support/openid-issuer.js';
import { githubServer } from '../../support/providers/github-server.js';
import type { OauthServer } from '../../support/providers/oauth-server.js';
import { refusalOf, type SsoWorld, type SsoWorldParts, ssoWorld, userOf } from '../../support/sso-world.js';

const many = Array.from({ length: 250 }, (_, at) => `org-${at}`);
const organizations = { anna: ['first', 'Acme'], carol: [...many, 'acme'], bert: ['acme2', 'ac'] };
const users = ['anna', 'bert', 'carol'].map((username) => ({
  username,
  password: bcryptHash(PASSWORD),
  groups: null,
}));

async function githubWorld(
  test: TestContext,
  oauth: SsoWorldParts['oauth'] = {},
  api: SsoWorldParts['api'] = {},
): Promise<{ server: OauthServer; world: SsoWorld; logIn: (user: string) => Promise<Injected> }> {
  const server = await githubServer(test, organizations);
  const world = await ssoWorld(test, {
    oauth: {
      provider: 'github',
      authorizeUrl: `${server.url}/login/oauth/authorize`,
      tokenUrl: `${server.url}/login/oauth/access_token`,
      deviceAuthorizeUrl: `${server.url}/login/device/code`,
      permittedUserList: true,
      ...oauth,
    },
    apis: { github: server.url },
    users,
    api,
  });
  const logIn = async (user: string): Promise<Injected> => {
    const { authorize_url, state } = await world.settings();
    return world.signIn(server.authorize(authorize_url, user), state);
  };
  return { server, world, logIn };
}

test('a login names the user by his login and sends what GitHub wants', async (t) => {
  const { server, world, logIn } = await githubWorld(t);
  const { authorize_url } = await world.settings();
  const asked = Object.fromEntries(new URL(authorize_url).searchParams);
  assert.equal(asked.scope, 'read:org');
  assert.equal(asked.nonce, undefined);
  assert.equal(userOf(await logIn('anna')), 'anna');
  const [form] = server.tokenRequests;
  const { code, code_verifier, ...others } = Object.fromEntries(form ?? []);
  assert.ok(code && code_verifier);
  assert.deepEqual(others, {
    grant_type: 'authorization_code',
    redirect_uri: REDIRECT_URI,
    client_id: CLIENT.id,
    client_secret: CLIENT.secret,
  });
  assert.deepEqual(server.apiRequests, ['/user'], 'organizations are not asked for without need');
});

test('the organization is found on every page, in any case, and as a whole name', async (t) => {
  const { server, logIn } = await githubWorld(t, { requiredOrganization: 'ACME' });
  assert.equal(userOf(await logIn('anna')), 'anna');
  assert.equal(userOf(await logIn('carol')), 'carol');
  assert.ok(server.apiRequests.includes('/user/orgs?per_page=100&page=3'));
  assert.equal(refusalOf(await logIn('bert')), '401 user is not a member of the required organization');
});

test('membership comes before the name, and the name before the user store', async (t) => {
  const { logIn } = await githubWorld(t, { requiredOrganization: 'acme', permittedUserMatch: '^a' });
  assert.equal(userOf(await logIn('anna')), 'anna');
  assert.equal(refusalOf(await logIn('bert')), '401 user is not a member of the required organization');
  assert.equal(refusalOf(await logIn('carol')), '401 user is not permitted');
});

test('what GitHub refuses with status 200 is a refusal in its words', async (t) => {
  const { world } = await githubWorld(t);
  const { state } = await world.settings();
  assert.equal(
    refusalOf(await world.signIn('bad', state)),
    '401 bad_verification_code: The code passed is incorrect or expired.',
  );
  const wrong = await githubWorld(t, { clientSecret: 'wrong' });
  const answer = await wrong.logIn('anna');
  assert.equal(
    refusalOf(answer),
    '401 incorrect_client_credentials: The client_id and/or client_secret passed are incorrect.',
  );
});

test('a device polls with the status of GitHub, which is 200', async (t) => {
  const { server, world } = await githubWorld(t);
  const { device_code, user_code, verification_uri } = await world.deviceSettings();
  assert.equal(user_code, 'WDJB-MJHT');
  assert.equal(verification_uri, `${server.url}/login/device`);
  const poll = async (): Promise<unknown> => {
    world.ssoClock.advance(5_000);
    return (await world.poll(device_code)).json();
  };
  assert.deepEqual(await poll(), {
    data: {
      status_code: 200,
      error: 'authorization_pending',
      error_description: 'The authorization request is still pending.',
      error_uri: 'https://docs.github.com/x',
    },
  });
  const soon = await world.poll(device_code);
  assert.equal(soon.status, 200);
  assert.equal((soon.json() as { data: { error: string } }).data.error, 'slow_down');

  server.decisions.set(device_code, 'slow_down');
  assert.equal(((await poll()) as { data: { error: string } }).data.error, 'slow_down');
  const asked = server.tokenRequests.length;
  assert.equal(((await poll()) as { data: { error: string } }).data.error, 'slow_down');
  assert.equal(server.tokenRequests.length, asked, 'the longer interval holds');
  server.decisions.set(device_code, { kind: 'admitted', user: 'anna' });
  world.ssoClock.advance(10_000);
  assert.equal(userOf(await world.poll(device_code)), 'anna');
  assert.ok(server.tokenRequests.every((form) => !form.has('client_secret')));
});

test('an API that does not answer, too slowly or elsewhere lets nobody in and bans nobody', async (t) => {
  const { server, world, logIn } = await githubWorld(t, {}, { maxFailedLogin: 1 });
  const { authorize_url, state } = await world.settings();
  const code = server.authorize(authorize_url, 'anna');
  await server.vanish();
  assert.equal(refusalOf(await world.signIn(code, state)), '401 the identity provider gives no answer');
  assert.equal(refusalOf(await logIn('anna')), '401 the identity provider gives no answer');
  assert.equal(
    refusalOf(await world.open('/auth/ext/settings/device')),
    '500 the identity provider gives no answer',
  );
  assert.ok(world.ssoLog.lines.every((line) => !line.includes(CLIENT.secret) && !line.includes(code)));
});
