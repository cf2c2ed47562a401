/** Logins with codes of an authenticator app, through the API. Spec 02 §9 and §24.7. */

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { decodeJwt } from 'jose';
import { totpCode } from '../../src/auth/second-factor/totp/code.js';
import { parseTotpUrl } from '../../src/auth/second-factor/totp/secret.js';
import {
  type AuthWorld,
  type AuthWorldParts,
  authWorld,
  basic,
  bcryptHash,
  PASSWORD,
  titles,
} from '../support/auth-world.js';
import type { Injected, InjectedRequest } from '../support/inject.js';
import { hasOathtool, oathtool } from '../support/oathtool.js';

const TTL = 600_000;
const STEP = 30_000;
const NO_SECRET = 'time based one time secret key should be generated for this user';
const hash = bcryptHash(PASSWORD);
/** What cora has had all along. Of a random one, two codes near each other would be the same now and then. */
const coras =
  'otpauth://totp/cora:RPort?algorithm=SHA1&digits=6&issuer=cora&period=30&secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP';
const people = [
  { username: 'anna', password: hash, groups: ['Administrators'] },
  { username: 'bert', password: hash, groups: null },
  { username: 'cora', password: hash, groups: null, totp_secret: coras },
];

interface World extends AuthWorld {
  /** The first step; its token. */
  first(username: string): Promise<string>;
  /** `POST /me/totp-secret`; the secret. */
  secret(token: string): Promise<string>;
  verify(token: string, username: string, code: string, more?: Partial<InjectedRequest>): Promise<Injected>;
  /** The code of now, or some steps away from it. */
  code(secret: string, offset?: number): string;
  /** A full token, of a user that has no secret yet. */
  signIn(username: string): Promise<{ token: string; secret: string }>;
}

async function makeWorld(t: TestContext, { api, ...parts }: AuthWorldParts = {}): Promise<World> {
  const base = await authWorld(t, {
    users: people,
    ...parts,
    api: {
      totpEnabled: true,
      totpLoginSessionTtl: TTL,
      totpAccountName: 'RPort',
      userLoginWait: 0,
      maxFailedLogin: 0,
      ...api,
    },
  });
  const world: World = {
    ...base,
    async first(username) {
      const answer = await base.login(username);
      assert.equal(answer.status, 200, answer.text);
      return tokenOf(answer);
    },
    async secret(token) {
      const answer = await base.get('/me/totp-secret', token, { method: 'POST' });
      assert.equal(answer.status, 200, answer.text);
      return (answer.json() as { secret: string }).secret;
    },
    verify: (token, username, code, more = {}) =>
      base.call({
        method: 'POST',
        url: '/api/v1/verify-2fa',
        headers: { authorization: `Bearer ${token}` },
        body: { username, token: code },
        ...more,
      }),
    code: (secret, offset = 0) => codeAt(secret, base.clock.now() + offset * STEP),
    async signIn(username) {
      const limited = await world.first(username);
      const secret = await world.secret(limited);
      const answer = await world.verify(limited, username, world.code(secret));
      assert.equal(answer.status, 200, answer.text);
      return { token: tokenOf(answer), secret };
    },
  };
  return world;
}

const codeAt = (secret: string, now: number): string =>
  totpCode({ secret, algorithm: 'SHA1', digits: 6, period: 30, url: '' }, Math.floor(now / STEP)) ?? '';
const tokenOf = (answer: Injected): string => (answer.json() as { data: { token: string } }).data.token;
const refusal = (answer: Injected): string =>
  answer.status < 300 ? String(answer.status) : `${answer.status} ${titles(answer)[0]}`;
const statusOf = (answer: Injected): unknown =>
  (answer.json() as { data: { two_fa: { totp_key_status: string } } }).data.two_fa;

