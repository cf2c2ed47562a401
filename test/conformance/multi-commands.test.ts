/** Commands and scripts on several clients, over the API of a running server with two shards. Spec 04 §25.3, §25.4. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { connectFour, JobAgent, type Order, started } from '../support/job-agent.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';

interface Child {
  readonly jid: string;
  readonly client_id: string;
  readonly status: string;
  readonly error: string;
  readonly multi_job_id: string;
  readonly started_at: string;
  readonly [key: string]: unknown;
}
interface Multi {
  readonly jid: string;
  readonly jobs: readonly Child[];
  readonly [key: string]: unknown;
}

let server: TestServer;
let one: JobAgent;
let two: JobAgent;
let four: JobAgent;

before(async () => {
  server = await TestServer.start({
    api: { auth: null, user_login_wait: 0, max_failed_login: 0 },
    async prepare(dataDir) {
      await storePeople(
        dataDir,
        { root: ['Administrators'], ada: ['Ops'], bob: ['Ops'], carl: ['Careful'], dora: ['Scripts'] },
        {
          Ops: { permissions: ['commands'] },
          Careful: {
            permissions: ['commands'],
            commandsRestricted: { allow: ['^/usr/bin/'], deny: ['rm'], is_sudo: false },
          },
          Scripts: { permissions: ['scripts'] },
        },
      );
    },
  });
  const root = server.api('root', PASSWORD);
  ({ one, two, four } = await connectFour(server, root, 'one'));
  for (const id of ['client-1', 'client-4']) {
    const body = { allowed_user_groups: ['Ops', 'Careful', 'Scripts'] };
    assert.equal((await root.post(`/clients/${id}/acl`, { body })).status, 204);
  }
  for (const [id, client_id] of [
    ['group-1', ['client-1', 'client-2']],
    ['group-2', ['client-4']],
    ['empty', ['nobody']],
  ] as const) {
    const body = { id, description: '', params: { client_id } };
    assert.equal((await root.post('/client-groups', { body })).status, 201);
  }
});
after(() => server?.remove());

const api = (username = 'root') => server.api(username, PASSWORD);
const post = (body: object, path = '/commands', username = 'root') =>
  api(username).post(path, { body: path === '/commands' ? { command: 'id', ...body } : body });
const refusal = async (body: object, path?: string, username?: string) => {
  const answer = await post(body, path, username);
  const [error] = answer.errors;
  return [answer.status, error?.title, error?.detail];
};
const multi = async (jid: string) => (await api().get(`/commands/${jid}`)).data<Multi>();
const start = async (body: object, path?: string) => (await post(body, path)).data<{ jid: string }>().jid;
const orders = (jid: string, agent: JobAgent): readonly Order[] =>
  agent.orders.filter((order) => order.multi_job_id === jid);
const order = (jid: string, agent: JobAgent): Promise<Order> =>
  eventually(`the order for ${agent.id}`, () => orders(jid, agent)[0]);
/** Children in the order of their start, when there are so many and none runs without an answer. */
const children = (jid: string, count: number) =>
  eventually(`${count} children`, async () => {
    const { jobs } = await multi(jid);
    return jobs.length === count && [...jobs].reverse();
  });
/** The same, when all of them have ended. One that was ordered a moment ago may not be stored yet. */
const ends = (jid: string, count: number) =>
  eventually(`${count} ends`, async () => {
    const { jobs } = await multi(jid);
    return jobs.length === count && jobs.every((job) => job.status !== 'running');
  });
/** Ends all that runs. */
const finish = async (jid: string, ...agents: readonly JobAgent[]): Promise<void> => {
  for (const agent of agents) agent.report(await order(jid, agent));
};

