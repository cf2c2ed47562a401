/** A real server whose configuration names neither users nor agent credentials. */

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SimulatedAgent } from '../bench/fleet/simulated-agent.js';
import { TestServer } from './support/server.js';

let server: TestServer;
before(async () => {
  server = await TestServer.start({ server: { auth: null }, api: { auth: null, user_login_wait: 0 } });
});
after(() => server.remove());

/** Passwords of administrators it has shown so far. */
const shown = (): string[] =>
  [...server.output.matchAll(/admin \/ (\S+)/g)].map(([, password = '']) => password);
const adminStatus = async (): Promise<number> =>
  (await server.api('admin', shown().at(-1)).get('/me')).status;

test('it shows an administrator who gets in, and a credential an agent gets in with', async () => {
  assert.equal(shown().length, 1);
  assert.equal(await adminStatus(), 200);
  const me = (await server.api('admin', shown()[0]).get('/me')).data<{ groups: string[] }>();
  assert.deepEqual(me.groups, ['Administrators']);
  const status = (await server.api('admin', shown()[0]).get('/status')).data<Record<string, unknown>>();
  assert.equal(status.users_auth_source, 'DB');
  const [, auth = ''] = /rport --auth (\S+) /.exec(server.output) ?? [];
  const agent = await SimulatedAgent.connect({ port: server.agentPort, auth, fields: { ID: 'one' } });
  agent.destroy();
});

test('the next start shows no password; the old ones are good', async () => {
  await server.stop();
  const from = server.output.length;
  await server.startAgain();
  assert.equal(shown().length, 1);
  const output = server.output.slice(from);
  assert.match(
    output,
    /rport --auth 'agent:<password>' [\s\S]*<password>: as administrator, GET \/api\/v1\/clients-auth/,
  );
  assert.equal(await adminStatus(), 200);
});

test('after kill -9 the last password shown is good', async () => {
  await server.crashAndRestart();
  assert.equal(await adminStatus(), 200);
});

test('a reload that takes the users out of the configuration makes the administrator', async () => {
  const other = await TestServer.start({ api: { user_login_wait: 0 } });
  try {
    const file = join(other.folder, 'rportd.conf');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/^auth = "admin:.*$/m, ''));
    process.kill(other.pid, 'SIGHUP');
    await other.untilLogged(/configuration reloaded/);
    const line = await other.untilLogged(/^New administrator: admin \/ \S+$/m);
    const password = line.slice(line.lastIndexOf(' ') + 1);
    assert.equal((await other.api('admin', password).get('/me')).status, 200);
    // Back and forth: the store has users now.
    writeFileSync(file, text);
    process.kill(other.pid, 'SIGHUP');
    await other.untilLogged(/configuration reloaded[\s\S]*configuration reloaded/);
    assert.equal((await other.api().get('/me')).status, 200);
    assert.equal((await other.api('admin', password).get('/me')).status, 401);
    writeFileSync(file, text.replace(/^auth = "admin:.*$/m, ''));
    process.kill(other.pid, 'SIGHUP');
    await other.untilLogged(/(?:configuration reloaded[\s\S]*){3}/);
    assert.equal((await other.api('admin', password).get('/me')).status, 200);
    assert.equal(other.output.match(/New administrator/g)?.length, 1);
  } finally {
    await other.remove();
  }
});
