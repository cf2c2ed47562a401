/** SIGHUP at a real server: what changes at once, what waits for a restart, and what an unusable file does. */

import assert from 'node:assert/strict';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { SimulatedAgent } from '../bench/fleet/simulated-agent.js';
import { eventually } from './support/eventually.js';
import { ADMIN, TestServer } from './support/server.js';

const ORIGIN = 'https://ui.example.com';
/** The two shards take connections by chance: this many reach both but once in 2 ** 19. */
const EVERY_SHARD = 20;

let server: TestServer;
before(async () => {
  server = await TestServer.start({ api: { user_login_wait: 0 }, mayFail: true, probe: true });
});
after(() => server.remove());

const file = (): string => join(server.folder, 'rportd.conf');

/** Replaces parts of the configuration file and says so to the server; resolves with what it answers. */
async function change(
  ...edits: readonly (readonly [before: RegExp | string, after: string])[]
): Promise<string> {
  const text = edits.reduce(
    (old, [from, to]) => {
      const edited = old.replace(from, to);
      assert.notEqual(edited, old, `${from} is in the file`);
      return edited;
    },
    readFileSync(file(), 'utf8'),
  );
  writeFileSync(file(), text);
  return hangUp();
}

async function hangUp(): Promise<string> {
  const from = server.output.length;
  process.kill(server.pid, 'SIGHUP');
  return server.untilLogged(
    /^.*configuration (?:reloaded|was not reloaded)[^\n]*\n(?:.*warning: changes.*\n)?/m,
    from,
  );
}

const statuses = async (username: string, password: string): Promise<number[]> => {
  const seen = new Set<number>();
  for (let turn = 0; turn < EVERY_SHARD; turn += 1) {
    seen.add((await server.api(username, password).get('/me')).status);
  }
  return [...seen];
};

test('a changed setting of the API counts in every shard, connections and agents stay', async () => {
  const agent = await server.agent('stays');
  const answer = await change(['[api]', `[api]\ncors = ["${ORIGIN}"]\npassword_min_length = 21`]);
  assert.match(answer, /info: configuration reloaded, log files re-opened; changed: /);
  assert.match(answer, /api\.cors/);
  assert.match(answer, /api\.password_min_length/);
  for (let turn = 0; turn < EVERY_SHARD; turn += 1) {
    const status = await server.api().send('GET', '/api/v1/status', { headers: { origin: ORIGIN } });
    assert.equal(status.headers['access-control-allow-origin'], ORIGIN);
    assert.equal(status.data<{ password_min_length: number }>().password_min_length, 21);
  }
  assert.equal(agent.closed, false);
});

test('another password of the API user: the old one is refused, the new one accepted', async () => {
  await change([`${ADMIN.username}:${ADMIN.password}`, `${ADMIN.username}:another-password`]);
  assert.deepEqual(await statuses(ADMIN.username, 'another-password'), [200]);
  assert.equal((await server.api().get('/me')).status, 401);
  const answer = await change([`${ADMIN.username}:another-password`, `${ADMIN.username}:${ADMIN.password}`]);
  assert.doesNotMatch(answer, /password-1/);
  assert.deepEqual(await statuses(ADMIN.username, ADMIN.password), [200]);
});

test('another credential of agents counts for the next connection', async () => {
  await change(['agents:agent-secret', 'agents:new-secret']);
  for (let turn = 0; turn < 4; turn += 1) {
    const agent = await SimulatedAgent.connect({
      port: server.agentPort,
      auth: 'agents:new-secret',
      fields: { ID: `new-${turn}` },
    });
    agent.destroy();
  }
  await change(['agents:new-secret', 'agents:agent-secret']);
});

test('the log level counts in main and in the shards', async () => {
  const from = server.output.length;
  await change(['log_level = "info"', 'log_level = "debug"']);
  await server.agent('seen');
  await server.untilLogged(/debug: .*client seen connected/, from);
  await change(['log_level = "debug"', 'log_level = "info"']);
});

test('what needs a restart is named and not done, not by a shard that starts anew either', async () => {
  const { fingerprint } = (await server.api().get('/status')).data<{ fingerprint: string }>();
  const answer = await change(
    ['shards = 2', 'shards = 1'],
    ['key_seed = "test"', 'key_seed = "other"'],
    ['password_min_length = 21', 'password_min_length = 22'],
  );
  assert.match(answer, /changed: api\.password_min_length$/m);
  assert.match(
    answer,
    /warning: changes that take effect after a restart: (?=.*server\.key_seed)(?=.*server\.shards)/,
  );
  const from = server.output.length;
  server.command({ type: 'crash', place: 1 });
  await server.untilLogged(/shard 1 serves again/, from);
  for (let turn = 0; turn < EVERY_SHARD; turn += 1) {
    const status = (await server.api().get('/status')).data<Record<string, unknown>>();
    assert.equal(status.fingerprint, fingerprint);
    assert.equal(status.password_min_length, 22);
  }
  await change(['shards = 1', 'shards = 2'], ['key_seed = "other"', 'key_seed = "test"']);
});

test('an unusable file is one line in the log, and everything stays', async () => {
  const good = readFileSync(file(), 'utf8');
  for (const broken of [
    'not toml at all [',
    good.replace('log_level = "info"', 'log_level = "loud"'),
    good.replace(/^auth = "admin.*$/m, 'auth_file = "/nowhere/users.json"'),
    good.replace('[api]', '[api]\naccess_log_file = "/nowhere/access.log"'),
  ]) {
    const from = server.output.length;
    writeFileSync(file(), broken);
    assert.match(await hangUp(), /error: the configuration was not reloaded, the old one stays: .+\n$/);
    const lines = server.output.slice(from).match(/^.* (?:info|error): .*$/gm);
    assert.equal(lines?.length, 1, lines?.join('\n'));
  }
  assert.deepEqual(await statuses(ADMIN.username, ADMIN.password), [200]);
  writeFileSync(file(), good);
  assert.match(await hangUp(), /changed: nothing/);
});

test('an access log may appear, and is opened again after a rotation', async () => {
  const log = join(server.folder, 'access.log');
  await change(['[api]', `[api]\naccess_log_file = "${log}"`]);
  await server.api().get('/me?first');
  renameSync(log, `${log}.1`);
  await hangUp();
  await server.api().get('/me?second');
  await eventually('the access line', () => readFileSync(log, 'utf8').includes('second'));
  assert.doesNotMatch(readFileSync(log, 'utf8'), /first/);
});
