/** Schedules that run every second, on a server with two shards and simulated agents. Spec 04 §15.5 and §25.7. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { eventually } from '../support/eventually.js';
import { JobAgent, type Order, started } from '../support/job-agent.js';
import {
  as,
  command,
  created,
  NEVER_SOON,
  order,
  ordersOf,
  type Shown,
  shareClients,
  startWorld,
} from '../support/schedule-world.js';
import type { TestServer } from '../support/server.js';

let server: TestServer;
let one: JobAgent;
let two: JobAgent;

before(async () => {
  server = await startWorld();
  one = await new JobAgent('client-1', { Tags: ['shared'] }).connect(server, as(server));
  two = await new JobAgent('client-2', { Tags: ['shared'] }).connect(server, as(server));
  await new JobAgent('client-3', {}).connect(server, as(server));
  await shareClients(server, 'client-1', 'client-2');
});
after(() => server?.remove());

const EVERY = { schedule: '@every 1s' };
const post = async (change: object, username = 'root') =>
  created(await as(server, username).post('/schedules', { body: command(change) }));
const get = async (id: string) => (await as(server).get(`/schedules/${id}`)).data<Shown>();
const put = async (id: string, change: object, username = 'root') => {
  const answer = await as(server, username).put(`/schedules/${id}`, { body: command(change) });
  assert.equal(answer.status, 200, answer.text);
};
/** Nothing of it is due any more, and its history stays. */
const rest = (id: string, change: object = {}) => put(id, { ...change, schedule: NEVER_SOON });
const remove = async (id: string) => assert.equal((await as(server).delete(`/schedules/${id}`)).status, 204);
const runsOf = async (id: string) =>
  (await as(server).get(`/commands?filter[schedule_id]=${id}&page[limit]=1000`)).data<
    readonly { jid: string; created_by: string; schedule_id: string }[]
  >();

test('it runs, without overlapping; its jobs name it; the last run is shown', async () => {
  const text = 'runs';
  const before = Date.now();
  const { id, next_run } = await post({ ...EVERY, command: text }, 'ada');
  const due = Date.parse(String(next_run));
  assert.ok(due > before && due <= Date.now() + 1_000, `due ${due - before} ms after it was asked for`);
  const first = await order(one, text);
  // Times at which it is due go by while the first run is under way.
  await server.untilLogged(new RegExp(`schedule ${id} is not run: the run before is still under way`));
  assert.equal(ordersOf(one, text).length, 1);
  const running = (await get(id)).last_execution;
  assert.deepEqual(
    { ...running, started_at: '' },
    {
      started_at: '',
      client_count: 1,
      success_count: 0,
      status: 'running',
      summary: null,
    },
  );
  one.report(first, { result: { stdout: 'x', stderr: '', summary: 'fine' } });
  const second = await order(one, text, 1);
  await rest(id, { command: text });
  one.report(second, { status: 'failed', result: { stdout: '', stderr: '', summary: 'bad' } });
  await eventually(
    'the end of the second run',
    async () => (await get(id)).last_execution?.status === 'failed',
  );
  const last = (await get(id)).last_execution;
  assert.equal(last?.summary, 'bad');
  assert.equal(last?.success_count, 0);
  const runs = await runsOf(id);
  assert.equal(runs.length, 2);
  assert.ok(runs.every((run) => run.schedule_id === id && run.created_by === 'ada'));
  assert.equal(Date.parse(String(last?.started_at)) > 0, true);
  const jobs = (
    await as(server).get(
      `/clients/client-1/commands?filter[schedule_id]=${id}&fields[jobs]=status,schedule_id`,
    )
  ).data<readonly { status: string; schedule_id: string }[]>();
  assert.deepEqual(jobs.map((job) => [job.status, job.schedule_id]).sort(), [
    ['failed', id],
    ['successful', id],
  ]);
  // Not every holder of the permission may see what a client has said.
  const { id: third } = await post({ ...EVERY, command: 'secret', client_ids: ['client-3'] });
  await eventually('a run on client-3', async () => (await get(third)).last_execution !== null);
  assert.equal(
    (await as(server, 'ada').get(`/schedules/${third}`)).data<Shown>().last_execution?.summary,
    null,
  );
  await remove(third);
  await remove(id);
  assert.deepEqual(await runsOf(id), []);
  assert.equal((await as(server).get(`/clients/client-1/commands?filter[schedule_id]=${id}`)).count, 0);
});

