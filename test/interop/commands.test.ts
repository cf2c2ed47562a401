/** Commands and scripts run by the real agent. Skipped without `RPORT_BIN`. Spec 04 §25.6. */

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { basic } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { JobReader } from '../support/job-reader.js';
import { AGENT_PATIENCE_MS, agentBinary, noAgent, RealAgent } from '../support/real-agent.js';
import { ADMIN, FINGERPRINT, TestServer } from '../support/server.js';
import { sudoUser } from '../support/sudo-user.js';
import { form } from '../support/upload-form.js';

const suite = { skip: noAgent, timeout: 170_000 };
const MIB = 1024 * 1024;
let server: TestServer;
let agent: RealAgent;

interface Shown {
  readonly status: string;
  readonly error: string;
  readonly pid: number;
  readonly result: { readonly stdout: string; readonly stderr: string; readonly summary: string } | null;
}

before(async () => {
  if (noAgent !== false) return;
  server = await TestServer.start({ api: { max_request_bytes: 100_000 } });
  agent = new RealAgent({
    agentPort: server.agentPort,
    id: 'real',
    fingerprint: FINGERPRINT,
    runsCommands: true,
  });
  await connected();
});
after(async () => {
  await agent?.stop();
  await server?.remove();
});

const connected = (id = 'real') => server.untilKnown(id, server.api(), AGENT_PATIENCE_MS);
const run = async (body: object, kind = 'commands') =>
  (await server.api().post(`/clients/real/${kind}`, { body })).data<{ jid: string }>().jid;
const script = (text: string, more: object = {}) =>
  run({ script: Buffer.from(text).toString('base64'), ...more }, 'scripts');
const job = async (jid: string, client = 'real') =>
  (await server.api().get(`/clients/${client}/commands/${jid}`)).data<Shown>();
const ended = (jid: string, client?: string) =>
  eventually(
    'the job to end',
    async () => {
      const shown = await job(jid, client);
      return shown.status !== 'running' && shown;
    },
    90_000,
  );

test('a command, a script with a summary, and one that fails', suite, async () => {
  const id = await ended(await run({ command: '/usr/bin/id -u' }));
  assert.equal(id.status, 'successful');
  assert.equal(id.result?.stdout.trim(), String(process.getuid?.()));
  assert.ok(id.pid > 0);
  const told = await ended(await script('echo "<summary>all good</summary>"; echo oops >&2; exit 3'));
  assert.deepEqual([told.status, told.error], ['failed', 'exit status 3']);
  assert.deepEqual(told.result, {
    stdout: '<summary>all good</summary>\n',
    stderr: 'oops\n',
    summary: 'all good',
  });
});

const sudo = noAgent === false ? sudoUser(agentBinary ?? '') : noAgent;

test('an agent that is not root runs jobs with sudo as root, and without as itself', {
  ...suite,
  skip: typeof sudo === 'string' && sudo,
}, async (t) => {
  if (typeof sudo === 'string') return;
  const { agentPort } = server;
  const options = { agentPort, id: 'unprivileged', fingerprint: FINGERPRINT, runsCommands: true } as const;
  const unprivileged = new RealAgent({ ...options, user: sudo });
  t.after(() => unprivileged.stop());
  await connected('unprivileged');
  const uid = async (kind: 'commands' | 'scripts', isSudo: boolean): Promise<string | undefined> => {
    const command = '/usr/bin/id -u';
    const what = kind === 'commands' ? { command } : { script: btoa(command) };
    const answer = await server
      .api()
      .post(`/clients/unprivileged/${kind}`, { body: { ...what, is_sudo: isSudo } });
    const shown = await ended(answer.data<{ jid: string }>().jid, 'unprivileged');
    assert.equal(shown.status, 'successful', shown.error);
    return shown.result?.stdout.trim();
  };
  for (const kind of ['commands', 'scripts'] as const) {
    assert.equal(await uid(kind, true), '0');
    assert.equal(await uid(kind, false), String(sudo.uid));
  }
});