test('the first login makes a secret, later ones ask for its codes', async (t) => {
  const world = await makeWorld(t);
  const first = await world.login('anna');
  assert.deepEqual(statusOf(first), {
    send_to: '',
    delivery_method: 'totp_authenticator_app',
    totp_key_status: 'pending',
  });
  assert.deepEqual(decodeJwt(tokenOf(first)).scopes, [
    { uri: '/api/v1/verify-2fa', method: 'POST' },
    { uri: '/api/v1/me/totp-secret', method: 'POST' },
  ]);
  const made = await world.get('/me/totp-secret', tokenOf(first), { method: 'POST' });
  const { secret, qr, ...rest } = made.json() as { secret: string; qr: string };
  assert.deepEqual(rest, {}, 'not in an envelope');
  assert.match(secret, /^[A-Z2-7]{32}$/);
  assert.equal(Buffer.from(qr, 'base64').subarray(1, 4).toString(), 'PNG');
  const full = tokenOf(await world.verify(tokenOf(first), 'anna', world.code(secret)));
  assert.equal((await world.get('/me', full)).status, 200);

  world.clock.advance(STEP);
  const second = await world.login('anna');
  assert.deepEqual(statusOf(second), {
    send_to: '',
    delivery_method: 'totp_authenticator_app',
    totp_key_status: 'exists',
  });
  assert.deepEqual(decodeJwt(tokenOf(second)).scopes, [{ uri: '/api/v1/verify-2fa', method: 'POST' }]);
  assert.equal((await world.verify(tokenOf(second), 'anna', world.code(secret))).status, 200);
});

test('what is stored is the URL of the secret', async (t) => {
  const world = await makeWorld(t);
  const secret = await world.secret(await world.first('anna'));
  const stored = (await world.users.findCurrent('anna'))?.totpSecret ?? '';
  assert.equal(parseTotpUrl(stored)?.secret, secret);
  assert.match(
    stored,
    /^otpauth:\/\/totp\/anna:RPort\?algorithm=SHA1&digits=6&issuer=anna&period=30&secret=/,
  );
});

test('the limited token makes a secret where there is none, and does nothing else with it', async (t) => {
  const world = await makeWorld(t);
  const limited = await world.first('anna');
  const ask = async (method: string, path = '/me/totp-secret'): Promise<string> =>
    refusal(await world.get(path, limited, { method }));
  assert.equal(await ask('GET'), '401 unauthorized');
  assert.equal(await ask('DELETE'), '401 unauthorized');
  assert.equal(await ask('GET', '/me'), '401 unauthorized');
  const early = await world.verify(limited, 'anna', '123456');
  assert.equal(refusal(early), `409 ${NO_SECRET}`);
  const other = await world.first('anna');
  await world.secret(limited);
  const exists = '409 cannot create new totP secret when another one already exists';
  assert.equal(await ask('POST'), exists);
  assert.equal(
    refusal(await world.get('/me/totp-secret', other, { method: 'POST' })),
    exists,
    'nor with a login that began before',
  );
  const later = await world.first('anna');
  assert.equal(refusal(await world.get('/me/totp-secret', later, { method: 'POST' })), '401 unauthorized');
});

test('two logins at once make one secret', async (t) => {
  const world = await makeWorld(t);
  const tokens = await Promise.all([world.first('anna'), world.first('anna'), world.first('anna')]);
  const answers = await Promise.all(
    tokens.map((token) => world.get('/me/totp-secret', token, { method: 'POST' })),
  );
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 409, 409]);
});

test('a user sees and removes his secret', async (t) => {
  const world = await makeWorld(t);
  const { token, secret } = await world.signIn('anna');
  const shown = await world.get('/me/totp-secret', token);
  assert.equal((shown.json() as { secret: string }).secret, secret);
  assert.equal(shown.header('content-type'), 'application/json; charset=UTF-8');
  for (let count = 0; count < 2; count++) {
    assert.equal((await world.get('/me/totp-secret', token, { method: 'DELETE' })).status, 204);
  }
  assert.equal(refusal(await world.get('/me/totp-secret', token)), `404 ${NO_SECRET}`);
  assert.equal((await world.login('anna')).text.includes('"pending"'), true);
  const made = await world.get('/me/totp-secret', token, { method: 'POST' });
  assert.equal(made.status, 200, 'the full token may, too');
});

test('an API token that may only read does not read the secret', async (t) => {
  const world = await makeWorld(t);
  await world.signIn('anna');
  const show = async (scope: string): Promise<number> => {
    const { clear } = await world.auth.apiTokens.create(
      { username: 'anna', admin: true },
      { name: scope, scope, expiresAt: null },
    );
    const headers = { authorization: basic('anna', clear) };
    assert.equal((await world.call({ url: '/api/v1/status', headers })).status, 200);
    return (await world.call({ url: '/api/v1/me/totp-secret', headers })).status;
  };
  assert.equal(await show('read'), 403);
  assert.equal(await show('read+write'), 200);
});

