/**
 * What the reference's description says of answers about commands, scripts, schedules and files. Spec 04. The
 * messages of commands over WebSockets are not described; `ws-commands.test.ts` looks at them.
 */

import { after, before, test } from 'node:test';
import { ApiAnswer, type ApiClient, basic } from '../support/api-client.js';
import { eventually } from '../support/eventually.js';
import { JobAgent } from '../support/job-agent.js';
import { JobReader } from '../support/job-reader.js';
import { assertAllLookedAt, assertDescribed } from '../support/reference-answers.js';
import { ADMIN, TestServer } from '../support/server.js';
import { form } from '../support/upload-form.js';

let server: TestServer;
let api: ApiClient;
let agent: JobAgent;

before(async () => {
  server = await TestServer.start();
  api = server.api();
  agent = new JobAgent('c1', { Tags: ['web'] });
  // Jobs end as soon as they have begun; agents answer first.
  const usual = agent.answer;
  agent.answer = (order) => {
    setImmediate(() => agent.report(order));
    return usual(order);
  };
  await agent.connect(server);
  await api.put('/client-groups/g', { body: { id: 'g', description: '', params: { tag: ['web'] } } });
});
after(() => server?.remove());

const JSON_ANSWER = { 'content-type': 'application/json' };
const COMMAND = { command: '/usr/bin/id', timeout_sec: 30 };
const SCRIPT = { script: Buffer.from('id').toString('base64'), timeout_sec: 30 };
const jid = (answer: ApiAnswer): string => answer.data<{ jid: string }>().jid;
/** Finished jobs have more to look at than running ones. */
const finished = (path: string): Promise<ApiAnswer> =>
  eventually(`${path} to be finished`, async () => {
    const answer = await api.get(path);
    return !answer.text.includes('"running"') && answer.text.includes('"successful"') && answer;
  });

test('commands and scripts on one client', async () => {
  const path = '/clients/c1/commands';
  const made = await api.post(path, { body: COMMAND });
  assertDescribed('POST /clients/{client_id}/commands', made);
  const script = await api.post('/clients/c1/scripts', { body: SCRIPT });
  assertDescribed('POST /clients/{client_id}/scripts', script);
  assertDescribed('GET /clients/{client_id}/commands/{job_id}', await finished(`${path}/${jid(made)}`), {
    // It is no part of a job on many clients.
    types: { 'data.multi_job_id': 'null' },
  });
  assertDescribed('GET /clients/{client_id}/commands', await finished(path));
});

test('commands and scripts on many clients', async () => {
  const targets = { client_ids: ['c1'], group_ids: ['g'] };
  const made = await api.post('/commands', { body: { ...COMMAND, ...targets } });
  assertDescribed('POST /commands', made);
  const path = `/commands/${jid(made)}`;
  assertDescribed('GET /commands/{job_id}', await finished(path), {
    // Targets are named in one way or the other, and no schedule has started it.
    types: { 'data.tags': 'null', 'data.schedule_id': 'null' },
  });
  assertDescribed('GET /commands/{job_id}/jobs', await api.get(`${path}/jobs`));
  const [child] = (await api.get(`${path}/jobs`)).data<{ jid: string }[]>();
  assertDescribed(
    'GET /clients/{client_id}/commands/{job_id}',
    await api.get(`/clients/c1/commands/${child?.jid}`),
  );

  const tags = { tags: { tags: ['web'], operator: 'AND' } };
  const script = await api.post('/scripts', { body: { ...SCRIPT, ...tags } });
  assertDescribed('POST /scripts', script);
  assertDescribed('GET /commands/{job_id}', await finished(`/commands/${jid(script)}`), {
    types: { 'data.client_ids': 'null', 'data.group_ids': 'null', 'data.schedule_id': 'null' },
  });
});

/** A schedule of commands for ids and one of scripts for tags: what only the other one has, by the place it is at. */
const commandTypes = (at: string): Record<string, string> => ({
  [`${at}.tags`]: 'null',
  [`${at}.script`]: 'absent',
});
const scriptTypes = (at: string): Record<string, string> => ({
  [`${at}.client_ids`]: 'null',
  [`${at}.group_ids`]: 'null',
  [`${at}.command`]: 'absent',
});

const idOf = (answer: ApiAnswer): string => (answer.json as { data: { id: string } }).data.id;

/** Described as every other list; it is in a second envelope (spec 04 §15.3). */
function unwrapped({ status, headers, json }: ApiAnswer): ApiAnswer {
  return new ApiAnswer(status, headers, Buffer.from(JSON.stringify((json as { data: unknown }).data)));
}

test('schedules', async () => {
  const details = { name: 'often', schedule: '0 0 29 2 *', abort_on_error: true };
  const command = {
    ...details,
    type: 'command',
    command: '/usr/bin/id',
    client_ids: ['c1'],
    group_ids: ['g'],
  };
  const script = {
    ...details,
    type: 'script',
    script: SCRIPT.script,
    tags: { tags: ['web'], operator: 'OR' },
  };
  const made = await api.post('/schedules', { body: { ...command, schedule: '@every 1s' } });
  // It has not run yet.
  const fresh = { 'data.last_execution': 'null' };
  assertDescribed('POST /schedules', made, { types: { ...commandTypes('data'), ...fresh } });
  const other = await api.post('/schedules', { body: script });
  assertDescribed('POST /schedules', other, { types: { ...scriptTypes('data'), ...fresh } });
  const pathOf = (answer: ApiAnswer): string => `/schedules/${idOf(answer)}`;

  const ran = await eventually('a run', async () => {
    const answer = await api.get(pathOf(made));
    return answer.text.includes('"success_count":1') && answer;
  });
  assertDescribed('GET /schedules/{id}', ran, { types: commandTypes('data') });
  // No other run begins; one under way has no summary yet.
  const changed = await eventually('no run to be under way', async () => {
    const answer = await api.put(pathOf(made), { body: command });
    return answer.text.includes('"success_count":1') && answer;
  });
  assertDescribed('PUT /schedules/{id}', changed, { types: commandTypes('data') });
  assertDescribed('GET /commands', await api.get(`/commands?filter[schedule_id]=${idOf(made)}`));

  const commands = unwrapped(await api.get('/schedules?filter[type]=command'));
  assertDescribed('GET /schedules', commands, { types: commandTypes('data[]') });
  const scripts = unwrapped(await api.get('/schedules?filter[type]=script'));
  assertDescribed('GET /schedules', scripts, {
    types: { ...scriptTypes('data[]'), 'data[].last_execution': 'null' },
  });
  assertDescribed('DELETE /schedules/{id}', await api.delete(pathOf(made)));
  await api.delete(pathOf(other));
});

test('files', async () => {
  const sent = form(['client_id', 'c1'], ['dest', '/tmp/x'], ['upload', Buffer.from('content')]);
  const reader = await JobReader.open(server.apiPort, 'uploads', basic(ADMIN.username, ADMIN.password));
  try {
    assertDescribed('POST /files', await api.post('/files', sent));
    const text = await eventually('what became of it', () => reader.texts[0]);
    // Described as an answer; it is a message without an envelope (spec 04 §13).
    const message = new ApiAnswer(200, JSON_ANSWER, Buffer.from(`{"data":${text}}`));
    assertDescribed('GET /ws/uploads', message);
  } finally {
    reader.socket.terminate();
  }
});

test('every operation of the area was looked at', () => {
  assertAllLookedAt(/^\/(?:commands|scripts|schedules|files|clients\/[^/]+\/(?:commands|scripts))(?:\/|$)/);
});