test('interpreters, shebangs and working folders of scripts', suite, async () => {
  const output = async (text: string, more: object = {}) => (await ended(await script(text, more))).result;
  assert.equal(
    (await output('#!/usr/bin/env -S sed s/^/line:/\nsecond'))?.stdout.split('\n')[1],
    'line:second',
  );
  assert.equal(
    (await output('print "perl $]"', { interpreter: '/usr/bin/perl' }))?.stdout.slice(0, 5),
    'perl ',
  );
  assert.equal((await output('pwd', { cwd: '/usr' }))?.stdout, '/usr\n');
  const missing = await server
    .api()
    .post('/clients/real/scripts', { body: { script: btoa('x'), interpreter: '/nowhere/sh' } });
  assert.match(missing.refusal, /^409 client error: .*\/nowhere\/sh/);
});

test('what the agent does not allow', suite, async () => {
  const answer = await server.api().post('/clients/real/commands', { body: { command: 'forbidden thing' } });
  assert.equal(answer.refusal, '409 client error: command is not allowed: forbidden thing');
});

test('summaries: any case, several, over lines', suite, async () => {
  const text =
    "printf '<SUMMARY>one</SUMMaRy> x <summary>two\nlines</summary>'; echo '<summary>no</summary>' >&2";
  assert.equal((await ended(await script(text))).result?.summary, 'onetwo\nlines');
});

test('an agent with a small limit of output, without scripts and files', suite, async (t) => {
  const limited = new RealAgent({
    agentPort: server.agentPort,
    id: 'limited',
    fingerprint: FINGERPRINT,
    extra: [
      '[remote-commands]',
      'enabled = true',
      "allow = ['^/usr/bin/.*']",
      'send_back_limit = 12',
      '[remote-scripts]',
      'enabled = false',
      '[file-reception]',
      'enabled = false',
    ].join('\n'),
  });
  t.after(() => limited.stop());
  await connected('limited');
  const post = (kind: string, body: object) => server.api().post(`/clients/limited/${kind}`, { body });
  assert.equal(
    (await post('scripts', { script: btoa('id') })).refusal,
    '409 client error: remote scripts are disabled',
  );
  const piped = '/usr/bin/id | /usr/bin/cat';
  assert.equal(
    (await post('commands', { command: piped })).refusal,
    `409 client error: command is not allowed: ${piped}`,
  );
  const { jid } = (await post('commands', { command: '/usr/bin/seq 100' })).data<{ jid: string }>();
  const { status, error, result } = await ended(jid, 'limited');
  assert.deepEqual(
    [status, error, result?.stdout],
    [
      'successful',
      'overflow of stdOut buffer: maximum send_back_limit of 12 bytes exceeded',
      '1\n2\n3\n4\n5\n6\n',
    ],
  );
  const parts = form(['dest', '/tmp/never'], ['client_id', 'limited'], ['upload', Buffer.from('x')]);
  assert.equal((await server.api().post('/files', parts)).status, 200);
  await server.untilLogged(/client "limited": error: "uploads are disabled on this client, check \[file-rec/);
});

test('four MiB of output, and more', suite, async () => {
  const exact = await ended(
    await script(`head -c ${4 * MIB} /dev/zero | tr '\\0' 'x' | fold -w 100 | head -c ${4 * MIB}`),
  );
  assert.equal(exact.result?.stdout.length, 4 * MIB);
  const more = await ended(await script(`yes 0123456789 | head -c ${5 * MIB}`));
  assert.equal(more.result?.stdout.length, 4 * MIB);
  assert.match(more.error, /overflow of stdOut buffer: maximum send_back_limit of 4194304 bytes exceeded/);
});

test('binary output becomes text', suite, async () => {
  const shown = await ended(await script("printf '\\377\\376ok\\000\\033['"));
  assert.equal(shown.result?.stdout, '\ufffd\ufffdok\u0000\u001b[');
});

test('a time-out is reported by the agent, the process goes on', suite, async () => {
  const shown = await ended(await script('echo so far; sleep 20; echo later', { timeout_sec: 2 }));
  assert.deepEqual([shown.status, shown.error, shown.result?.stdout], ['unknown', '', 'so far\n']);
  assert.ok(process.kill(shown.pid, 0));
});

test('several at once on one client', suite, async () => {
  const body = { command: '/usr/bin/id', client_ids: ['real', 'real'], execute_concurrently: true };
  const { jid } = (await server.api().post('/commands', { body })).data<{ jid: string }>();
  await eventually('both', async () => {
    const { jobs } = (await server.api().get(`/commands/${jid}`)).data<{ jobs: Shown[] }>();
    return jobs.length === 2 && jobs.every(({ status }) => status === 'successful');
  });
});

const socket = async (path: string, body: object): Promise<JobReader> => {
  const reader = await JobReader.open(server.apiPort, path, basic(ADMIN.username, ADMIN.password));
  return reader.ask({ client_ids: ['real'], ...body });
};

test('output comes while a script runs, in pieces that keep characters whole', suite, async () => {
  const go = join(server.folder, 'go');
  const text =
    "printf 'one \\360\\237'; sleep 0.3; printf '\\230\\200\\n'; echo oops >&2; " +
    `until [ -e ${go} ]; do sleep 0.1; done; echo two`;
  const reader = await socket('scripts', { script: btoa(text) });
  await eventually('the beginning', () => reader.output('real') === 'one \u{1f600}\n');
  await eventually('the error', () => reader.output('real', 'stderr') === 'oops\n');
  assert.equal(reader.ends.length, 0);
  writeFileSync(go, '');
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends[0]?.status, 'successful');
  assert.deepEqual(reader.ends[0]?.result, {
    stdout: 'one \u{1f600}\ntwo\n',
    stderr: 'oops\n',
    summary: '',
  });
});