test('runs that overlap, on several clients at once', async () => {
  const text = 'overlapping';
  const { id } = await post({
    ...EVERY,
    command: text,
    client_ids: ['client-1', 'client-2', 'client-3'],
    execute_concurrently: true,
    overlaps: true,
  });
  await order(two, text, 1);
  await order(one, text, 1);
  await rest(id, { command: text });
  const reported = new Set<Order>();
  const last = await eventually('three clients', async () => {
    // Also those of a run that began at the last moment.
    for (const agent of [one, two]) {
      for (const each of ordersOf(agent, text).filter((other) => !reported.has(other))) {
        reported.add(each);
        agent.report(each);
      }
    }
    const { last_execution: shown } = await get(id);
    return shown?.client_count === 3 && shown.success_count === 2 && shown;
  });
  assert.deepEqual([last.status, last.summary], [null, null]);
  await remove(id);
});

test('a client that was removed does not keep the others from being served', async () => {
  const text = 'vanishing';
  const gone = await new JobAgent('client-gone', {}).connect(server, as(server));
  const ids = ['client-gone', 'client-1'];
  const { id } = await post({ ...EVERY, command: text, client_ids: ids, overlaps: true });
  await order(gone, text);
  gone.agent.destroy();
  await eventually(
    'the client to be removed',
    async () => (await as(server).delete('/clients/client-gone')).status === 204,
  );
  await server.untilLogged(new RegExp(`schedule ${id} .*that do not exist: "client-gone"`));
  await order(one, text, ordersOf(one, text).length);
  assert.deepEqual((await get(id)).client_ids, ids);
  await remove(id);
});

test('at run time the rights of its creator count, as they are then', async () => {
  const text = '/usr/bin/rights';
  const api = as(server);
  const user = async (username: string, groups: readonly string[]) => {
    const body = { username, password: 'password-of-the-tests', groups };
    assert.equal((await api.post('/users', { body })).status, 201);
  };
  await user('eve', ['Ops']);
  const tags = { client_ids: undefined, tags: { tags: ['shared'] }, execute_concurrently: true };
  const { id } = await post({ ...EVERY, ...tags, command: text, overlaps: true }, 'eve');
  await order(one, text);
  await order(two, text);
  // Lost access to one of the clients.
  let body: object = { allowed_user_groups: ['Careful'] };
  assert.equal((await api.post('/clients/client-2/acl', { body })).status, 204);
  await server.untilLogged(
    new RegExp(`schedule ${id} is run without some: clients that "eve" may not access: "client-2"`),
  );
  const before = ordersOf(two, text).length;
  await order(one, text, ordersOf(one, text).length + 1);
  assert.equal(ordersOf(two, text).length, before);
  // Lost the right to run that command.
  let seen = server.output.length;
  body = { groups: ['Careful'] };
  assert.equal((await api.put('/users/eve', { body: { groups: ['Careful', 'Nothing'] } })).status, 204);
  await order(two, text, before);
  await put(id, { ...EVERY, ...tags, command: 'forbidden', overlaps: true });
  await server.untilLogged(new RegExp(`schedule ${id} is not run: user "eve": Command is forbidden`), seen);
  assert.deepEqual(ordersOf(one, 'forbidden'), []);
  // Lost the permission.
  assert.equal((await api.put('/users/eve', { body: { groups: ['Nothing'] } })).status, 204);
  await server.untilLogged(new RegExp(`schedule ${id} is not run: user "eve" may not use schedules`), seen);
  // Is no more.
  seen = server.output.length;
  assert.equal((await api.delete('/users/eve')).status, 204);
  await server.untilLogged(new RegExp(`schedule ${id} is not run: there is no user "eve"`), seen);
  assert.deepEqual(ordersOf(one, 'forbidden'), []);
  // Another one of that name, with every right.
  await user('eve', ['Administrators']);
  await server.untilLogged(
    new RegExp(`schedule ${id} is not run: user "eve" is not the one of that name who has made it`),
    seen,
  );
  // Nor does she make it hers by changing it.
  await put(id, { ...EVERY, ...tags, command: 'changed by another', overlaps: true }, 'eve');
  const { id: own } = await post({ ...EVERY, command: 'her own' }, 'eve');
  one.report(await order(one, 'her own'));
  await order(one, 'her own', 1);
  assert.deepEqual([...ordersOf(one, 'forbidden'), ...ordersOf(one, 'changed by another')], []);
  await remove(own);
  await remove(id);
  body = { allowed_user_groups: ['Ops', 'Careful'] };
  assert.equal((await api.post('/clients/client-2/acl', { body })).status, 204);
});

