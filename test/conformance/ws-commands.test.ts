/** Commands and scripts over WebSockets of a running server with two shards. Spec 04 §25.5. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { basic } from '../support/api-client.js';
import { EventReader, type ReadEvent } from '../support/event-reader.js';
import { eventually } from '../support/eventually.js';
import { connectFour, JobAgent, type Order, result } from '../support/job-agent.js';
import { JobReader } from '../support/job-reader.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';
import { WebhookReceiver } from '../support/webhook-receiver.js';

const MIB = 1024 * 1024;

interface Child {
  readonly jid: string;
  readonly client_id: string;
  readonly status: string;
  readonly result: { readonly stdout: string } | null;
}

let server: TestServer;
let one: JobAgent;
let two: JobAgent;
let four: JobAgent;
const open: JobReader[] = [];
const watchers: EventReader[] = [];
const receiver = new WebhookReceiver();

before(async () => {
  await receiver.start();
  server = await TestServer.start({
    extra: `[[webhooks]]\nurl = "${receiver.url}"\nsecret = "secret-of-the-tests"\nevents = ["job.*"]`,
    api: { auth: null, user_login_wait: 0, max_failed_login: 0 },
    async prepare(dataDir) {
      await storePeople(
        dataDir,
        { root: ['Administrators'], ada: ['Ops'], carl: ['Careful'], plain: ['Plain'] },
        {
          Ops: { permissions: ['commands'] },
          Plain: { permissions: ['tunnels'] },
          Careful: {
            permissions: ['commands', 'scripts'],
            commandsRestricted: {
              allow: ['^/usr/bin/'],
              deny: ['rm'],
              is_sudo: false,
            },
          },
        },
      );
    },
  });
  const root = server.api('root', PASSWORD);
  ({ one, two, four } = await connectFour(server, root, 'one <1>'));
  for (const id of ['client-1', 'client-4']) {
    const body = { allowed_user_groups: ['Ops', 'Careful', 'Plain'] };
    assert.equal((await root.post(`/clients/${id}/acl`, { body })).status, 204);
  }
});
after(async () => {
  for (const { socket } of [...open, ...watchers]) socket.terminate();
  await server?.remove();
  await receiver.stop();
});

async function dial(path = 'commands', username = 'root', secret = PASSWORD): Promise<JobReader> {
  const reader = await JobReader.open(server.apiPort, path, basic(username, secret));
  open.push(reader);
  return reader;
}
const ask = async (body: object | string, path?: string, username?: string): Promise<JobReader> =>
  (await dial(path, username)).ask(
    typeof body === 'string' ? body : { ...(path !== 'scripts' && { command: 'id' }), ...body },
  );
const refusal = async (body: object | string, path?: string, username?: string): Promise<string> =>
  (await ask(body, path, username)).refusal();
/** The order an agent got after `since` others. */
const next = (agent: JobAgent, since: number): Promise<Order> =>
  eventually(`an order for ${agent.id}`, () => agent.orders[since]);
const children = async (multiJob: string): Promise<readonly Child[]> =>
  (await server.api('root', PASSWORD).get(`/commands/${multiJob}`)).data<{ jobs: Child[] }>().jobs;
const stream = (agent: JobAgent, order: Order, name = 'stdout') =>
  agent.agent.openChannel(name, Buffer.from(JSON.stringify(order)));