test('administrators remove the secrets of others', async (t) => {
  const world = await makeWorld(t);
  const { token } = await world.signIn('anna');
  const remove = async (user: string, bearer = token): Promise<string> =>
    refusal(await world.get(`/users/${user}/totp-secret`, bearer, { method: 'DELETE' }));
  assert.equal(await remove('cora'), '204');
  assert.equal(await remove('cora'), '204');
  assert.ok((await world.login('cora')).text.includes('"pending"'));
  assert.equal(await remove('nobody'), '404 user not found');
  const bert = await world.signIn('bert');
  assert.equal(
    await remove('anna', bert.token),
    '403 current user should belong to Administrators group to access this resource',
  );
});

test('codes of the step before and after are good, others are not', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  for (const offset of [-2, 2]) {
    const answer = await world.verify(await world.first('cora'), 'cora', world.code(secret, offset));
    assert.equal(refusal(answer), '401 invalid code', `${offset}`);
  }
  for (const offset of [-1, 0, 1]) {
    world.clock.advance(10 * STEP);
    const answer = await world.verify(await world.first('cora'), 'cora', world.code(secret, offset));
    assert.equal(answer.status, 200, `${offset}`);
  }
});

test('blanks around a code are forgiven, the name in the body does not matter', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const token = await world.first('cora');
  assert.equal(refusal(await world.verify(token, '', world.code(secret))), '401 username is required');
  assert.equal(refusal(await world.verify(token, 'x', '')), '401 token is required');
  const answer = await world.verify(token, 'somebody', ` ${world.code(secret)}\t`);
  assert.equal(decodeJwt(tokenOf(answer)).username, 'cora');
});

test('a code is good once', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const [one, two] = [await world.first('cora'), await world.first('cora')];
  const code = world.code(secret);
  assert.equal((await world.verify(one, 'cora', code)).status, 200);
  assert.equal(refusal(await world.verify(one, 'cora', code)), '401 unauthorized', 'the login is over');
  assert.equal(refusal(await world.verify(two, 'cora', code)), '401 invalid code', 'somebody has looked on');
  assert.equal(
    refusal(await world.verify(two, 'cora', world.code(secret, -1))),
    '401 invalid code',
    'nor an older one',
  );
  world.clock.advance(STEP);
  assert.equal((await world.verify(two, 'cora', world.code(secret))).status, 200);
});

test('one code side by side opens one login', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const tokens = [];
  for (let count = 0; count < 4; count++) tokens.push(await world.first('cora'));
  const answers = await Promise.all(tokens.map((token) => world.verify(token, 'cora', world.code(secret))));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 401, 401, 401]);
});

test('the code of one user is none of another', async (t) => {
  const world = await makeWorld(t);
  const { secret } = await world.signIn('anna');
  world.clock.advance(STEP);
  const cora = await world.first('cora');
  assert.equal(refusal(await world.verify(cora, 'anna', world.code(secret))), '401 invalid code');
});

test('guesses end: of one login, and of all logins together', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const wrong = world.code(secret) === '000000' ? '000001' : '000000';
  const seen: string[] = [];
  for (let login = 0; login < 2; login++) {
    const token = await world.first('cora');
    for (let tries = 0; tries < 5; tries++) seen.push(refusal(await world.verify(token, 'cora', wrong)));
    if (login === 0) {
      const late = await world.verify(token, 'cora', world.code(secret));
      assert.equal(refusal(late), '401 login request not found for provided username');
    }
  }
  assert.deepEqual(new Set(seen), new Set(['401 invalid code']));
  const login = await world.login('cora');
  assert.equal(refusal(login), '429 too many requests, please try later');
  assert.equal(login.header('retry-after'), '600');
  world.clock.advance(600_000);
  const answer = await world.verify(await world.first('cora'), 'cora', world.code(secret));
  assert.equal(answer.status, 200);
});

test('making a secret does not clear the failures of an address', async (t) => {
  const world = await makeWorld(t, { api: { maxFailedLogin: 4, banTime: 600 } });
  const limited = await world.first('anna');
  for (let tries = 0; tries < 3; tries++) {
    const answer = await world.call({
      url: '/api/v1/login',
      headers: { authorization: basic('bert', 'wrong') },
    });
    assert.equal(answer.status, 401);
    await world.get('/me/totp-secret', limited, { method: 'POST' });
    assert.equal((await world.login('anna')).status, 200);
  }
  assert.equal((await world.login('bert', 'wrong')).status, 401);
  assert.equal((await world.login('bert')).status, 423);
});

