/** ID tokens that somebody has tampered with, and issuers. Spec 02 §20.8. */

import assert from 'node:assert/strict';
import { createSecretKey, generateKeyPairSync } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { decodeJwt, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose';
import { issuersNear } from '../../../src/auth/sso/endpoints.js';
import { CLIENT, OpenIdIssuer, STRANGER } from '../../support/openid-issuer.js';
import { tamperedTokens } from '../../support/providers/tampered-tokens.js';
import { oauthOf, refusalOf, ssoWorld, userOf } from '../../support/sso-world.js';

const accounts = { a1: { preferred_username: 'anna' } };

type Tamper = (claims: JWTPayload, issuer: OpenIdIssuer) => Promise<string | undefined> | string | undefined;

const resigned =
  (change: object): Tamper =>
  (claims, { key }) =>
    new SignJWT({ ...claims, ...change }).setProtectedHeader({ alg: 'RS256', kid: 'main' }).sign(key);

async function logInWith(test: TestContext, issuer: OpenIdIssuer, tamper: Tamper): Promise<string> {
  const tokenUrl = await tamperedTokens(test, issuer, async (token) => tamper(decodeJwt(token), issuer));
  const world = await ssoWorld(test, { oauth: { ...oauthOf(issuer), tokenUrl, issuer: issuer.url } });
  const answer = await world.logIn(issuer, 'a1');
  return answer.status === 200 ? String(userOf(answer)) : refusalOf(answer);
}

test('a tampered ID token is refused', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const now = Math.floor(Date.now() / 1000);
  const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const bad = '401 invalid ID token: ';
  assert.equal(await logInWith(t, issuer, resigned({})), 'anna', 'signed anew by the provider');
  const cases: [string, Tamper, string][] = [
    ['nonce', resigned({ nonce: 'another' }), 'unexpected "nonce" claim value'],
    ['no nonce', resigned({ nonce: undefined }), 'unexpected "nonce" claim value'],
    ['audience', resigned({ aud: STRANGER.id }), 'unexpected "aud" claim value'],
    ['audiences', resigned({ aud: [CLIENT.id, STRANGER.id] }), 'unexpected "azp" claim value'],
    ['authorized party', resigned({ azp: STRANGER.id }), 'unexpected "azp" claim value'],
    ['issuer', resigned({ iss: 'https://evil.example' }), 'unexpected "iss" claim value'],
    ['expired', resigned({ exp: now - 3600 }), '"exp" claim timestamp check failed'],
    ['no end', resigned({ exp: undefined }), 'missing required "exp" claim'],
    ['not yet', resigned({ nbf: now + 3600 }), '"nbf" claim timestamp check failed'],
    [
      'signature',
      (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'main' }).sign(stranger),
      'signature verification failed',
    ],
    [
      'unknown key',
      (claims) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: 'other' }).sign(stranger),
      'no applicable key found in the JSON Web Key Set',
    ],
    [
      'client secret as key',
      (claims) =>
        new SignJWT(claims)
          .setProtectedHeader({ alg: 'HS256' })
          .sign(createSecretKey(Buffer.from(CLIENT.secret.padEnd(32, 'x')))),
      '"alg" (Algorithm) Header Parameter value not allowed',
    ],
    [
      'no signature',
      (claims) => new UnsecuredJWT(claims).encode(),
      '"alg" (Algorithm) Header Parameter value not allowed',
    ],
    ['no token at all', () => 'x', 'Invalid Compact JWS'],
  ];
  for (const [name, tamper, reason] of cases) {
    assert.equal(await logInWith(t, issuer, tamper), bad + reason, name);
  }
  assert.equal(await logInWith(t, issuer, () => undefined), '401 the identity provider gives no answer');
});

test('ES256 is as good as RS256', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts, 'ES256');
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  assert.equal(userOf(await world.logIn(issuer, 'a1')), 'anna');
});

test('with an issuer, endpoints are looked up, once', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: { provider: 'oidc', issuer: issuer.url } });
  assert.equal(userOf(await world.logIn(issuer, 'a1')), 'anna');
  assert.equal(userOf(await world.logIn(issuer, 'a1')), 'anna');
  const lookUps = () => issuer.requests.filter((line) => line.includes('openid-configuration')).length;
  assert.equal(lookUps(), 1);
  assert.equal((await world.deviceSettings()).verification_uri, `${issuer.url}/device`);
  world.ssoClock.advance(60 * 60_000);
  await world.settings();
  assert.equal(lookUps(), 2);
});

test('an issuer that is not the one configured is refused', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const oauth = { ...oauthOf(issuer), issuer: `${issuer.url}/other` };
  const world = await ssoWorld(t, { oauth });
  assert.equal(
    refusalOf(await world.logIn(issuer, 'a1')),
    '401 invalid ID token: unexpected "iss" claim value',
  );
  const lookedUp = await ssoWorld(t, { oauth: { provider: 'oidc', issuer: `${issuer.url}/other` } });
  for (const times of [1, 2]) {
    assert.equal((await lookedUp.open('/auth/ext/settings')).status, 500);
    const lookUps = issuer.requests.filter((line) => line.includes('openid-configuration'));
    assert.equal(lookUps.length, times, 'a failure is not remembered');
  }
});

test('settings fail with 500 while a provider that must be asked is away', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  await issuer.stop();
  const world = await ssoWorld(t, { oauth: { provider: 'oidc', issuer: issuer.url } });
  for (const path of ['/auth/ext/settings', '/auth/ext/settings/device']) {
    assert.equal(refusalOf(await world.open(path)), '500 the identity provider gives no answer');
  }
  assert.match(world.ssoLog.lines.join('\n'), /error: single sign-on: discovery of .*ECONNREFUSED/);
});

test('a provider that is away at login is no failure of the caller', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer), api: { maxFailedLogin: 1 } });
  const { state } = await world.settings();
  await issuer.stop();
  assert.equal(refusalOf(await world.signIn('code', state)), '401 the identity provider gives no answer');
  assert.equal((await world.open('/auth/provider')).status, 200);
});

test('without an issuer it is one above the token endpoint and the keys', () => {
  const auth0 = issuersNear(
    'https://t.auth0.example/oauth/token',
    'https://t.auth0.example/.well-known/jwks.json',
  );
  assert.deepEqual(auth0, ['https://t.auth0.example', 'https://t.auth0.example/']);
  const realm = 'https://id.example/realms/a/protocol/openid-connect';
  const keycloak = issuersNear(`${realm}/token`, `${realm}/certs`);
  assert.ok(keycloak.includes('https://id.example/realms/a'));
  assert.ok(!keycloak.some((issuer) => issuer.includes('/realms/b')));
  assert.deepEqual(issuersNear('https://a.example/token', 'https://b.example/jwks'), []);
});