test('two clients one after the other: the second begins when the first has ended', async () => {
  const jid = await start({ client_ids: ['client-1', 'client-2'], abort_on_error: false, timeout_sec: 30 });
  const first = await order(jid, one);
  await one.agent.request('ping', '');
  await two.agent.request('ping', '');
  assert.deepEqual(orders(jid, two), []);
  one.report(first, { status: 'failed', error: 'exit status 1' });
  const second = await order(jid, two);
  assert.equal(second.timeout_sec, 30);
  assert.equal(second.stream_result, false);
  two.report(second);
  await ends(jid, 2);
  const { jobs, started_at: startedAt, ...shown } = await multi(jid);
  assert.deepEqual(shown, {
    jid,
    created_by: 'root',
    schedule_id: null,
    client_ids: ['client-1', 'client-2'],
    group_ids: null,
    tags: null,
    command: 'id',
    cwd: '',
    interpreter: '',
    timeout_sec: 30,
    concurrent: false,
    abort_on_err: false,
    is_sudo: false,
    is_script: false,
  });
  assert.ok(Math.abs(Date.parse(String(startedAt)) - Date.now()) < 60_000);
  assert.deepEqual(jobs.map(({ client_id, status }) => [client_id, status]).sort(), [
    ['client-1', 'failed'],
    ['client-2', 'successful'],
  ]);
  assert.ok(jobs.every((job) => job.multi_job_id === jid && job.timeout_sec === 30));
});

test('a failure stops the row, a time-out of the client does not', async () => {
  const stopped = await start({ client_ids: ['client-1', 'client-2'], abort_on_error: null });
  one.report(await order(stopped, one), { status: 'failed' });
  const going = await start({ client_ids: ['client-1', 'client-2'] });
  one.report(await order(going, one), { status: 'unknown' });
  await finish(going, two);
  await ends(going, 2);
  await ends(stopped, 1);
  assert.equal((await multi(stopped)).abort_on_err, true);
});

test('all at once: nobody waits, a failure stops nothing', async () => {
  const jid = await start({
    client_ids: ['client-1', 'client-2', 'client-4'],
    execute_concurrently: true,
  });
  const all = await Promise.all([one, two, four].map((agent) => order(jid, agent)));
  assert.equal(all.length, 3);
  one.report(await order(jid, one), { status: 'failed' });
  await finish(jid, two, four);
  await ends(jid, 3);
});

test('a client that is not connected fails and stops nothing; one that refuses does', async () => {
  const jid = await start({ client_ids: ['client-3', 'client-1'] });
  await finish(jid, one);
  const both = await children(jid, 2);
  const failed = both.find((job) => job.client_id === 'client-3');
  assert.equal(failed?.status, 'failed');
  assert.equal(failed?.error, 'client is not connected');
  assert.equal(failed?.pid, null);
  assert.equal(failed?.result, null);
  assert.notEqual(failed?.finished_at, null);
  two.answer = () => ({ ok: false, payload: 'nope' });
  const refused = await start({ client_ids: ['client-2', 'client-1'] });
  const [child] = await children(refused, 1);
  assert.equal(child?.error, 'client error: nope');
  const goingOn = await start({ client_ids: ['client-2', 'client-1'], abort_on_error: false });
  await finish(goingOn, one);
  await children(goingOn, 2);
  two.answer = () => ({ ok: true, payload: started(1) });
  assert.equal((await multi(refused)).jobs.length, 1);
});

test('a client that drops its connection instead of an answer', async () => {
  const leaving = new JobAgent('client-leaving', { Tags: [] });
  leaving.answer = () => {
    leaving.agent.destroy();
    return null;
  };
  await leaving.connect(server, api());
  const aborted = await start({ client_ids: ['client-leaving', 'client-1'] });
  const [child] = await children(aborted, 1);
  assert.equal(child?.error, 'failed to send request: EOF');
  assert.deepEqual(orders(aborted, one), []);
});

