/** States of logins: single use, an end, and bounds. Spec 02 §20.8 and §24.13. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PendingLoginBooks } from '../../../src/auth/sso/pending-logins.js';
import { PendingMap } from '../../../src/auth/sso/pending-map.js';
import { OpenIdIssuer } from '../../support/openid-issuer.js';
import { oauthOf, refusalOf, ssoWorld, userOf } from '../../support/sso-world.js';

const BAD_STATE = '401 invalid state: it is unknown, has expired or was used';
const accounts = { a1: { preferred_username: 'anna' } };

test('a state works once, for ten minutes, at the server that gave it out', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const begin = async (from = world) => {
    const { authorize_url, state } = await from.settings();
    return { state, code: (await issuer.authorize(authorize_url, 'a1')).get('code') ?? '' };
  };
  const first = await begin();
  assert.equal(userOf(await world.signIn(first.code, first.state)), 'anna');
  assert.equal(refusalOf(await world.signIn(first.code, first.state)), BAD_STATE);

  const used = await begin();
  assert.equal((await world.signIn('wrong', used.state)).status, 401);
  assert.equal(refusalOf(await world.signIn(used.code, used.state)), BAD_STATE, 'also after a failure');

  const late = await begin();
  world.ssoClock.advance(600_000);
  assert.equal(refusalOf(await world.signIn(late.code, late.state)), BAD_STATE);

  const elsewhere = await begin(await ssoWorld(t, { oauth: oauthOf(issuer) }));
  assert.equal(refusalOf(await world.signIn(elsewhere.code, elsewhere.state)), BAD_STATE);
  for (const state of ['', 'x', 'x'.repeat(100_000)]) {
    assert.equal(refusalOf(await world.signIn('code', state)), BAD_STATE);
  }
});

test('a login begins in one shard and ends in another, but not under another provider', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer) });
  const begin = async () => {
    const { authorizeUrl, state } = await world.another().settings('192.0.2.7');
    return { state, code: (await issuer.authorize(authorizeUrl, 'a1')).get('code') ?? '' };
  };
  const first = await begin();
  assert.deepEqual(await world.another().signIn(first.code, first.state), {
    username: 'anna',
    groups: null,
  });
  const second = await begin();
  const reloaded = world.another({ clientId: 'another-application' });
  await assert.rejects(reloaded.signIn(second.code, second.state), /invalid state/);
});

test('bad states count as failed logins of the address', async (t) => {
  const issuer = await OpenIdIssuer.startFor(t, accounts);
  const world = await ssoWorld(t, { oauth: oauthOf(issuer), api: { maxFailedLogin: 3 } });
  const { state } = await world.settings();
  assert.equal((await world.signIn('code', 'guess')).status, 401);
  assert.equal((await world.signIn('code', state)).status, 401, 'the code is wrong');
  assert.equal((await world.signIn('code', 'guess')).status, 401);
  for (const path of ['/oauth/login', '/auth/ext/settings', '/auth/provider', '/plus/status']) {
    assert.equal((await world.open(path)).status, 423, path);
  }
  assert.equal((await world.signIn('code', 'guess', '192.0.2.99')).status, 401);
});

test('a flood of settings from one address pushes out its own states only', () => {
  const books = new PendingLoginBooks();
  const login = { verifier: 'v', nonce: 'n' };
  books.keepState('of the user', login, '198.51.100.1', 0);
  for (let count = 0; count < 50_000; count++) books.keepState(`flood ${count}`, login, '192.0.2.1', 0);
  assert.equal(books.size.states, 2_001);
  assert.deepEqual(books.takeState('of the user', 1), login);
  assert.equal(books.takeState('of the user', 1), null);
  assert.equal(books.takeState('flood 0', 1), null);
  assert.deepEqual(books.takeState('flood 49999', 1), login);
  for (let count = 0; count < 50_000; count++) {
    books.keepState(`many ${count}`, login, `2001:db8:${(count % 20_000).toString(16)}::1`, 2);
  }
  assert.equal(books.size.states, 20_000);
});

test('addresses of one IPv6 network share a bound, and ended entries leave room', () => {
  const map = new PendingMap<number>({ capacity: 100, perAddress: 2 });
  map.set('a', 1, '2001:db8::1', 10, 0);
  map.set('b', 2, '2001:db8::2', 10, 0);
  map.set('c', 3, '2001:db8::3', 20, 0);
  assert.deepEqual([map.get('a', 1), map.get('b', 1), map.get('c', 1)], [undefined, 2, 3]);
  assert.equal(map.countOf('2001:db8::9', 1), 2);
  assert.equal(map.countOf('2001:db8::9', 10), 1);
  map.set('d', 4, '192.0.2.1', 30, 15);
  assert.equal(map.size, 2);
  assert.equal(map.take('d', 30), undefined, 'ended');
});
