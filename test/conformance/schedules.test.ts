/** Schedules over the API of a running server with two shards. Spec 04 §15 and §25.7. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { JobAgent } from '../support/job-agent.js';
import {
  as,
  command,
  created,
  NEVER_SOON,
  type Shown,
  shareClients,
  startWorld,
} from '../support/schedule-world.js';
import type { TestServer } from '../support/server.js';

let server: TestServer;

before(async () => {
  server = await startWorld();
  await new JobAgent('client-1', { Tags: ['linux'] }).connect(server, as(server));
  await new JobAgent('client-2', { Tags: ['windows'] }).connect(server, as(server));
  await new JobAgent('client-4', { Tags: ['linux', 'windows'] }).connect(server, as(server));
  await shareClients(server, 'client-1');
  for (const [id, client_id] of [
    ['group-1', ['client-1', 'client-2']],
    ['empty', ['nobody']],
  ] as const) {
    const body = { id, description: '', params: { client_id } };
    assert.equal((await as(server).post('/client-groups', { body })).status, 201);
  }
});
after(() => server?.remove());

const post = (body: object, username = 'root') => as(server, username).post('/schedules', { body });
const get = async (id: string) => (await as(server).get(`/schedules/${id}`)).data<Shown>();
const list = async (query = '') =>
  (await as(server).get(`/schedules${query}`)).data<{ data: readonly Shown[]; meta: { count: number } }>();
const names = async (query: string) => (await list(query)).data.map(({ name }) => name).join(',');

test('a schedule is answered as it was given, with what the server knows of it', async () => {
  const before = Date.now();
  const body = {
    id: 'mine',
    created_at: '2000-01-01T00:00:00Z',
    created_by: 'nobody',
    last_execution: { client_count: 7 },
    next_run: null,
    updated_by: 'nobody',
    name: 'nightly df',
    schedule: 'CRON_TZ=Europe/Paris 15 2 * * mon-fri',
    type: 'script',
    script: 'ZGYgLWg=',
    group_ids: ['group-1'],
    interpreter: '',
    timeout_sec: 120,
    execute_concurrently: true,
    overlaps: false,
  };
  const schedule = created(await post(body));
  assert.match(schedule.id, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.ok(Date.parse(schedule.created_at) >= before - 1_000);
  const { id, created_at, next_run, ...rest } = schedule;
  assert.deepEqual(Object.keys(schedule), [
    'id',
    'created_at',
    'created_by',
    'name',
    'schedule',
    'type',
    'client_ids',
    'group_ids',
    'tags',
    'script',
    'interpreter',
    'cwd',
    'is_sudo',
    'timeout_sec',
    'execute_concurrently',
    'abort_on_error',
    'overlaps',
    'last_execution',
    'updated_by',
    'next_run',
  ]);
  assert.deepEqual(rest, {
    created_by: 'root',
    name: 'nightly df',
    schedule: 'CRON_TZ=Europe/Paris 15 2 * * mon-fri',
    type: 'script',
    client_ids: null,
    group_ids: ['group-1'],
    tags: null,
    script: 'ZGYgLWg=',
    interpreter: '',
    cwd: '',
    is_sudo: false,
    timeout_sec: 120,
    execute_concurrently: true,
    abort_on_error: null,
    overlaps: false,
    last_execution: null,
    updated_by: 'root',
  });
  const due = new Date(String(next_run));
  const wall = due.toLocaleTimeString('en-GB', { timeZone: 'Europe/Paris' });
  assert.equal(wall, '02:15:00');
  assert.deepEqual(await get(id), schedule);
  assert.equal((await as(server).delete(`/schedules/${id}`)).status, 204);
});

test('targets are chosen and refused as those of commands', async () => {
  const status = async (targets: object, username?: string) => {
    const answer = await post({ ...command(), client_ids: undefined, ...targets }, username);
    if (answer.status !== 201) return [answer.status, answer.errors[0]?.title, answer.errors[0]?.detail];
    await as(server).delete(`/schedules/${created(answer).id}`);
    return 201;
  };
  for (const targets of [
    { client_ids: ['client-1'] },
    { group_ids: ['group-1'] },
    { client_ids: ['client-4'], group_ids: ['group-1'] },
    { tags: { tags: ['linux'], operator: 'OR' } },
    { tags: { tags: ['linux'] } },
    { tags: { tags: ['linux', 'windows'], operator: 'AND' } },
  ]) {
    assert.equal(await status(targets), 201);
  }
  const only = 'multiple targeting options are not supported. Please specify only one';
  const missing = 'please specify targeting options, such as client ids, groups ids or tags';
  for (const [targets, expected] of [
    [{}, [400, 'Missing targeting parameters.', missing]],
    [{ tags: { tags: ['linux'] }, client_ids: ['client-1'] }, [400, 'Multiple targeting parameters.', only]],
    [{ tags: { tags: [] } }, [400, 'No tags specified.', 'please specify tags in the tags list']],
    [{ tags: { tags: ['random'] } }, [400, 'at least 1 client should be specified', '']],
    [{ group_ids: [] }, [400, 'at least 1 client should be specified', '']],
    [{ group_ids: ['empty'] }, [400, 'no active clients belong to the selected group(s)', '']],
    [{ group_ids: ['g'] }, [400, 'Unknown group with id="g".', '']],
    [{ client_ids: ['client-9'] }, [404, 'Client with id="client-9" not found.', '']],
  ] as const) {
    assert.deepEqual(await status(targets), expected);
  }
  assert.deepEqual(await status({ client_ids: ['client-1', 'client-2'] }, 'ada'), [
    403,
    'Access denied to client(s) with ID(s): client-2',
    '',
  ]);
});

test('a caller’s mistake is 400 with the reason, by POST and by PUT', async () => {
  const { id } = created(await post(command()));
  const script = { type: 'script', command: undefined };
  for (const [change, title, detail] of [
    [{ type: undefined }, 'Invalid type.', "type must be 'command' or 'script'"],
    [{ type: 'Command' }, 'Invalid type.', "type must be 'command' or 'script'"],
    [{ schedule: '* * *' }, 'Invalid schedule.', 'expected exactly 5 fields, found 3: [* * *]'],
    [{ schedule: undefined }, 'Invalid schedule.', 'empty spec string'],
    [{ schedule: '0 0 * * 7' }, 'Invalid schedule.', 'end of range (7) above maximum (6): 7'],
    [
      { schedule: 'TZ=Nope/X * * * * *' },
      'Invalid schedule.',
      'provided bad location Nope/X: unknown time zone Nope/X',
    ],
    [
      { interpreter: 'latestbash' },
      'Invalid interpreter.',
      'expected interpreter to be one of: [cmd powershell tacoscript], actual: latestbash',
    ],
    [{ command: '' }, 'Empty command.', 'command cannot be empty'],
    [script, 'Empty script.', 'script cannot be empty'],
    [{ ...script, script: 'invalid' }, 'Invalid script.', 'illegal base64 data at input byte 4'],
    // The order of the checks: targets, type, cron text, interpreter, command.
    [
      { client_ids: undefined, type: 'x' },
      'Missing targeting parameters.',
      'please specify targeting options, such as client ids, groups ids or tags',
    ],
    [{ type: 'x', schedule: 'x' }, 'Invalid type.', "type must be 'command' or 'script'"],
    [{ schedule: '@reboot', interpreter: 'x' }, 'Invalid schedule.', 'unrecognized descriptor: @reboot'],
    [
      { interpreter: 'tacoscript', command: '' },
      'Invalid interpreter.',
      "tacoscript interpreter can't be used for commands execution",
    ],
    [{ nonsense: 1 }, 'Invalid JSON data.', 'json: unknown field "nonsense"'],
  ] as const) {
    for (const answer of [
      await post({ ...command(), ...change }),
      await as(server).put(`/schedules/${id}`, { body: { ...command(), ...change } }),
    ]) {
      assert.deepEqual(
        [answer.status, answer.errors[0]?.title, answer.errors[0]?.detail],
        [400, title, detail],
      );
    }
  }
  assert.equal((await as(server).post('/schedules')).refusal, '400 Missing body with json data.');
  // Scripts may name any interpreter.
  const any = created(await post({ ...command(), ...script, script: 'cHdk', interpreter: 'latestbash' }));
  for (const one of [id, any.id]) await as(server).delete(`/schedules/${one}`);
});

test('lists are wrapped twice, in the order of creation, by 20, with filters and sorts', async () => {
  const made: string[] = [];
  for (let number = 10; number < 31; number += 1) {
    const more = number === 12 ? { client_ids: ['client-2'], type: 'script', script: 'cHdk' } : {};
    made.push(created(await post(command({ name: `n${number}`, ...more }))).id);
  }
  const whole = await as(server).get('/schedules');
  assert.deepEqual(Object.keys(whole.json as object), ['data']);
  const { data, meta } = await list();
  assert.equal(meta.count, 21);
  assert.deepEqual(
    data.map(({ name }) => name),
    Array.from({ length: 20 }, (_, index) => `n${10 + index}`),
  );
  assert.equal(await names('?page[limit]=2&page[offset]=20'), 'n30');
  assert.equal(await names('?sort=-name&page[limit]=2'), 'n30,n29');
  assert.equal(await names('?filter[name]=n11,n13'), 'n11,n13');
  assert.equal(await names('?filter[name]=N1*&sort=-name&page[limit]=1'), 'n19');
  assert.equal(await names('?filter[type]=script'), 'n12');
  assert.equal(await names('?filter[client_ids]=CLIENT-2'), 'n12');
  assert.equal(await names('?filter[client_ids]=*-2'), 'n12');
  assert.equal(await names('?filter[group_ids]=group-1'), '');
  assert.equal(await names(`?filter[id]=${made[3]}`), 'n13');
  assert.equal((await list('?filter[created_by]=root')).meta.count, 21);
  const refused = await as(server).get('/schedules?page[limit]=101&sort=x&filter[command]=id');
  assert.deepEqual(refused.titles, [
    "unsupported sort field 'x'",
    "unsupported filter field 'filter[command]'",
    'pagination limit too big (101) maximum is 100',
  ]);
  for (const id of made) assert.equal((await as(server).delete(`/schedules/${id}`)).status, 204);
  assert.deepEqual(await list(), { data: [], meta: { count: 0 } });
});

test('PUT replaces everything but creator and time of creation', async () => {
  const first = created(
    await post(command({ interpreter: 'cmd', timeout_sec: 5, overlaps: true, abort_on_error: false }), 'ada'),
  );
  const body = { ...command({ name: 'other', schedule: '@hourly' }) };
  const answer = await as(server, 'bob').put(`/schedules/${first.id}`, { body });
  const changed = answer.data<Shown>();
  assert.equal(changed.id, first.id);
  assert.equal(changed.created_at, first.created_at);
  assert.equal(changed.created_by, 'ada');
  assert.equal(changed.updated_by, 'bob');
  assert.deepEqual(
    [changed.name, changed.interpreter, changed.timeout_sec, changed.overlaps, changed.abort_on_error],
    ['other', '', 0, false, null],
  );
  assert.match(String(changed.next_run), /^\d{4}-\d\d-\d\dT\d\d:00:00.000Z$/);
  // What was read can be sent back.
  const again = await as(server).put(`/schedules/${first.id}`, { body: changed });
  assert.equal(again.data<Shown>().name, 'other');
  assert.equal((await as(server).delete(`/schedules/${first.id}`)).text, '');
});

test('a schedule that is not there is 404, whatever is done to it', async () => {
  const title = '404 Cannot find a schedule by the provided id: -2';
  assert.equal((await as(server).get('/schedules/-2')).refusal, title);
  assert.equal((await as(server).put('/schedules/-2', { body: command() })).refusal, title);
  assert.equal((await as(server).delete('/schedules/-2')).refusal, title);
});

test('who may not: no permission, or a command that the groups forbid', async () => {
  const missing = '403 user does not have "scheduler" permission';
  assert.equal((await as(server, 'dora').get('/schedules')).refusal, missing);
  assert.equal((await post(command(), 'dora')).refusal, missing);
  const refused = async (change: object) => (await post(command(change), 'carl')).refusal;
  const forbidden = "400 Command is forbidden. It matches none of the 'allow' regular expressions";
  assert.equal(await refused({ command: 'id' }), forbidden);
  assert.equal(
    await refused({ command: '/usr/bin/rm' }),
    "400 Command is forbidden. It matches one of the 'deny' regular expressions",
  );
  assert.equal(
    await refused({ is_sudo: true }),
    '400 Command with is_sudo=true is forbidden. You are not allowed to set is_sudo value',
  );
  assert.equal(await refused({ command: '' }), '400 Empty command.');
  // No way round it for somebody who may not run scripts.
  assert.equal(await refused({ type: 'script', script: 'cHdk' }), '400 Scripts are forbidden');
  const { id } = created(await post(command(), 'carl'));
  const put = await as(server, 'carl').put(`/schedules/${id}`, { body: command({ command: 'id' }) });
  assert.equal(put.refusal, forbidden);
  // Reading and deleting those of others is allowed.
  assert.equal((await as(server, 'ada').get(`/schedules/${id}`)).status, 200);
  assert.equal((await as(server, 'ada').delete(`/schedules/${id}`)).status, 204);
});

test('the audit log has one entry for each client of a change, and one for a removal', async () => {
  const body = command({ client_ids: ['client-1', 'client-2'], name: 'audited' });
  const { id } = created(await post(body));
  await as(server).put(`/schedules/${id}`, { body: { ...body, client_ids: ['client-4'] } });
  await as(server).delete(`/schedules/${id}`);
  const entries = (await as(server).get(`/auditlog?filter[affected_id]=${id}&sort=timestamp`)).data<
    readonly { action: string; application: string; client_id: string; username: string; response: string }[]
  >();
  assert.deepEqual(
    entries
      .map(({ application, action, client_id, username }) =>
        [application, action, client_id, username].join(' '),
      )
      .sort(),
    [
      'schedule create client-1 root',
      'schedule create client-2 root',
      'schedule delete  root',
      'schedule update client-4 root',
    ],
  );
});

test('what one shard has acknowledged, all shards know', async () => {
  const { id } = created(await post(command({ schedule: NEVER_SOON, name: 'seen' })));
  for (let round = 0; round < 8; round += 1) {
    assert.equal((await get(id)).name, 'seen');
    const body = command({ name: `round ${round}` });
    assert.equal((await as(server).put(`/schedules/${id}`, { body })).status, 200);
    const seen = await Promise.all(Array.from({ length: 4 }, () => get(id)));
    assert.deepEqual([...new Set(seen.map(({ name }) => name))], [`round ${round}`]);
    await as(server).put(`/schedules/${id}`, { body: command({ name: 'seen' }) });
  }
  await as(server).delete(`/schedules/${id}`);
  const gone = await Promise.all(Array.from({ length: 8 }, () => as(server).get(`/schedules/${id}`)));
  assert.deepEqual([...new Set(gone.map(({ status }) => status))], [404]);
});