test('targets: groups, repeated clients, tags', async () => {
  const concurrent = { execute_concurrently: true };
  const ids = async (body: object, count: number, path?: string) => {
    const jid = await start({ ...body, ...concurrent }, path);
    const found = (await children(jid, count)).map((job) => job.client_id).sort();
    return found.map((id) => id.replace('client-', '')).join(',');
  };
  assert.equal(await ids({ group_ids: ['group-1'] }, 2), '1,2');
  assert.equal(await ids({ group_ids: ['group-2'] }, 1), '4');
  assert.equal(await ids({ client_ids: ['client-1'], group_ids: ['group-2'] }, 2), '1,4');
  assert.equal(await ids({ client_ids: ['client-1'], group_ids: ['group-1'] }, 2), '1,2');
  assert.equal(await ids({ client_ids: ['client-1', 'client-1'] }, 2), '1,1');
  const script = { script: 'dGVzdC5zaA==' };
  for (const [path, more] of [
    ['/commands', {}],
    ['/scripts', script],
  ] as const) {
    const tags = (tags: readonly string[], operator?: string) => ({ ...more, tags: { tags, operator } });
    assert.equal(await ids(tags(['linux'], 'OR'), 2, path), '1,4');
    assert.equal(await ids(tags(['linux']), 2, path), '1,4');
    assert.equal(await ids(tags(['linux', 'windows'], 'AND'), 1, path), '4');
    assert.equal(await ids(tags(['linux', 'windows'], 'and'), 1, path), '4');
    assert.equal(await ids(tags(['linux', 'windows'], 'xor'), 3, path), '1,2,4');
    const only = 'multiple targeting options are not supported. Please specify only one';
    for (const [body, expected] of [
      [
        {},
        [
          400,
          'Missing targeting parameters.',
          'please specify targeting options, such as client ids, groups ids or tags',
        ],
      ],
      [{ ...tags(['linux']), client_ids: [] }, [400, 'Multiple targeting parameters.', only]],
      [{ ...tags(['linux']), group_ids: ['group-1'] }, [400, 'Multiple targeting parameters.', only]],
      [tags([]), [400, 'No tags specified.', 'please specify tags in the tags list']],
      [tags(['random']), [400, 'at least 1 client should be specified', '']],
      [{ group_ids: [] }, [400, 'at least 1 client should be specified', '']],
      [{ group_ids: ['empty'] }, [400, 'no active clients belong to the selected group(s)', '']],
      [{ group_ids: ['g'] }, [400, 'Unknown group with id="g".', '']],
      [{ client_ids: ['client-1', 'client-9'] }, [404, 'Client with id="client-9" not found.', '']],
    ] as const) {
      assert.deepEqual(await refusal({ ...more, ...body }, path), expected);
    }
  }
});

test('checks of commands come before targets, those of scripts after', async () => {
  assert.deepEqual(await refusal({ command: '' }), [400, 'Command cannot be empty.', '']);
  assert.deepEqual((await refusal({ interpreter: 'x' }))[1], 'Invalid interpreter.');
  assert.equal((await refusal({}, '/scripts'))[1], 'Missing targeting parameters.');
  const target = { client_ids: ['client-1'] };
  assert.deepEqual(await refusal(target, '/scripts'), [400, 'Missing script body', '']);
  assert.deepEqual(await refusal({ ...target, script: 'invalid' }, '/scripts'), [
    400,
    'failed to decode script payload from base64',
    'illegal base64 data at input byte 4',
  ]);
  const jid = await start({ ...target, script: 'cHdk', interpreter: 'own' }, '/scripts');
  const sent = await order(jid, one);
  assert.equal(sent.command, 'pwd');
  assert.equal((await multi(jid)).is_script, true);
  one.report(sent);
});

test('who may: permissions, clients, restrictions, jobs of others', async () => {
  assert.equal(
    (await post({ client_ids: ['client-1'] }, '/commands', 'dora')).refusal,
    '403 user does not have "commands" permission',
  );
  assert.equal(
    (await post({ client_ids: ['client-1'] }, '/scripts', 'ada')).refusal,
    '403 user does not have "scripts" permission',
  );
  assert.deepEqual(await refusal({ client_ids: ['client-2', 'client-1', 'client-3'] }, '/commands', 'ada'), [
    403,
    'Access denied to client(s) with ID(s): client-2, client-3',
    '',
  ]);
  const target = { client_ids: ['client-1'] };
  for (const path of ['/commands', '/clients/client-1/commands']) {
    const body = (command: string, more: object = {}) => ({
      command,
      ...more,
      ...(path === '/commands' ? target : {}),
    });
    const title = async (command: string, more?: object) => {
      const answer = await api('carl').post(path, { body: body(command, more) });
      return answer.status === 200 ? 200 : answer.refusal;
    };
    assert.equal(await title('/usr/bin/id'), 200);
    assert.match(String(await title('/bin/id')), /^400 Command is forbidden\. It matches none/);
    assert.match(String(await title('/usr/bin/rm')), /^400 Command is forbidden\. It matches one/);
    assert.match(String(await title('/usr/bin/id', { is_sudo: true })), /^400 Command with is_sudo=true/);
  }
  const own = (await post({ ...target, execute_concurrently: true }, '/commands', 'ada')).data<{
    jid: string;
  }>();
  const path = `/commands/${own.jid}`;
  await order(own.jid, one);
  for (const [name, status] of [
    ['ada', 200],
    ['root', 200],
    ['bob', 403],
  ] as const) {
    for (const suffix of ['', '/jobs']) {
      const answer = await api(name).get(path + suffix);
      assert.equal(answer.status, status, name + suffix);
      if (status !== 403) continue;
      assert.deepEqual(answer.errors, [
        {
          code: '',
          title: 'forbidden',
          detail: 'you are not allowed to access items created by another user',
        },
      ]);
    }
  }
  assert.equal((await api().get('/commands/nope')).refusal, '404 Multi-client Job[id="nope"] not found.');
  assert.equal((await api('bob').get('/commands/nope/jobs')).text, '{"data":[],"meta":{"count":0}}');
  // Of a client whose access was withdrawn even the one who has started it sees nothing.
  await eventually('the child', async () => (await api('ada').get(`${path}/jobs`)).count === 1);
  const acl = (groups: readonly string[]) =>
    api().post('/clients/client-1/acl', { body: { allowed_user_groups: groups } });
  await acl([]);
  assert.equal((await api('ada').get(`${path}/jobs`)).count, 0);
  assert.deepEqual((await api('ada').get(path)).data<Multi>().jobs, []);
  await acl(['Ops', 'Careful', 'Scripts']);
});