test('everything that may be wrong with the request is said in one message, and the last', async () => {
  const invalid = 'Invalid JSON data.';
  const empty = 'Inbound message should contain non empty json object with command data. | ';
  const missing = ' | please specify targeting options, such as client ids, groups ids or tags';
  const denied = 'Extended Permission failed with  | ';
  const script = 'Failed to create script on multiple clients';
  const ids = { client_ids: ['client-1'] };
  assert.equal(await refusal(' \n'), empty);
  assert.equal(await refusal('{}'), missing);
  assert.equal(await refusal('null'), missing);
  assert.equal(
    await refusal('nonsense'),
    `${invalid} | invalid character 'o' in literal null (expecting 'u')`,
  );
  assert.equal(await refusal({ timeout: 1 }), `${invalid} | json: unknown field "timeout"`);
  assert.match(await refusal({ timeout_sec: 'x' }), /^Invalid JSON data\. \| json: cannot unmarshal string/);
  assert.equal(await refusal({ tags: { tags: [] } }), ' | please specify tags in the tags list');
  assert.equal(await refusal({ client_ids: [] }), ' | at least 1 client should be specified');
  assert.equal(await refusal({ client_ids: ['x'] }), ' | Client with id="x" not found.');
  assert.equal(await refusal({ group_ids: ['g'] }), ' | Unknown group with id="g".');
  assert.equal(
    await refusal({ ...ids, tags: { tags: ['linux'] } }),
    ' | multiple targeting options are not supported. Please specify only one',
  );
  // Targets come before the command here.
  assert.equal(await refusal({ command: '', client_ids: ['x'] }), ' | Client with id="x" not found.');
  assert.equal(await refusal({ ...ids, command: '' }), 'Command cannot be empty. | ');
  assert.equal(
    await refusal({ ...ids, interpreter: 'tacoscript' }),
    "Invalid interpreter | tacoscript interpreter can't be used for commands execution",
  );
  assert.equal(await refusal(ids, 'scripts'), `${script} | Missing script body`);
  assert.equal(
    await refusal({ ...ids, script: 'invalid' }, 'scripts'),
    `${script} | illegal base64 data at input byte 4`,
  );
  assert.equal(await refusal({ ...ids, script: '\n' }, 'scripts'), 'Command cannot be empty. | ');
  assert.equal(
    await refusal({ client_ids: ['client-2', 'client-1', 'client-3'] }, 'commands', 'ada'),
    'Access denied to client(s) with ID(s): client-2, client-3 | ',
  );
  const allow = "Command is forbidden. It matches none of the 'allow' regular expressions";
  const sudo = 'Command with is_sudo=true is forbidden. You are not allowed to set is_sudo value';
  assert.equal(await refusal(ids, 'commands', 'carl'), denied + allow);
  assert.equal(
    await refusal({ ...ids, command: '/usr/bin/id', is_sudo: true }, 'commands', 'carl'),
    denied + sudo,
  );
  // Scripts as well, unlike over REST.
  assert.equal(await refusal({ ...ids, script: btoa('id') }, 'scripts', 'carl'), denied + allow);
  assert.deepEqual([one.orders, two.orders, four.orders], [[], [], []]);
});

test('who may open it', async () => {
  const refused = (path: string, headers: Record<string, string>): Promise<string> =>
    server
      .anonymous()
      .get(path, { headers })
      .then((answer) => answer.refusal);
  assert.equal(await refused('/ws/commands', {}), '401 token required');
  const scripts = await refused('/ws/scripts', { authorization: basic('ada', PASSWORD) });
  assert.equal(scripts, '403 user does not have "scripts" permission');
  const root = server.api('root', PASSWORD);
  const token = async (scope: string): Promise<string> =>
    (await root.post('/me/tokens', { body: { scope, name: scope } })).data<{ token: string }>().token;
  assert.match(
    await refused('/ws/commands', { authorization: basic('root', await token('read')) }),
    /^403 the scope/,
  );
  const reader = await dial('commands', 'root', await token('read+write'));
  assert.equal(
    await reader
      .ask('{}')
      .refusal()
      .then((text) => text.slice(0, 8)),
    ' | pleas',
  );
});

