/** Second factors of a running server with two shards, with real services. Spec 02 §8, §9, §24.6 and §24.7. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import bcrypt from 'bcryptjs';
import { generateSync } from 'otplib';
import { type ApiAnswer, type ApiClient, basic } from '../support/api-client.js';
import { type FormReceiver, openFormReceiver } from '../support/form-receiver.js';
import { mailReceiver } from '../support/mail-receiver.js';
import { hasOathtool, oathtool } from '../support/oathtool.js';
import { TestServer, type TestServerOptions } from '../support/server.js';

const PASSWORD = 'password-of-the-tests';
/** Requests open new connections, which land on either of two shards: all on one has a chance of 1 in 10⁶. */
const ROUNDS = 10;

let receiver: FormReceiver;
let byCode: TestServer;
let byApp: TestServer;

const writeUsers = (folder: string): void => {
  const password = bcrypt.hashSync(PASSWORD, 4).replace('$2b$', '$2y$');
  const user = (username: string, groups: readonly string[] = []) => ({
    username,
    password,
    groups,
    two_fa_send_to: `${username}@example.org`,
  });
  const names = ['bert', 'cora', 'dora', 'emil', 'fred'];
  const users = [user('anna', ['Administrators']), ...names.map((name) => user(name))];
  writeFileSync(join(folder, 'users.json'), JSON.stringify(users));
  const script = join(folder, 'send.sh');
  writeFileSync(script, `#!/bin/sh\necho "$RPORT_2FA_TOKEN" > '${folder}/sent'\necho sending\n`, {
    mode: 0o700,
  });
};

const settings = (api: NonNullable<TestServerOptions['api']>): TestServerOptions => ({
  api: {
    auth: null,
    auth_file: 'users.json',
    base_url: 'http://tideway.example.com',
    user_login_wait: 0,
    max_failed_login: 0,
    ...api,
  },
  prepare: (_dataDir, folder) => writeUsers(folder),
});

before(async () => {
  receiver = await openFormReceiver();
  byCode = await TestServer.start(settings({ two_fa_token_delivery: receiver.url }));
  byApp = await TestServer.start(settings({ totp_enabled: true }));
});
after(async () => {
  await byCode?.remove();
  await byApp?.remove();
  await receiver?.close();
});

const login = (server: TestServer, username: string): Promise<ApiAnswer> =>
  server
    .anonymous()
    .with({ authorization: basic(username, PASSWORD) })
    .get('/login');
const tokenOf = (answer: ApiAnswer): string => answer.data<{ token: string }>().token;
const bearer = (server: TestServer, token: string): ApiClient =>
  server.anonymous().with({ authorization: `Bearer ${token}` });
const verify = (server: TestServer, token: string, username: string, code: string): Promise<ApiAnswer> =>
  bearer(server, token).post('/verify-2fa', { body: { username, token: code } });
const sentCode = (): string => receiver.last().fields.token ?? '';

test('/status names the second factor', async () => {
  const token = tokenOf(await verify(byCode, tokenOf(await login(byCode, 'anna')), 'anna', sentCode()));
  const { two_fa_enabled, two_fa_delivery_method } = (await bearer(byCode, token).get('/status')).data<
    Record<string, unknown>
  >();
  assert.deepEqual([two_fa_enabled, two_fa_delivery_method], [true, 'url']);
});

test('a login begins in one shard and ends in another', async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const limited = tokenOf(await login(byCode, 'anna'));
    const code = sentCode();
    const answer = await verify(byCode, limited, 'anna', code);
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await bearer(byCode, tokenOf(answer)).get('/me')).status, 200);
    assert.equal((await verify(byCode, limited, 'anna', code)).refusal, '401 unauthorized');
  }
});

test('all shards count the same wrong codes', async () => {
  const limited = tokenOf(await login(byCode, 'bert'));
  const code = sentCode();
  for (let tries = 0; tries < 5; tries++) {
    assert.equal((await verify(byCode, limited, 'bert', 'wrong1')).refusal, '401 invalid token');
  }
  for (let round = 0; round < ROUNDS; round++) {
    const late = await verify(byCode, limited, 'bert', code);
    assert.equal(late.refusal, '401 2fa token not found for provided username');
    if (round === 3) break;
  }
});

test('receivers are checked when users are changed', async () => {
  const token = tokenOf(await verify(byCode, tokenOf(await login(byCode, 'anna')), 'anna', sentCode()));
  const admin = bearer(byCode, token);
  const bad = await admin.put('/users/fred', { body: { two_fa_send_to: 'fred' } });
  assert.equal(bad.refusal, '400 invalid two_fa_send_to: invalid email format');
  const good = await admin.put('/users/fred', { body: { two_fa_send_to: 'fred@elsewhere.example.org' } });
  assert.equal(good.status, 204, good.text);
  await login(byCode, 'fred');
  assert.equal(receiver.last().fields.email, 'fred@elsewhere.example.org');
});