test('who changes a schedule gives it no more rights than his own', async () => {
  const text = '/usr/bin/changed';
  const { id } = await post({ command: text, client_ids: ['client-1', 'client-3'] });
  const tags = { client_ids: undefined, tags: { tags: ['shared'] }, execute_concurrently: true };
  const change = { ...EVERY, ...tags, command: text, overlaps: true };
  assert.equal((await as(server).get(`/schedules/${id}`)).data<Shown>().updated_by, 'root');
  await put(id, change, 'carl');
  await order(one, text);
  // A client he may not access gets the tag.
  const late = await new JobAgent('client-late', { Tags: ['shared'] }).connect(server, as(server));
  await server.untilLogged(new RegExp(`schedule ${id} .*"root" or "carl" may not access: "client-late"`));
  assert.deepEqual(ordersOf(late, text), []);
  assert.equal((await get(id)).created_by, 'root');
  await remove(id);
});

test('deleted while it runs: no further client is told to begin, and late results leave nothing', async () => {
  const text = 'deleted';
  const { id } = await post({ ...EVERY, command: text, client_ids: ['client-1', 'client-2'] });
  const first = await order(one, text);
  await remove(id);
  one.report(first);
  await one.agent.request('ping', '');
  // As long as anything could still come: what follows is handled after it.
  const after = await post({ ...EVERY, command: 'after', client_ids: ['client-1', 'client-2'] });
  one.report(await order(one, 'after'));
  await order(two, 'after');
  assert.deepEqual(ordersOf(two, text), []);
  const left = await as(server).get(`/clients/client-1/commands?filter[schedule_id]=${id}`);
  assert.equal(left.count, 0);
  await remove(after.id);
});

test('changed while it runs: the run goes on as it began, the next one is the new one', async () => {
  const { id } = await post({ ...EVERY, command: 'old', client_ids: ['client-1', 'client-2'] });
  const first = await order(one, 'old');
  await put(id, { ...EVERY, command: 'new' });
  one.report(first);
  const second = await order(two, 'old');
  assert.deepEqual(ordersOf(one, 'new'), []);
  two.report(second);
  await order(one, 'new');
  await remove(id);
});

test('a client that does not answer holds up nobody but the run it belongs to', async () => {
  const silent = new JobAgent('client-silent', {});
  silent.answer = () => null;
  await silent.connect(server, as(server));
  const stuck = await post({ ...EVERY, command: 'stuck', client_ids: ['client-silent'] });
  await order(silent, 'stuck');
  const other = await post({ ...EVERY, command: 'other', overlaps: true });
  await order(one, 'other', 1);
  await server.untilLogged(new RegExp(`schedule ${stuck.id} is not run: the run before is still`));
  assert.equal(ordersOf(silent, 'stuck').length, 1);
  silent.answer = () => ({ ok: true, payload: started(1) });
  await remove(stuck.id);
  await remove(other.id);
});