test('the second step has its time', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const one = await world.first('cora');
  world.clock.advance(TTL - 1);
  assert.equal((await world.verify(one, 'cora', world.code(secret))).status, 200);
  const two = await world.first('cora');
  world.clock.advance(TTL);
  assert.equal(refusal(await world.verify(two, 'cora', world.code(secret))), '401 login request expired');
  world.clock.advance(TTL);
  assert.equal(refusal(await world.verify(two, 'cora', world.code(secret))), '401 unauthorized');
});

test('a limited token lives no longer because it is used', async (t) => {
  const world = await makeWorld(t);
  const limited = await world.first('anna');
  for (let minutes = 0; minutes < 20; minutes++) {
    assert.equal(
      (await world.get('/me/totp-secret', limited, { method: 'POST' })).status,
      minutes === 0 ? 200 : 409,
    );
    world.clock.advance(60_000);
  }
  assert.equal((await world.get('/me/totp-secret', limited, { method: 'POST' })).status, 401);
});

test('a bad lifetime costs no login', async (t) => {
  const world = await makeWorld(t);
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const token = await world.first('cora');
  const bad = await world.verify(token, 'cora', world.code(secret), {
    url: '/api/v1/verify-2fa?token-lifetime=abc',
  });
  assert.equal(bad.status, 400);
  assert.equal((await world.verify(token, 'cora', world.code(secret))).status, 200);
});

test('a stored value that is no secret is 500, and shown to nobody', async (t) => {
  const stored = coras.replace('digits=6', 'digits=7');
  const secret = parseTotpUrl(coras)?.secret ?? '';
  const users = [...people, { username: 'dora', password: hash, totp_secret: stored }];
  const world = await makeWorld(t, { users });
  const answer = await world.login('dora');
  assert.equal(
    refusal(answer),
    '500 failed to convert the stored value to TotP secret data: invalid digits value 7',
  );
  assert.ok(!answer.text.includes(secret));
  assert.ok(!world.log.lines.join('\n').includes(secret));
});

test('without authenticator apps the four routes say so', async (t) => {
  const world = await makeWorld(t, { api: { totpEnabled: false } });
  const token = await world.token('anna');
  for (const [method, path] of [
    ['GET', '/me/totp-secret'],
    ['POST', '/me/totp-secret'],
    ['DELETE', '/me/totp-secret'],
    ['DELETE', '/users/bert/totp-secret'],
  ] as const) {
    assert.equal(refusal(await world.get(path, token, { method })), '400 TotP is disabled', path);
  }
});

test('the single user has no secrets to remove', async (t) => {
  const world = await makeWorld(t, { staticUser: 'admin:secret', api: { totpEnabled: false } });
  const token = tokenOf(await world.login('admin', 'secret'));
  assert.equal(
    refusal(await world.get('/users/admin/totp-secret', token, { method: 'DELETE' })),
    '400 server runs on a static user-password pair, please use JSON file or database for user data',
  );
});

test('secrets, codes and tokens are never in the log', async (t) => {
  const world = await makeWorld(t);
  const limited = await world.first('anna');
  const secret = await world.secret(limited);
  const code = world.code(secret);
  await world.verify(limited, 'anna', '000000');
  const full = tokenOf(await world.verify(limited, 'anna', code));
  await world.get('/me/totp-secret', full);
  const log = world.log.lines.join('\n');
  assert.match(log, /login of "anna"/);
  for (const hidden of [secret, code, limited, full, 'otpauth:']) assert.ok(!log.includes(hidden), hidden);
});

test('codes of oathtool open logins', {
  skip: hasOathtool ? false : 'oathtool is not installed',
}, async (t) => {
  const world = await makeWorld(t);
  const limited = await world.first('anna');
  const code = oathtool(await world.secret(limited), { now: world.clock.now() });
  assert.equal((await world.verify(limited, 'anna', code)).status, 200);
});

test('a new password ends logins that began with the old one', async (t) => {
  const { first, get, accounts } = await makeWorld(t);
  const begun = await first('bert');
  await accounts.changeUser('bert', { password: 'the next password of bert' });
  assert.equal((await get('/me/totp-secret', begun, { method: 'POST' })).status, 401);
});