test('two at once, with more output than fits anywhere', suite, async () => {
  const text = `yes 0123456789 | head -c ${3 * MIB}`;
  const reader = await socket('scripts', {
    script: btoa(text),
    client_ids: ['real', 'real'],
    execute_concurrently: true,
  });
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends.length, 2);
  for (const { jid, result } of reader.ends) {
    assert.equal(result.stdout.length, 3 * MIB);
    const parts = reader.parts.filter((part) => part.jid === jid);
    const streamed = parts.map((part) => part.result.stdout).join('');
    assert.ok(result.stdout.startsWith(streamed) && streamed.length > 2 * MIB, `${streamed.length}`);
  }
});

test('a reader that leaves does not hold up the script', suite, async () => {
  const reader = await socket('scripts', { script: btoa(`echo first; sleep 1; yes | head -c ${MIB}`) });
  const [part] = await eventually('the beginning', () => reader.parts.length > 0 && reader.parts);
  reader.socket.pause();
  reader.socket.terminate();
  const shown = await ended(part?.jid ?? '');
  assert.equal(shown.result?.stdout.length, 'first\n'.length + MIB);
});

test('what the agent does not allow ends the row at once', suite, async () => {
  const reader = await socket('commands', { command: 'forbidden thing', client_ids: ['real', 'real'] });
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends.length, 1);
  assert.equal(reader.ends[0]?.error, 'client error: command is not allowed: forbidden thing');
});

test('a job goes on through kill -9 of the server, and reports to the next one', suite, async () => {
  // Agents end when a job ends while they have no connection, and take up to 15 s to come back.
  const back = join(server.folder, 'back');
  const jid = await script(`until [ -e ${back} ]; do sleep 0.1; done; echo survived`);
  await server.crashAndRestart();
  assert.equal((await job(jid)).status, 'running');
  await connected();
  writeFileSync(back, '');
  assert.equal((await ended(jid)).result?.stdout, 'survived\n');
});

test('a schedule runs a script on the agent, every second', suite, async () => {
  const body = {
    schedule: '@every 1s',
    type: 'script',
    script: Buffer.from('echo "<summary>scheduled</summary>"').toString('base64'),
    client_ids: ['real'],
  };
  const made = await server.api().post('/schedules', { body });
  assert.equal(made.status, 201);
  const { id } = (made.json as { data: { id: string } }).data;
  const runs = () => server.api().get(`/commands?filter[schedule_id]=${id}`);
  await eventually('two runs', async () => ((await runs()).count ?? 0) >= 2, 60_000);
  const last = await eventually('the result', async () => {
    const shown = (await server.api().get(`/schedules/${id}`)).data<{
      last_execution: { status: string; summary: string | null } | null;
    }>().last_execution;
    return shown?.status === 'successful' && shown;
  });
  assert.equal(last.summary, 'scheduled');
  assert.equal((await server.api().delete(`/schedules/${id}`)).status, 204);
  assert.equal((await runs()).count, 0);
});