test('two clients at once: output by job, the results as the agents sent them, then 1000', async () => {
  const before = [one.orders.length, two.orders.length] as const;
  const reader = await ask({
    client_ids: ['client-1', 'client-2'],
    execute_concurrently: true,
    timeout_sec: 30,
  });
  const orders = await Promise.all([next(one, before[0]), next(two, before[1])]);
  const [first, second] = orders;
  assert.equal(first.stream_result, true);
  assert.equal(first.multi_job_id, second.multi_job_id);
  const channels = await Promise.all([stream(one, first), stream(one, first, 'stderr'), stream(two, second)]);
  const smile = Buffer.from('\u{1f600}');
  channels[0].stream(Buffer.concat([Buffer.from('test-'), smile.subarray(0, 2)]));
  channels[0].stream(Buffer.concat([smile.subarray(2), Buffer.from('<output>')]));
  channels[1].stream('oops');
  channels[2].stream(Buffer.from([0xff, 0xfe, 0x6f, 0x6b, 0x00, 0x1b]));
  await eventually('the output', () => reader.output('client-1') === 'test-\u{1f600}<output>');
  await eventually('the error', () => reader.output('client-1', 'stderr') === 'oops');
  await eventually('the binary output', () => reader.output('client-2') === '\ufffd\ufffdok\u0000\u001b');
  const [part] = reader.parts.filter(({ client_id }) => client_id === 'client-1');
  assert.deepEqual(Object.keys(part ?? {}), ['jid', 'client_id', 'client_name', 'result']);
  assert.deepEqual(Object.keys(part?.result ?? {}), ['stdout', 'stderr', 'summary']);
  assert.deepEqual([part?.jid, part?.client_name], [first.jid, 'one <1>']);
  for (const text of reader.texts) assert.match(text, /^\{.*\}\n$/s);

  // Spaces and keys nobody knows: nothing of it may be made anew.
  const told = [
    `${result(first, { own: ' <>' })} `,
    result(second, { status: 'failed', error: 'exit status 3' }),
  ];
  one.agent.notify('cmd_result', told[0] ?? '');
  await reader.end('client-1');
  assert.equal(reader.closed, null);
  two.agent.notify('cmd_result', told[1] ?? '');
  assert.deepEqual(await reader.untilClosed(), { code: 1000, reason: '' });
  assert.deepEqual(
    reader.texts.filter((text) => text.includes('"status"')),
    told,
  );
  const stored = await children(first.multi_job_id ?? '');
  assert.deepEqual(stored.map(({ status }) => status).sort(), ['failed', 'successful']);
  for (const channel of channels) channel.close();

  const audited = await server
    .api('root', PASSWORD)
    .get(`/auditlog?filter[affected_id]=${first.multi_job_id}`);
  const entries = audited.data<Record<string, string>[]>().filter(({ action }) => action === 'execute.start');
  assert.deepEqual(
    entries.map(({ application, client_id, username }) => [application, client_id, username]).sort(),
    [
      ['client.command', 'client-1', 'root'],
      ['client.command', 'client-2', 'root'],
    ],
  );
  assert.match(entries[0]?.request ?? '', /"timeout_sec":30/);
});

test('by tags; a client as often as it is named; a client that is not there', async () => {
  const before = [one.orders.length, four.orders.length] as const;
  const tagged = await ask({ tags: { tags: ['linux'] }, execute_concurrently: true });
  const orders = await Promise.all([next(one, before[0]), next(four, before[1])]);
  one.report(orders[0]);
  four.report(orders[1]);
  assert.equal((await tagged.untilClosed()).code, 1000);
  assert.equal(tagged.ends.length, 2);

  const since = one.orders.length;
  const twice = await ask({ client_ids: ['client-1', 'client-3', 'client-1'], execute_concurrently: true });
  const failed = await twice.end('client-3');
  assert.deepEqual(
    [failed.status, failed.error, failed.pid, failed.result],
    ['failed', 'client is not connected', null, null],
  );
  assert.equal(failed.stream_result, true);
  assert.ok(twice.texts.find((text) => text.includes('client-3'))?.endsWith('}\n'));
  one.report(await next(one, since));
  one.report(await next(one, since + 1));
  assert.equal((await twice.untilClosed()).code, 1000);
  assert.equal(twice.ends.length, 3);
});

