/** Commands and scripts on one client, over the API of a running server with two shards. Spec 04 §25.1 to §25.3. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { FINISHED_AT, JobAgent, result, STARTED_AT, started } from '../support/job-agent.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
let agent: JobAgent;
let other: JobAgent;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

before(async () => {
  server = await TestServer.start({ api: { max_request_bytes: 10_240 } });
  agent = await new JobAgent('client-1', { Name: 'one <1>' }).connect(server);
  other = await new JobAgent('client-2').connect(server);
  const gone = await server.agent('client-3');
  await server.untilKnown('client-3');
  gone.destroy();
  await server.untilGone('client-3');
});
after(() => server?.remove());

const run = (body: unknown, client = 'client-1', kind = 'commands') =>
  server.api().post(`/clients/${client}/${kind}`, { body });
const start = async (body: unknown, from = agent, kind = 'commands') => {
  const { jid } = (await run(body, from.id, kind)).data<{ jid: string }>();
  const order = await eventually('the order', () => from.orders.find((one) => one.jid === jid));
  return { jid, order };
};
const job = async (jid: string, client = 'client-1') =>
  (await server.api().get(`/clients/${client}/commands/${jid}`)).data<Record<string, unknown>>();
const ended = (jid: string, client = 'client-1') =>
  eventually('the end', async () => {
    const shown = await job(jid, client);
    return shown.status !== 'running' && shown;
  });
const refusal = async (body: unknown, client = 'client-1', kind = 'commands') => {
  const answer = await run(body, client, kind);
  const [error] = answer.errors;
  return [answer.status, error?.title, error?.detail];
};

test('a command is sent as the agent expects it, answered with its id, and stored as running', async () => {
  const answer = await run({ command: '/bin/date;foo;whoami <&>', timeout_sec: 30 });
  assert.equal(answer.status, 200);
  const { jid } = answer.data<{ jid: string }>();
  assert.match(jid, UUID);
  assert.equal(answer.text, `{"data":{"jid":"${jid}"}}`);
  const order = agent.orders.find((one) => one.jid === jid);
  const sent = {
    jid,
    status: '',
    finished_at: null,
    client_id: 'client-1',
    client_name: 'one <1>',
    command: '/bin/date;foo;whoami <&>',
    cwd: '',
    interpreter: '',
    pid: null,
    started_at: '0001-01-01T00:00:00Z',
    created_by: 'admin',
    timeout_sec: 30,
    multi_job_id: null,
    schedule_id: null,
    error: '',
    result: null,
    is_sudo: false,
    is_script: false,
    stream_result: false,
  };
  assert.deepEqual(order, sent);
  assert.deepEqual(Object.keys(order as object), Object.keys(sent));
  assert.deepEqual(await job(jid), { ...sent, status: 'running', pid: 4711, started_at: STARTED_AT });
  const text = (await server.api().get(`/clients/client-1/commands/${jid}`)).text;
  assert.ok(text.includes('"client_name":"one \\u003c1\\u003e"'), text);
  agent.report(order as never);
  await ended(jid);
});

test('what the agent reports is what the job shows, times as it wrote them', async () => {
  const { jid, order } = await start({
    command: 'id',
    interpreter: 'powershell',
    cwd: '/tmp',
    is_sudo: true,
  });
  assert.equal(order.timeout_sec, 60);
  agent.report(order, {
    status: 'failed',
    error: 'exit status 3',
    result: { stdout: 'a\n<b>\u2028\ud83d\ude00', stderr: 'e', summary: 's' },
    created_by: 'mallory',
    command: 'rm',
    client_id: 'client-2',
    multi_job_id: 'm',
  });
  const shown = await ended(jid);
  assert.deepEqual(shown, {
    ...order,
    status: 'failed',
    finished_at: FINISHED_AT,
    pid: 4711,
    started_at: STARTED_AT,
    interpreter: 'powershell',
    cwd: '/tmp',
    is_sudo: true,
    error: 'exit status 3',
    result: { stdout: 'a\n<b>\u2028\ud83d\ude00', stderr: 'e', summary: 's' },
  });
});

test('a time-out that is no number above 0 is the one of the server', async () => {
  for (const timeout of [0, -5, null]) {
    const { order } = await start({ command: 'id', timeout_sec: timeout });
    assert.equal(order.timeout_sec, 60);
  }
});

test('refusals of commands', async () => {
  const invalid = 'Invalid interpreter.';
  const empty = [400, 'Command cannot be empty.', ''];
  assert.deepEqual(await refusal({ command: 'x', interpreter: 'unsupported' }), [
    400,
    invalid,
    'expected interpreter to be one of: [cmd powershell tacoscript], actual: unsupported',
  ]);
  assert.deepEqual(await refusal({ command: 'x', interpreter: 'tacoscript' }), [
    400,
    invalid,
    "tacoscript interpreter can't be used for commands execution",
  ]);
  assert.deepEqual(await refusal({ command: '' }), empty);
  assert.deepEqual(await refusal({}), empty);
  assert.deepEqual(await refusal('null'), empty);
  assert.deepEqual(await refusal(''), [400, 'Missing body with json data.', '']);
  assert.deepEqual(await refusal('sdfn fasld'), [
    400,
    'Invalid JSON data.',
    "invalid character 's' looking for beginning of value",
  ]);
  assert.deepEqual(await refusal({ command: 'x', timeout: 30 }), [
    400,
    'Invalid JSON data.',
    'json: unknown field "timeout"',
  ]);
  assert.deepEqual(await refusal({ command: 'x'.repeat(10_240) }), [
    400,
    'Invalid JSON data.',
    'http: request body too large',
  ]);
  assert.deepEqual(await refusal({ command: 'x' }, 'client-9'), [
    404,
    'Client with id="client-9" not found.',
    '',
  ]);
  assert.deepEqual(await refusal({ command: 'x' }, 'client-3'), [
    404,
    'Active client with id="client-3" not found.',
    '',
  ]);
});

test('keys in any letter case, ignored keys and trailing text are accepted', async () => {
  const { order } = await start('{"COMMAND":"id","ClientID":"x","IsScript":true} garbage');
  assert.equal(order.command, 'id');
  assert.equal(order.is_script, false);
});

test('what the agent refuses is 409, and no job is stored', async () => {
  const count = async () => (await server.api().get('/clients/client-2/commands')).count;
  const before = await count();
  other.answer = () => ({ ok: false, payload: 'nope' });
  assert.deepEqual(await refusal({ command: 'x' }, 'client-2'), [409, 'client error: nope', '']);
  other.answer = () => ({ ok: true, payload: 'what?' });
  const [status, title] = await refusal({ command: 'x' }, 'client-2');
  assert.equal(status, 409);
  assert.match(
    String(title),
    /^client error: |^invalid client response format: failed to decode response into \*comm\.RunCmdResponse: /,
  );
  other.answer = () => ({ ok: true, payload: started(1) });
  assert.equal(await count(), before);
});

test('a client that goes away while it is asked: 500', async () => {
  const leaving = new JobAgent('client-leaving');
  leaving.answer = () => {
    leaving.agent.destroy();
    return null;
  };
  await leaving.connect(server);
  assert.deepEqual(await refusal({ command: 'x' }, 'client-leaving'), [
    500,
    'Failed to execute remote command.',
    'failed to send request: EOF',
  ]);
});

test('a result that comes before the reply is kept', async () => {
  const fast = new JobAgent('client-fast');
  fast.answer = (order) => {
    fast.report(order);
    return { ok: true, payload: started(4711) };
  };
  await fast.connect(server);
  const { jid } = (await run({ command: 'true' }, 'client-fast')).data<{ jid: string }>();
  assert.equal((await ended(jid, 'client-fast')).status, 'successful');
});

test('scripts are decoded strictly', async () => {
  const script = (text: string) => refusal({ script: text }, 'client-1', 'scripts');
  assert.deepEqual(await refusal({}, 'client-1', 'scripts'), [400, 'Missing script body', '']);
  assert.deepEqual(await script('invalid'), [400, 'illegal base64 data at input byte 4', '']);
  assert.deepEqual(await script('\n'), [400, 'Command cannot be empty.', '']);
  for (const text of ['cHdk', 'cHdk\n']) {
    const { order, jid } = await start({ script: text, interpreter: 'latestbash' }, agent, 'scripts');
    assert.equal(order.command, 'pwd');
    assert.equal(order.is_script, true);
    assert.equal((await job(jid)).interpreter, 'latestbash');
  }
});

test('a job is shown through its own client only', async () => {
  const { jid } = await start({ command: 'id' });
  const foreign = await server.api().get(`/clients/client-2/commands/${jid}`);
  assert.equal(foreign.refusal, `404 Job[id="${jid}"] not found.`);
  const unknown = await server.api().get('/clients/client-1/commands/%22x%00');
  assert.equal(unknown.status, 404);
});

test('lists: default fields and order, filters, fields, pages', async () => {
  const lister = await new JobAgent('client-list').connect(server);
  const list = async (query = '') => server.api().get(`/clients/client-list/commands${query}`);
  assert.equal((await list()).text, '{"data":[],"meta":{"count":0}}');
  const jobs = [];
  for (const [finished, status] of [
    ['2024-03-01T10:00:00+01:00', 'successful'],
    ['2024-03-01T09:30:00Z', 'failed'],
    [null, 'running'],
    // The same instant as the first one.
    ['2024-03-01T09:00:00Z', 'unknown'],
  ] as const) {
    const { jid, order } = await start({ command: `${status}` }, lister);
    if (finished !== null) {
      lister.report(order, {
        status,
        finished_at: finished,
        result: { stdout: 'long '.repeat(1000), stderr: '', summary: `s-${status}` },
      });
      await ended(jid, 'client-list');
    }
    jobs.push(jid);
  }
  const [first, second, running, fourth] = jobs as [string, string, string, string];
  const same = [first, fourth].sort() as [string, string];
  const shown = (await list()).data<Record<string, unknown>[]>();
  assert.deepEqual(
    shown.map(({ jid }) => jid),
    [second, ...same, running],
  );
  assert.deepEqual(shown[0], {
    jid: second,
    status: 'failed',
    finished_at: '2024-03-01T09:30:00Z',
    result: { summary: 's-failed' },
  });
  assert.deepEqual(shown[3], { jid: running, status: 'running', finished_at: null, result: null });
  const ids = async (query: string) => {
    const answer = await list(query);
    return answer.data<{ jid: string }[]>().map(({ jid }) => jid);
  };
  assert.deepEqual(await ids('?page[limit]=2&page[offset]=1'), same);
  assert.equal((await list('?page[limit]=1')).count, 4);
  assert.deepEqual(await ids('?filter[status]=failed'), [second]);
  assert.equal((await list('?filter[status]=failed,unknown')).count, 2);
  assert.deepEqual(await ids(`?filter[jid]=${running}`), [running]);
  assert.equal((await list('?filter[created_by]=admin&filter[schedule_id]=')).count, 4);
  assert.equal((await list('?filter[created_by]=nobody')).count, 0);
  assert.deepEqual(await ids('?filter[finished_at][gt]=2024-03-01T10:15:00%2B01:00'), [second]);
  assert.equal((await list('?filter[started_at][gt]=2024-02-29')).count, 4);
  assert.deepEqual(await ids('?sort=finished_at&filter[status]=running,failed'), [running, second]);
  assert.deepEqual((await list(`?fields[commands]=jid&filter[jid]=${first}`)).data(), [{ jid: first }]);
  assert.deepEqual((await list(`?fields[result]=stdout&filter[jid]=${first}`)).data(), [
    { result: { stdout: 'long '.repeat(1000) } },
  ]);
  assert.equal(
    (await list('?filter[started_at]=x')).refusal,
    "400 unsupported filter field 'filter[started_at]'",
  );
  assert.equal(
    (await list('?page[limit]=1001')).refusal,
    '400 pagination limit too big (1001) maximum is 1000',
  );
  assert.equal((await list('?filter[*]=x')).status, 200);
});

test('megabytes of output come back whole, and the connection lives on', async () => {
  const { jid, order } = await start({ command: 'cat' });
  const stdout = `${'0123456789abcdef\n"\\\t'.repeat(200_000)}\ud83d\ude00ä`;
  agent.report(order, { result: { stdout, stderr: 'x'.repeat(4 * 1024 * 1024), summary: '' } });
  const shown = (await ended(jid)) as { result: { stdout: string; stderr: string } };
  assert.equal(shown.result.stdout === stdout, true);
  assert.equal(shown.result.stderr.length, 4 * 1024 * 1024);
  assert.equal(agent.agent.closed, false);
});

test('output above the bound is cut, and the job says so', async () => {
  const { jid, order } = await start({ command: 'cat' });
  agent.report(order, {
    error: 'exit status 1',
    status: 'failed',
    result: { stdout: 'ä'.repeat(2 * 1024 * 1024 + 1), stderr: '', summary: '' },
  });
  const shown = (await ended(jid)) as { error: string; result: { stdout: string } };
  assert.equal(shown.result.stdout.length, 2 * 1024 * 1024);
  assert.equal(shown.error, 'exit status 1, stdout truncated by the server to 4194304 bytes');
});

test('duplicates of a result change nothing', async () => {
  const { jid, order } = await start({ command: 'id' });
  agent.report(order);
  await ended(jid);
  agent.report(order, { status: 'failed', error: 'again' });
  agent.agent.notify('cmd_result', 'garbage');
  agent.agent.notify('cmd_result', result({ ...order, jid: 'no-such-job' }));
  // Another agent must not end it, nor one that runs.
  const running = await start({ command: 'id' });
  other.agent.notify('cmd_result', result(running.order));
  await Promise.all([agent.agent.request('ping', ''), other.agent.request('ping', '')]);
  const last = await start({ command: 'id' });
  agent.report(last.order);
  await ended(last.jid);
  assert.equal((await job(jid)).error, '');
  assert.equal((await job(running.jid)).status, 'running');
});

test('jobs go with their client', async () => {
  const leaving = await new JobAgent('client-deleted').connect(server);
  const { jid } = await start({ command: 'id' }, leaving);
  leaving.agent.destroy();
  await eventually('the deletion', async () => {
    return (await server.api().delete('/clients/client-deleted')).status === 204;
  });
  await leaving.connect(server);
  const answer = await server.api().get(`/clients/client-deleted/commands/${jid}`);
  assert.equal(answer.refusal, `404 Job[id="${jid}"] not found.`);
});

test('acknowledged jobs survive kill -9, and may still report', async () => {
  const { jid, order } = await start({ command: 'sleep' });
  await server.crashAndRestart();
  assert.equal((await job(jid)).status, 'running');
  await agent.connect(server);
  agent.report(order, { result: { stdout: 'late', stderr: '', summary: '' } });
  assert.deepEqual((await ended(jid)).result, { stdout: 'late', stderr: '', summary: '' });
});
