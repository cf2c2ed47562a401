/** Logins in a browser at a real OpenID provider. Spec 02 §20.5, §20.8 and §24.13. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bcryptHash, PASSWORD } from '../../support/auth-world.js';
import { CLIENT, OpenIdIssuer, REDIRECT_URI, STRANGER } from '../../support/openid-issuer.js';
import { dataOf, oauthOf, refusalOf, ssoWorld, userOf } from '../../support/sso-world.js';

const anna = { preferred_username: 'anna', email: 'anna@example.org', email_verified: true };
const bert = { preferred_username: 'bert', email: 'bert@example.org', email_verified: false };

test('a login with an authorization code answers a full token', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { a1: anna });
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { authorize_url, login_uri, state, expiry } = await world.settings();
  assert.equal(login_uri, '/api/v1/oauth/login');
  assert.equal(expiry, new Date(world.ssoClock.now() + 600_000).toISOString());
  const asked = new URL(authorize_url);
  assert.equal(`${asked.origin}${asked.pathname}`, issuer.endpoints.authorize_url);
  const { code_challenge, nonce, ...others } = Object.fromEntries(asked.searchParams);
  assert.deepEqual(others, {
    client_id: CLIENT.id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile email',
    state,
    code_challenge_method: 'S256',
  });
  for (const text of [state, code_challenge, nonce]) {
    assert.equal(Buffer.from(text ?? '', 'base64url').length, 32);
  }

  const back = await issuer.authorize(authorize_url, 'a1');
  assert.equal(back.get('state'), state);
  const answer = await world.signIn(back.get('code') ?? '', state);
  const { token, two_fa } = dataOf<{ token: string; two_fa: null }>(answer);
  assert.equal(two_fa, null);
  assert.equal(userOf(answer), 'anna');
  assert.equal((await world.get('/me', token)).status, 200);
});

test('the settings have the names of spec 02 §20.2 and §20.3', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, {});
  const world = await ssoWorld(t, { oauth: oauthOf(issuer), api: { maxTokenLifetime: 999 } });
  assert.deepEqual(dataOf(await world.open('/auth/provider')), {
    auth_provider: 'oidc',
    settings_uri: '/api/v1/auth/ext/settings',
    device_settings_uri: '/api/v1/auth/ext/settings/device',
    max_token_lifetime: 999,
  });
  const settings = dataOf<{ auth_provider: string; details: object }>(
    await world.open('/auth/ext/settings?a=%zz'),
  );
  assert.deepEqual(Object.keys(settings), ['auth_provider', 'details']);
  assert.deepEqual(Object.keys(settings.details), [
    'message',
    'authorize_url',
    'login_uri',
    'state',
    'expiry',
  ]);
});

test('a code of another application, of another login or made up is refused in the words of the provider', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { a1: anna });
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const refused = async (change: (url: URL) => void): Promise<string> => {
    const { authorize_url, state } = await world.settings();
    const url = new URL(authorize_url);
    change(url);
    const back = await issuer.authorize(url.href, 'a1');
    return refusalOf(await world.signIn(back.get('code') ?? '', state));
  };
  assert.equal(
    await refused((url) => url.searchParams.set('client_id', STRANGER.id)),
    '401 invalid_grant: grant request is invalid',
  );
  // Somebody else's browser has the verifier of this challenge.
  assert.equal(
    await refused((url) => url.searchParams.set('code_challenge', 'x'.repeat(43))),
    '401 invalid_grant: grant request is invalid',
  );
  const { state } = await world.settings();
  assert.equal(
    refusalOf(await world.signIn('made-up', state)),
    '401 invalid_grant: grant request is invalid',
  );
  const { state: other } = await world.settings();
  assert.equal(refusalOf(await world.signIn('', other)), '401 invalid code');
  assert.equal(refusalOf(await world.signIn('x'.repeat(5000), other)), '401 invalid code');
});

test('a challenge is sent: a provider that insists on PKCE gives no code without', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { a1: anna });
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { authorize_url, state } = await world.settings();
  const url = new URL(authorize_url);
  url.searchParams.delete('code_challenge');
  url.searchParams.delete('code_challenge_method');
  const back = await issuer.authorize(url.href, 'a1');
  assert.equal(back.get('error'), 'invalid_request');
  assert.equal(back.get('state'), state);
});

test('an unknown user is refused with permitted_user_list, unless missing users are created', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { n1: { preferred_username: 'nobody' }, a1: anna });
  const oauth = { ...oauthOf(issuer), permittedUserList: true };
  const world = await ssoWorld(t, { oauth });
  assert.equal(refusalOf(await world.logIn(issuer, 'n1')), '401 unauthorized');
  assert.equal(userOf(await world.logIn(issuer, 'a1')), 'anna');
  assert.equal(world.sso.createsMissingUsers, false);
  assert.equal(world.another({ permittedUserList: false }).createsMissingUsers, true);
  const creating = await ssoWorld(t, { oauth, api: { createMissingUsers: true } });
  assert.equal(creating.sso.createsMissingUsers, true);
});

test('an unknown user is created without the list, in the default group and without a usable password', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { n1: { preferred_username: 'newcomer' } });
  const world = await ssoWorld(t, { oauth: oauthOf(issuer), api: { defaultUserGroup: 'Newcomers' } });
  assert.equal(userOf(await world.logIn(issuer, 'n1')), 'newcomer');
  const user = await world.users.findCurrent('newcomer');
  assert.deepEqual(user?.groups, ['Newcomers']);
  assert.notEqual(user?.password, '');
  assert.equal(userOf(await world.logIn(issuer, 'n1')), 'newcomer');
});

test('permitted_user_match finds anywhere in the name', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { a1: anna, b1: bert });
  const world = await ssoWorld(t, { oauth: { ...oauthOf(issuer), permittedUserMatch: 'nn|^x$' } });
  assert.equal(userOf(await world.logIn(issuer, 'a1')), 'anna');
  assert.equal(refusalOf(await world.logIn(issuer, 'b1')), '401 user is not permitted');
});

test('a required role is looked for in a text, a list, a path and under a URL', async (t) => {
  const url = 'https://tideway.example/roles';
  const issuer = await OpenIdIssuer.startFor(t, {
    text: { ...anna, roles: 'ops' },
    list: { ...anna, roles: ['dev', 'ops'] },
    path: { ...anna, realm_access: { roles: ['ops'] } },
    url: { ...anna, [url]: ['ops'] },
    none: anna,
    like: { ...anna, roles: ['ops2', 'OPS', 7, null] },
  });
  const refusal = '401 user does not have the required role';
  for (const [roleClaim, accounts] of [
    ['roles', { text: true, list: true, path: false, none: false, like: false }],
    ['realm_access.roles', { path: true, list: false }],
    [url, { url: true, text: false }],
    ['toString', { text: false }],
  ] as const) {
    const world = await ssoWorld(t, {
      oauth: { ...oauthOf(issuer), roleClaim, requiredRole: 'ops' },
      api: { maxFailedLogin: 0 },
    });
    for (const [account, may] of Object.entries(accounts)) {
      const answer = await world.logIn(issuer, account);
      if (may) assert.equal(userOf(answer), 'anna', `${roleClaim} ${account}`);
      else assert.equal(refusalOf(answer), refusal, `${roleClaim} ${account}`);
    }
  }
});

test('the name comes from a claim that users cannot choose, or the configured one', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, {
    a1: { ...anna, name: 'bert' },
    b1: { ...bert, name: 'anna' },
    odd: { name: ['anna'] },
  });
  const users = ['anna', 'bert', 'anna@example.org', 'bert@example.org'].map((username) => ({
    username,
    password: bcryptHash(PASSWORD),
    groups: null,
  }));
  const login = async (oauth: object, account: string): Promise<string> => {
    const world = await ssoWorld(t, { oauth: { ...oauthOf(issuer), ...oauth }, users });
    const answer = await world.logIn(issuer, account);
    return answer.status === 200 ? String(userOf(answer)) : refusalOf(answer);
  };
  const unverified = '401 the e-mail address of the user is not verified';
  assert.equal(await login({}, 'a1'), 'anna');
  assert.equal(await login({ provider: 'auth0' }, 'a1'), 'anna@example.org');
  assert.equal(await login({ provider: 'auth0' }, 'b1'), unverified);
  assert.equal(await login({ usernameClaim: 'email' }, 'b1'), unverified);
  assert.equal(await login({ usernameClaim: 'name' }, 'a1'), 'bert');
  assert.equal(await login({ usernameClaim: 'name' }, 'odd'), '401 the identity provider names no user');
  assert.equal(await login({ usernameClaim: 'nickname' }, 'a1'), '401 the identity provider names no user');
});

test('hostile names are refused', async (t) => {
  const names = [
    ' anna',
    'anna\n',
    'an\u0000na',
    'anna\u202e',
    'an\u200bna',
    'x'.repeat(151),
    '',
    '\ud800',
    'a\u2028b',
  ];
  const issuer = await OpenIdIssuer.startFor(
    t,
    Object.fromEntries(names.map((preferred_username, at) => [`h${at}`, { preferred_username }])),
  );
  const world = await ssoWorld(t, { oauth: oauthOf(issuer), api: { maxFailedLogin: 0 } });
  for (const at of names.keys()) {
    const refusal = refusalOf(await world.logIn(issuer, `h${at}`));
    assert.match(refusal, /^401 the identity provider names (no user|the user in a way)/, names[at]);
  }
});

test('a second factor and an expired password count here, too', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { a1: anna, e1: { preferred_username: 'expired' } });
  const world = await ssoWorld(t, {
    oauth: oauthOf(issuer),
    users: [
      { username: 'anna', password: bcryptHash(PASSWORD), groups: null },
      { username: 'expired', password: bcryptHash(PASSWORD), groups: null, password_expired: true },
    ],
    api: { totpEnabled: true, totpLoginSessionTtl: 600_000, totpAccountName: 'RPort' },
  });
  const answer = dataOf<{ token: string; two_fa: object }>(await world.logIn(issuer, 'a1'));
  assert.deepEqual(answer.two_fa, {
    send_to: '',
    delivery_method: 'totp_authenticator_app',
    totp_key_status: 'pending',
  });
  assert.equal((await world.get('/me', answer.token)).status, 401);
  assert.equal(
    refusalOf(await world.logIn(issuer, 'e1')),
    '401 password has expired, please change your password',
  );
});

test('a bad token lifetime costs neither state nor code', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, { a1: anna });
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { authorize_url, state } = await world.settings();
  const code = (await issuer.authorize(authorize_url, 'a1')).get('code') ?? '';
  const query = new URLSearchParams({ code, state });
  const refused = await world.open(`/oauth/login?${query}&token-lifetime=abc`);
  assert.equal(refused.status, 400);
  assert.equal(userOf(await world.open(`/oauth/login?${query}&token-lifetime=60`)), 'anna');
});