test('one after the other: the first failure ends it and the socket, more messages do not', async () => {
  const before = [one.orders.length, two.orders.length, four.orders.length] as const;
  const reader = await ask({ client_ids: ['client-3', 'client-1', 'client-2', 'client-4'] });
  const first = await next(one, before[0]);
  assert.equal((await reader.end('client-3')).error, 'client is not connected');
  reader.ask('nobody reads this');
  reader.socket.ping();
  let pongs = 0;
  reader.socket.on('pong', () => {
    pongs += 1;
  });
  await eventually('the pong', () => pongs === 1);
  assert.equal(two.orders.length, before[1]);
  one.report(first);
  two.report(await next(two, before[1]), { status: 'failed', error: 'exit status 1' });
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.deepEqual(
    reader.ends.map(({ client_id }) => client_id),
    ['client-3', 'client-1', 'client-2'],
  );
  assert.equal(four.orders.length, before[2]);
});

test('what the agent refuses is a final message', async () => {
  const usual = one.answer;
  one.answer = () => ({ ok: false, payload: 'command is not allowed: id' });
  const reader = await ask({ client_ids: ['client-1', 'client-2'] });
  assert.equal((await reader.end('client-1')).error, 'client error: command is not allowed: id');
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends.length, 1);
  one.answer = usual;
});

test('a message during a concurrent run closes it; the job goes on and is stored', async () => {
  const since = one.orders.length;
  const reader = await ask({ client_ids: ['client-1'], execute_concurrently: true });
  const order = await next(one, since);
  const channel = await stream(one, order);
  reader.ask('stop');
  assert.equal((await reader.untilClosed()).code, 1000);
  const megabytes = Buffer.alloc(4 * MIB, 'x');
  channel.stream(megabytes);
  await eventually('all of it to be taken', () => channel.sent === megabytes.length);
  one.report(order);
  await eventually('the result', async () => {
    const [child] = await children(order.multi_job_id ?? '');
    return child?.status === 'successful';
  });
  assert.deepEqual(reader.texts, []);
});

test('who leaves in the middle leaves the jobs running, also those that have not begun', async () => {
  const before = [one.orders.length, two.orders.length] as const;
  const reader = await ask({ client_ids: ['client-1', 'client-2'] });
  const first = await next(one, before[0]);
  const channel = await stream(one, first);
  channel.stream('a');
  await eventually('the output', () => reader.output('client-1') === 'a');
  reader.socket.close(4000);
  assert.equal((await reader.untilClosed()).code, 4000);
  channel.stream(Buffer.alloc(MIB, 'x'));
  await eventually('the rest to be taken', () => channel.waiting === 0);
  one.report(first);
  two.report(await next(two, before[1]));
  await eventually('both results', async () => {
    const jobs = await children(first.multi_job_id ?? '');
    return jobs.length === 2 && jobs.every(({ status }) => status === 'successful');
  });
});

test('an agent that is lost in the middle reports when it is back', async () => {
  const agent = await new JobAgent('client-5').connect(server, server.api('root', PASSWORD));
  const since = one.orders.length;
  const reader = await ask({ client_ids: ['client-5', 'client-1'], execute_concurrently: true });
  const order = await agent.order();
  const other = await next(one, since);
  (await stream(agent, order)).stream('before');
  await eventually('the output', () => reader.output('client-5') === 'before');
  agent.agent.destroy();
  one.report(other);
  await reader.end('client-1');
  assert.equal(reader.closed, null);
  await agent.connect(server, server.api('root', PASSWORD));
  agent.report(order, { status: 'failed', error: 'signal: killed' });
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends.find(({ client_id }) => client_id === 'client-5')?.error, 'signal: killed');
});

test('results of several MiB, and scripts too long for REST', async () => {
  const since = one.orders.length;
  const script = `echo ${'x'.repeat(30 * 1024)}`;
  const body = { client_ids: ['client-1'], script: btoa(script) };
  const refused = await server.api('root', PASSWORD).post('/scripts', { body });
  assert.equal(refused.refusal, '400 Invalid JSON data.');
  const reader = await ask(body, 'scripts');
  const order = await next(one, since);
  assert.deepEqual([order.command, order.is_script], [script, true]);
  const stdout = '<&'.repeat(2 * MIB);
  one.report(order, { result: { stdout, stderr: '', summary: '' } });
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends[0]?.result?.stdout, stdout);
  const stored = await eventually('the result', async () => {
    const path = `/clients/client-1/commands/${order.jid}`;
    const job = (await server.api('root', PASSWORD).get(path)).data<Child>();
    return job.status === 'successful' && job;
  });
  assert.equal(stored.result?.stdout, stdout);
  assert.equal((await one.agent.request('keepalive@openssh.com', '')).ok, false);
});

