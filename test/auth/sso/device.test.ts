/** Logins of programs without a browser. Spec 02 §20.4, §20.6 and §24.13. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingLoginBooks } from '../../../src/auth/sso/pending-logins.js';
import type { Injected } from '../../support/inject.js';
import { OpenIdIssuer } from '../../support/openid-issuer.js';
import { dataOf, oauthOf, refusalOf, ssoWorld, userOf } from '../../support/sso-world.js';

const accounts = { a1: { preferred_username: 'anna' }, n1: { preferred_username: 'nobody' } };

/** The body is a success envelope whatever the status. */
const said = (answer: Injected) => {
  const { data } = answer.json() as { data: { status_code: number; error: string } };
  assert.equal(data.status_code, answer.status);
  return `${answer.status} ${data.error}`;
};

test('a device waits, is told to slow down, and is let in', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const answer = await world.open('/auth/ext/settings/device');
  const { auth_provider, details } = dataOf<{
    auth_provider: string;
    details: { login_uri: string; auth_info: Record<string, unknown> };
  }>(answer);
  assert.equal(auth_provider, 'oidc');
  assert.deepEqual(Object.keys(details), ['login_uri', 'auth_info']);
  assert.equal(details.login_uri, '/api/v1/oauth/login/device');
  const info = details.auth_info;
  assert.deepEqual(Object.keys(info), [
    'user_code',
    'device_code',
    'verification_uri',
    'expires_in',
    'interval',
    'message',
  ]);
  assert.equal(info.expires_in, 600);
  assert.equal(info.interval, 5);
  const code = String(info.device_code);

  const pending = await world.poll(code);
  assert.equal(said(pending), '400 authorization_pending');
  assert.deepEqual(Object.keys((pending.json() as { data: object }).data), [
    'status_code',
    'error',
    'error_description',
    'error_uri',
  ]);
  const asked = issuer.requests.length;
  assert.equal(said(await world.poll(code)), '400 slow_down');
  world.ssoClock.advance(4_000);
  assert.equal(said(await world.poll(code)), '400 slow_down');
  assert.equal(issuer.requests.length, asked, 'the provider is not asked too often');

  await issuer.decide(String(info.user_code), 'a1');
  world.ssoClock.advance(1_000);
  const success = await world.poll(code);
  assert.equal(userOf(success), 'anna');
  assert.equal((success.json() as { data: { error?: string } }).data.error, undefined);
  world.ssoClock.advance(5_000);
  assert.equal(said(await world.poll(code)), '400 expired_token', 'works once');
});

test('two polls at once ask the provider once', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { device_code } = await world.deviceSettings();
  const answers = await Promise.all([1, 2, 3].map(() => world.poll(device_code)));
  assert.deepEqual(answers.map(said).sort(), ['400 authorization_pending', '400 slow_down', '400 slow_down']);
});

test('a device that is refused is told so, once by the provider', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { device_code, user_code } = await world.deviceSettings();
  await issuer.decide(user_code, 'a1', false);
  const denied = await world.poll(device_code);
  assert.equal(said(denied), '400 access_denied');
  const { data } = denied.json() as { data: { error_description: string } };
  assert.equal(data.error_description, 'End-User aborted interaction');
  world.ssoClock.advance(5_000);
  const asked = issuer.requests.length;
  assert.equal(said(await world.poll(device_code)), '400 expired_token');
  assert.equal(issuer.requests.length, asked);
});

test('only codes that were given out here are polled for; guesses count as failed logins', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const elsewhere = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { device_code } = await elsewhere.deviceSettings();
  const world = await ssoWorld(t, { oauth: oauthOf(issuer), api: { maxFailedLogin: 4 } });
  const own = await world.deviceSettings();
  const asked = issuer.requests.length;
  for (const code of [device_code, '', 'x'.repeat(10_000)]) {
    assert.equal(said(await world.poll(code)), '400 expired_token');
  }
  assert.equal(issuer.requests.length, asked);
  assert.equal(said(await world.poll(own.device_code)), '400 authorization_pending', 'no failed login');
  assert.equal(said(await world.poll('guess')), '400 expired_token');
  assert.equal((await world.poll(own.device_code)).status, 423);
});

test('a code ends when the provider said it would', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { device_code } = await world.deviceSettings();
  world.ssoClock.advance(600_000);
  assert.equal(said(await world.poll(device_code)), '400 expired_token');
});

test('who is not permitted or not known is refused with 401', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, {
    oauth: { ...oauthOf(issuer), permittedUserList: true, permittedUserMatch: '^(anna|nobody)$' },
  });
  const logIn = async (account: string): Promise<Injected> => {
    const { device_code, user_code } = await world.deviceSettings();
    await issuer.decide(user_code, account);
    return world.poll(device_code);
  };
  assert.equal(refusalOf(await logIn('n1')), '401 unauthorized');
  assert.equal(userOf(await logIn('a1')), 'anna');
  const strict = await ssoWorld(t, { oauth: { ...oauthOf(issuer), permittedUserMatch: '^x$' } });
  const { device_code, user_code } = await strict.deviceSettings();
  await issuer.decide(user_code, 'a1');
  assert.equal(refusalOf(await strict.poll(device_code)), '401 user is not permitted');
});

test('a device login begins in one shard and ends in another', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const { deviceCode, userCode } = await world.another().deviceSettings('192.0.2.7');
  await issuer.decide(userCode, 'a1');
  assert.deepEqual(await world.another().signInDevice(deviceCode), { username: 'anna', groups: null });
});

test('without device_authorize_url there is no device login', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: { ...oauthOf(issuer), deviceAuthorizeUrl: '' } });
  assert.equal(
    refusalOf(await world.open('/auth/ext/settings/device')),
    '403 device login is not configured',
  );
});

test('one address cannot make this server ask for ever more codes', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  for (let count = 0; count < 50; count++) await world.deviceSettings();
  const asked = issuer.requests.length;
  assert.equal((await world.open('/auth/ext/settings/device')).status, 429);
  assert.equal(issuer.requests.length, asked);
  const other = await world.open('/auth/ext/settings/device', { remoteAddress: '198.51.100.1' });
  assert.equal(other.status, 200);
  world.ssoClock.advance(600_000);
  assert.equal((await world.open('/auth/ext/settings/device')).status, 200);
});

test('slow_down of the provider makes the interval longer', () => {
  const books = new PendingLoginBooks();
  books.keepDevice('code', { interval: 5, expiresIn: 600 }, '192.0.2.1', 0);
  assert.equal(books.pollDevice('code', 0), 'go');
  books.slowDevice('code', 0);
  assert.equal(books.pollDevice('code', 5_000), 'too_soon');
  assert.equal(books.pollDevice('code', 10_000), 'go');
  books.endDevice('code');
  assert.equal(books.pollDevice('code', 20_000), 'unknown');
});
