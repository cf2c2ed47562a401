/** Google, by a server that follows its published API. Spec 02 §20.8. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { bcryptHash, PASSWORD } from '../../support/auth-world.js';
import type { Injected } from '../../support/inject.js';
import { DEVICE_CLIENT, googleServer } from '../../support/providers/google-server.js';
import type { OauthServer } from '../../support/providers/oauth-server.js';
import { refusalOf, type SsoWorld, type SsoWorldParts, ssoWorld, userOf } from '../../support/sso-world.js';

const people = {
  anna: {
    email: "o'anna@acme.example",
    verified: true,
    groups: [
      ['01abc', 'staff@acme.example'],
      ['02def', 'ops@acme.example'],
    ],
  },
  bert: { email: 'bert@acme.example', verified: false, groups: [['02def', 'ops@acme.example']] },
  carol: { email: 'carol@acme.example', verified: true, groups: [] },
} as const;
const users = Object.values(people).map(({ email }) => ({
  username: email,
  password: bcryptHash(PASSWORD),
  groups: null,
}));

async function googleWorld(
  test: TestContext,
  oauth: SsoWorldParts['oauth'] = {},
): Promise<{ server: OauthServer; world: SsoWorld; logIn: (user: string) => Promise<Injected> }> {
  const server = await googleServer(test, people);
  const world = await ssoWorld(test, {
    oauth: {
      provider: 'google',
      authorizeUrl: `${server.url}/auth`,
      tokenUrl: `${server.url}/token`,
      deviceAuthorizeUrl: `${server.url}/device/code`,
      deviceClientId: DEVICE_CLIENT.id,
      deviceClientSecret: DEVICE_CLIENT.secret,
      permittedUserList: true,
      ...oauth,
    },
    apis: { googleUser: `${server.url}/v1/userinfo`, googleGroups: `${server.url}/v1` },
    users,
  });
  const logIn = async (user: string): Promise<Injected> => {
    const { authorize_url, state } = await world.settings();
    return world.signIn(server.authorize(authorize_url, user), state);
  };
  return { server, world, logIn };
}

const scopeOf = async (world: SsoWorld): Promise<string | null> =>
  new URL((await world.settings()).authorize_url).searchParams.get('scope');

test('the user is named by the verified address', async (t) => {
  const { world, logIn } = await googleWorld(t);
  assert.equal(await scopeOf(world), 'openid email profile');
  assert.equal(userOf(await logIn('anna')), "o'anna@acme.example");
  assert.equal(refusalOf(await logIn('bert')), '401 the e-mail address of the user is not verified');
});

test('the group is found by id or address on every page', async (t) => {
  for (const requiredGroupId of ['02def', 'groups/02def', 'OPS@acme.example']) {
    const { world, logIn } = await googleWorld(t, { requiredGroupId });
    assert.equal(
      await scopeOf(world),
      'openid email profile https://www.googleapis.com/auth/cloud-identity.groups.readonly',
    );
    assert.equal(userOf(await logIn('anna')), "o'anna@acme.example");
    assert.equal(refusalOf(await logIn('carol')), '401 user is not a member of the required group');
  }
});

test('a device has an application of its own, and the statuses of Google', async (t) => {
  const { server, world } = await googleWorld(t);
  const { device_code, verification_uri } = await world.deviceSettings();
  assert.equal(verification_uri, `${server.url}/device`);
  const poll = async () => {
    world.ssoClock.advance(10_000);
    return world.poll(device_code);
  };
  for (const [decision, status] of [
    ['authorization_pending', 428],
    ['slow_down', 403],
  ] as const) {
    server.decisions.set(device_code, decision);
    const answer = await poll();
    assert.equal(answer.status, status);
    assert.equal((answer.json() as { data: { error: string } }).data.error, decision);
  }
  assert.equal((await world.poll(device_code)).status, 403, 'our own slow_down');
  server.decisions.set(device_code, { kind: 'admitted', user: 'carol' });
  assert.equal(userOf(await poll()), 'carol@acme.example');
});

test('a group that a device login could not check forbids it', async (t) => {
  const { world } = await googleWorld(t, { requiredGroupId: '02def' });
  assert.equal(
    refusalOf(await world.open('/auth/ext/settings/device')),
    '403 device login cannot check the required group',
  );
});

test('what a device login cannot tell about groups changes none', async (t) => {
  const { server, world } = await googleWorld(t, {
    roleGroupMap: [{ role: 'ops@acme.example', groups: ['Operators'] }],
  });
  const { device_code } = await world.deviceSettings();
  server.decisions.set(device_code, { kind: 'admitted', user: 'anna' });
  assert.deepEqual(await world.another().signInDevice(device_code), {
    username: "o'anna@acme.example",
    groups: null,
  });
  const { authorize_url, state } = await world.settings();
  const code = server.authorize(authorize_url, 'anna');
  assert.deepEqual(await world.another().signIn(code, state), {
    username: "o'anna@acme.example",
    groups: { held: ['Operators'], managed: ['Operators'] },
  });
});