test('bytes of an agent that are no text do not end the connection of others', async () => {
  const since = one.orders.length;
  const reader = await ask({ client_ids: ['client-1'] });
  const order = await next(one, since);
  const text = Buffer.from(result(order, { result: { stdout: '~', stderr: '', summary: '' } }));
  text[text.indexOf('~')] = 0xff;
  one.agent.notify('cmd_result', text);
  assert.equal((await reader.untilClosed()).code, 1000);
  assert.equal(reader.ends[0]?.result?.stdout, '\ufffd');
});

test('a user who loses the permission loses the socket, not the job', async () => {
  const root = server.api('root', PASSWORD);
  const group = (permissions: object) => ({ body: { permissions } });
  const since = one.orders.length;
  const reader = await ask({ client_ids: ['client-1'], execute_concurrently: true }, 'commands', 'ada');
  const order = await next(one, since);
  assert.equal((await root.put('/user-groups/Ops', group({ tunnels: true }))).status, 200);
  assert.equal((await reader.untilClosed()).code, 4403);
  one.report(order);
  await eventually('the result', async () => {
    const [child] = await children(order.multi_job_id ?? '');
    return child?.status === 'successful';
  });
  assert.equal((await root.put('/user-groups/Ops', group({ commands: true }))).status, 200);
});

test('beginnings and ends of jobs are events, for those who may run something there', async () => {
  const watch = async (username: string): Promise<EventReader> => {
    const headers = { authorization: basic(username, PASSWORD) };
    const reader = await EventReader.open(server.apiPort, { query: '?types=job.*', headers });
    watchers.push(reader);
    return reader;
  };
  const [root, ada, plain] = await Promise.all([watch('root'), watch('ada'), watch('plain')]);
  const posted = receiver.received.length;
  const since = [one.orders.length, two.orders.length] as const;
  const reader = await ask({ client_ids: ['client-1', 'client-2', 'client-3'], execute_concurrently: true });
  const orders = await Promise.all([next(one, since[0]), next(two, since[1])]);
  one.report(orders[0], { status: 'failed', error: 'exit status 1' });
  two.report(orders[1]);
  assert.equal((await reader.untilClosed()).code, 1000);
  const multiJob = orders[0].multi_job_id;
  const told = (events: readonly { type: string; client_id: string; payload: object }[]): readonly string[] =>
    events
      .filter(({ payload }) => 'multi_job_id' in payload && payload.multi_job_id === multiJob)
      .map(
        ({ type, client_id, payload }) => `${client_id} ${type} ${'status' in payload ? payload.status : ''}`,
      )
      .sort();
  const own = ['client-1 job.finished failed', 'client-1 job.started '];
  const all = [
    ...own,
    'client-2 job.finished successful',
    'client-2 job.started ',
    'client-3 job.finished failed',
  ];
  await eventually('all events', () => told(root.events).length === all.length);
  assert.deepEqual(told(root.events), all);
  await eventually('those of one client', () => told(ada.events).length === own.length);
  assert.deepEqual(told(ada.events), own);
  assert.deepEqual(plain.events, []);
  const end = await root.until('job.finished', 'client-2');
  const last = root.of('client-2').at(-1);
  assert.equal(end.client_name, 'client-2');
  assert.deepEqual(last?.payload as object, {
    jid: orders[1].jid,
    multi_job_id: multiJob,
    schedule_id: null,
    created_by: 'root',
    is_script: false,
    status: 'successful',
  });
  await eventually('the webhook to have them', () => {
    const events = receiver.received.slice(posted).map(({ body }) => JSON.parse(body) as ReadEvent);
    return told(events).length === all.length;
  });
});