test('the list of multi-jobs', async () => {
  const list = async (query = '') => api('bob').get(`/commands${query}`);
  const all = await list();
  const rows = all.data<{ jid: string; started_at: string; created_by: string }[]>();
  assert.equal(all.count, rows.length);
  assert.ok(rows.length > 10);
  assert.deepEqual(Object.keys(rows[0] ?? {}), ['jid', 'started_at', 'created_by', 'schedule_id']);
  const second = (row: { started_at: string }) => Math.floor(Date.parse(row.started_at) / 1000);
  for (let index = 1; index < rows.length; index++) {
    const [before, after] = [rows[index - 1], rows[index]] as [(typeof rows)[0], (typeof rows)[0]];
    assert.ok(second(before) > second(after) || (second(before) === second(after) && before.jid < after.jid));
  }
  assert.deepEqual((await list('?page[limit]=2&page[offset]=1')).data(), rows.slice(1, 3));
  assert.equal((await list('?filter[created_by]=ada')).count, 1);
  assert.equal((await list(`?filter[jid]=${rows[3]?.jid}&fields[x]=y`)).count, 1);
  const [oldest] = (await list('?sort=started_at&page[limit]=1')).data<{ started_at: string }[]>();
  const starts = rows.map(({ started_at: at }) => Date.parse(at));
  assert.equal(Date.parse(oldest?.started_at ?? ''), Math.min(...starts));
  assert.equal((await list('?filter[started_at][gt]=2200-01-01')).count, 0);
  assert.equal((await list('?filter[status]=x')).refusal, "400 unsupported filter field 'filter[status]'");
});

test('of many children the 100 newest are shown, the list has all', async () => {
  const ids = Array.from({ length: 150 }, () => 'client-3');
  const jid = await start({ client_ids: ids, execute_concurrently: true });
  await eventually('all children', async () => (await api().get(`/commands/${jid}/jobs`)).count === 150);
  const { jobs } = await multi(jid);
  assert.equal(jobs.length, 100);
  const page = await api().get(`/commands/${jid}/jobs?fields[jobs]=jid,error&page[limit]=1000`);
  assert.equal(page.data<Child[]>().length, 150);
  assert.equal(page.data<Child[]>()[0]?.error, 'client is not connected');
});

test('a job that never reports ends as unknown, the row goes on, and a late result still counts', async () => {
  // The grace time of 30 s is real here: the only test that waits for it. It runs beside the others.
  const jid = await start({ client_ids: ['client-2', 'client-4'], timeout_sec: 1 });
  const silent = await order(jid, two);
  const next = await eventually('the second order', () => orders(jid, four)[0], 45_000);
  four.report(next);
  const given = (await multi(jid)).jobs.find((job) => job.client_id === 'client-2');
  assert.equal(given?.status, 'unknown');
  assert.equal(
    given?.error,
    'no result from the client within 1 seconds (timeout_sec) and 30 seconds of grace',
  );
  two.report(silent);
  await eventually('the late result', async () => {
    const late = (await multi(jid)).jobs.find((job) => job.client_id === 'client-2');
    return late?.status === 'successful' && late.error === '';
  });
});