test('another delivery counts for new logins, and ends the old ones', async () => {
  const old = tokenOf(await login(byCode, 'cora'));
  const oldCode = sentCode();
  const script = join(byCode.folder, 'send.sh');
  const line = await byCode.reload({ api: { two_fa_token_delivery: script } });
  assert.match(line, /reloaded.*api\.two_fa_token_delivery/);
  const ended = await verify(byCode, old, 'cora', oldCode);
  assert.equal(ended.refusal, '401 2fa token not found for provided username');
  const answer = await login(byCode, 'cora');
  assert.equal(answer.data<{ two_fa: { delivery_method: string } }>().two_fa.delivery_method, 'script');
  const code = readFileSync(join(byCode.folder, 'sent'), 'utf8').trim();
  assert.equal((await verify(byCode, tokenOf(answer), 'cora', code)).status, 200);
  assert.match(await byCode.untilLogged(/2fa script: .*/), /2fa script: sending/);
});

test('a mail server that does not answer is refused at a reload, a good one is used', async (t) => {
  const smtp = (server: string) => ({
    api: { two_fa_token_delivery: 'smtp' },
    sections: { smtp: { server, sender_email: 'tideway@example.com' } },
  });
  const refused = await byCode.reload(smtp('127.0.0.1:1'));
  assert.match(refused, /was not reloaded, .*could not connect to smtp\.server: .*ECONNREFUSED/);
  const kept = await login(byCode, 'dora');
  assert.equal(kept.data<{ two_fa: { delivery_method: string } }>().two_fa.delivery_method, 'script');
  const mails = await mailReceiver(t);
  assert.match(await byCode.reload(smtp(mails.address)), /configuration reloaded/);
  const answer = await login(byCode, 'dora');
  assert.equal(answer.data<{ two_fa: { delivery_method: string } }>().two_fa.delivery_method, 'email');
  assert.deepEqual(mails.mails[0]?.to, ['dora@example.org']);
  const code = /The token is: (\w+)/.exec(mails.mails[0]?.source ?? '')?.[1] ?? '';
  assert.equal((await verify(byCode, tokenOf(answer), 'dora', code)).status, 200);
});

test('a mail server that does not answer stops the start', async () => {
  const starting = TestServer.start({
    ...settings({ two_fa_token_delivery: 'smtp' }),
    sections: {
      smtp: { server: '127.0.0.1:1', sender_email: 'tideway@example.com', auth_password: 's3cret' },
    },
    mayFail: true,
  });
  await assert.rejects(starting, (error: Error) => {
    assert.match(error.message, /Invalid config: API: could not connect to smtp\.server: .* See --help/);
    assert.doesNotMatch(error.message, /s3cret|Listening/);
    return true;
  });
});

test('authenticator apps: secret, codes, and codes used again, over all shards', async () => {
  const first = await login(byApp, 'anna');
  const limited = tokenOf(first);
  const secret = ((await bearer(byApp, limited).post('/me/totp-secret')).json as { secret: string }).secret;
  const code = generateSync({ secret });
  assert.equal((await verify(byApp, limited, 'anna', code)).status, 200);
  for (let round = 0; round < 4; round++) {
    const again = tokenOf(await login(byApp, 'anna'));
    assert.equal((await verify(byApp, again, 'anna', code)).refusal, '401 invalid code');
  }
});

test('a code that was used stays used when the server crashes', async () => {
  const limited = tokenOf(await login(byApp, 'bert'));
  const secret = ((await bearer(byApp, limited).post('/me/totp-secret')).json as { secret: string }).secret;
  const step = Math.floor(Date.now() / 30_000);
  // Of the next step, so that it is good for a minute at least.
  const code = generateSync({ secret, epoch: (step + 1) * 30 });
  assert.equal((await verify(byApp, limited, 'bert', code)).status, 200);
  await byApp.crashAndRestart();
  const again = await verify(byApp, tokenOf(await login(byApp, 'bert')), 'bert', code);
  assert.equal(again.refusal, '401 invalid code');
  assert.ok(Date.now() < (step + 2) * 30_000, 'the code would have been good');
});

test('oathtool opens a login', { skip: hasOathtool ? false : 'oathtool is not installed' }, async () => {
  const limited = tokenOf(await login(byApp, 'cora'));
  const secret = ((await bearer(byApp, limited).post('/me/totp-secret')).json as { secret: string }).secret;
  const answer = await verify(byApp, limited, 'cora', oathtool(secret, { now: Date.now() }));
  assert.equal(answer.status, 200, answer.text);
});

test('the log of all this holds no code, no secret and no token', async () => {
  const limited = tokenOf(await login(byApp, 'dora'));
  const secret = ((await bearer(byApp, limited).post('/me/totp-secret')).json as { secret: string }).secret;
  const full = tokenOf(await verify(byApp, limited, 'dora', generateSync({ secret })));
  const ended = await bearer(byApp, full).delete('/logout');
  assert.equal(ended.status, 204);
  assert.ok(byApp.output.length > 500 && byCode.output.length > 500);
  for (const hidden of [limited, full, secret, 'otpauth:', 'eyJ']) assert.ok(!byApp.output.includes(hidden));
  const codes = receiver.forms.map(({ fields }) => fields.token ?? '?');
  for (const hidden of ['eyJ', ...codes]) assert.ok(!byCode.output.includes(hidden), hidden);
});
