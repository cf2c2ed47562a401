/**
 * What must stay secret stays it: a day in the life of a server whose log says everything, with an access log, and
 * then a look for every secret of that day in all it has written and answered.
 */

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { generateSync } from 'otplib';
import { openStore } from '../../src/store/open.js';
import { type ApiAnswer, type ApiClient, basic } from '../support/api-client.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';

const PASSWORDS = ['first-Password-of-anna', 'second-Password-of-anna', 'wrong-Password-of-anna'] as const;
const [FIRST, SECOND, WRONG] = PASSWORDS;
const AGENT_PASSWORD = 'password-of-another-agent';

let server: TestServer;
/** What nobody may read anywhere. */
const secrets = new Set<string>([...PASSWORDS, AGENT_PASSWORD]);
/** Answers that lists, refusals and details were read from; not those that hand a secret out once. */
const answers: string[] = [];

before(async () => {
  server = await TestServer.start({
    server: { auth: null },
    api: {
      auth: null,
      totp_enabled: true,
      access_log_file: 'access.log',
      max_failed_login: 0,
      user_login_wait: 0,
    },
    sections: { logging: { log_level: 'debug' } },
  });
});
after(() => server?.remove());

const kept = async (answer: Promise<ApiAnswer>): Promise<ApiAnswer> => {
  const known = await answer;
  answers.push(known.text);
  return known;
};

const secret = (text: string): string => {
  assert.ok(text.length >= 6);
  secrets.add(text);
  return text;
};

const bearer = (token: string): ApiClient => server.anonymous().with({ authorization: `Bearer ${token}` });

async function signIn(username: string, password: string): Promise<ApiClient> {
  const first = (await server.api(username, password).get('/login')).data<{ token: string }>();
  const limited = bearer(secret(first.token));
  const made = (await limited.post('/me/totp-secret')).json as { secret: string };
  const code = generateSync({ secret: secret(made.secret) });
  await kept(limited.post('/verify-2fa', { body: { username, token: '000000000' } }));
  const done = await limited.post('/verify-2fa', { body: { username, token: code } });
  return bearer(secret(done.data<{ token: string }>().token));
}

test('neither the log, nor the access log, nor lists and refusals show a secret', async () => {
  const [, password = ''] = /Login +admin \/ (\S+)/.exec(server.output) ?? [];
  const admin = await signIn('admin', password);
  const [printed] = server.output.split('\n').filter((line) => line.includes('rport --auth'));
  const [, agentPassword = ''] = /agent:([^'\s]+)/.exec(printed ?? '') ?? [];

  assert.equal(
    (await admin.post('/users', { body: { username: 'anna', password: FIRST, groups: ['Administrators'] } }))
      .status,
    201,
  );
  const anna = await signIn('anna', FIRST);
  const change = { password: SECOND, old_password: FIRST };
  assert.equal((await kept(anna.put('/me', { body: { ...change, old_password: WRONG } }))).status, 403);
  assert.equal((await kept(anna.put('/me', { body: change }))).status, 204);
  await kept(server.api('anna', WRONG).get('/login'));
  await kept(server.api('anna', SECOND).get('/me'));
  await kept(
    server.anonymous().post('/login', { body: { username: 'anna', password: WRONG, what: SECOND } }),
  );
  await kept(
    admin.put('/users/anna', {
      body: { password: 'short', totp_secret: `otpauth://totp/x?secret=${WRONG}` },
    }),
  );

  const made = await anna.post('/me/tokens', { body: { scope: 'read', name: 'one' } });
  const { token } = made.data<{ token: string }>();
  secret(token.slice(token.indexOf('_') + 1));
  const script = server.anonymous().with({ authorization: basic('anna', token) });
  assert.equal((await kept(script.get('/me'))).status, 200);
  assert.equal((await kept(script.put('/me', { body: change }))).status, 403);
  await kept(script.get(`/me?access_token=${token}&token=${token}`));
  await kept(bearer(`${token}.x.y`).get('/me'));

  const credential = { id: 'another', password: AGENT_PASSWORD };
  assert.equal((await kept(admin.post('/clients-auth', { body: credential }))).status, 201);
  assert.equal((await kept(admin.post('/clients-auth', { body: credential }))).status, 409);
  await server.agent('good', {}, { auth: `another:${AGENT_PASSWORD}` });
  await server.untilKnown('good', admin);
  assert.equal((await kept(admin.put('/clients/good/tunnels?remote=22&check_port=0'))).status, 200);
  await assert.rejects(server.agent('bad', {}, { auth: `another:${WRONG}` }));

  for (const path of [
    '/users',
    '/user-groups',
    '/me',
    '/me/tokens',
    '/users/anna/sessions',
    '/users/admin/sessions',
    '/status',
    '/clients',
    '/clients/good',
    '/client-groups',
    '/auth/provider',
    '/auditlog?page[limit]=100',
  ]) {
    assert.equal((await kept(admin.get(path))).status, 200, path);
  }
  const audited = answers.at(-1) ?? '';
  for (const application of [
    'auth.user',
    'auth.user.me',
    'auth.user.me.token',
    'auth.user.totp',
    'client.auth',
    'client.tunnel',
  ]) {
    assert.ok(audited.includes(`"application":"${application}"`), application);
  }
  assert.equal((await admin.delete('/logout')).status, 204);
  await kept(admin.get('/me'));
  await server.stop();

  const log = server.output
    .split('\n')
    .filter((line) => line !== printed)
    .join('\n');
  const store = openStore(server.dataDir, { log: new MemoryLogger() });
  const entries = store.audit.lines({ from: 1, to: 1_000, limit: 1_000 }).map(({ line }) => line);
  await store.close();
  assert.ok(entries.length >= 6);
  const places = {
    'the log': log,
    'the audit log': entries.join('\n'),
    'the access log': readFileSync(join(server.folder, 'access.log'), 'utf8'),
    'an answer': answers.join('\n'),
  };
  assert.match(places['the log'], /anna/);
  assert.match(places['the access log'], /verify-2fa/);
  for (const [place, text] of Object.entries(places)) {
    for (const one of secrets) {
      assert.ok(!text.includes(one), `${place} holds ${one}: ${around(text, one)}`);
    }
    assert.doesNotMatch(text, /\$argon2|\$2[aby]\$|otpauth:\/\/totp\/[^x]/, place);
  }
  assert.ok(!log.includes(agentPassword) && !places['an answer'].includes(agentPassword));
  assert.equal(log.split(password).length, 2, 'the first password is shown once');
});

const around = (text: string, part: string): string => {
  const at = text.indexOf(part);
  return text.slice(Math.max(0, at - 120), at + part.length + 20);
};
