/** `POST /files` and the way of a file to its clients, on a running server of two shards. Spec 04 §16, §17, §25.8. */

import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openStore } from '../../src/store/open.js';
import { type ApiAnswer, type ApiClient, basic } from '../support/api-client.js';
import { clientRecord } from '../support/client-record.js';
import { eventually } from '../support/eventually.js';
import { type FileAgent, failure, fileAgent, type UploadRequest } from '../support/file-agent.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { TestServer } from '../support/server.js';
import { startUpload } from '../support/slow-upload.js';
import { FORM_TYPE, type FormPart, form, formBody } from '../support/upload-form.js';
import { apiOfUsersFile, PASSWORD, writeUsersFile } from '../support/users-file.js';

const LIMIT = 3 * 1024 * 1024;
const root = basic('root', PASSWORD);
const CONTENT = randomBytes(300_000);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

let server: TestServer;
let admin: ApiClient;
let dev: ApiClient;
let one: FileAgent;
let two: FileAgent;
let four: FileAgent;

before(async () => {
  server = await TestServer.start({
    api: { ...apiOfUsersFile, max_filepush_size: LIMIT },
    async prepare(dataDir, folder) {
      await writeUsersFile(folder, { root: ['Administrators'], dev: ['dev'] });
      const store = openStore(dataDir, { log: new MemoryLogger() });
      const disconnectedAt = '2026-01-01T00:00:00.000Z';
      await store.clients.put(clientRecord('client-3', { disconnectedAt, tags: ['mac'] }));
      await store.close();
    },
  });
  admin = server.api('root', PASSWORD);
  dev = server.api('dev', PASSWORD);
  one = await fileAgent(server, 'client-1', { fields: { Tags: ['linux'] } });
  two = await fileAgent(server, 'client-2', { fields: { Tags: ['windows'] } });
  four = await fileAgent(server, 'client-4', { fields: { Tags: ['linux', 'windows'] } });
  await known('client-1', 'client-2', 'client-4');
  const group = (id: string, members: readonly string[]) => ({
    body: { id, description: '', params: { client_id: members }, allowed_user_groups: null },
  });
  await admin.put('/client-groups/group-1', group('group-1', ['client-1', 'client-2']));
  await admin.put('/client-groups/empty', group('empty', ['nobody']));
  await admin.post('/clients/client-1/acl', { body: { allowed_user_groups: ['dev'] } });
});
after(() => server?.remove());

async function known(...ids: readonly string[]): Promise<void> {
  for (const id of ids) await server.untilKnown(id, admin);
}

const post = (...parts: readonly FormPart[]): Promise<ApiAnswer> => admin.post('/files', form(...parts));
const file: FormPart = ['upload', CONTENT];
const dest: FormPart = ['dest', '/tmp/file.bin'];
const toOne: FormPart = ['client_id', 'client-1'];

interface Accepted {
  readonly uuid: string;
  readonly filepath: string;
  readonly size: number;
}

/** What the server says of one client's result. */
const result = async (uuid: string, client: string): Promise<string> => {
  const line = await server.untilLogged(new RegExp(`upload ${uuid}, client "${client}": .*`));
  return line.slice(line.indexOf('": ') + 3);
};

const filepush = (): string[] => readdirSync(join(server.dataDir, 'filepush'));
const partSizes = (): number[] =>
  filepush()
    .filter((name) => name.endsWith('.part'))
    .map((name) => statSync(join(server.dataDir, 'filepush', name)).size);
const emptied = (): Promise<unknown> => eventually('the folder to be empty', () => filepush().length === 0);

test('a form with everything reaches its client, which is asked in the form of the reference', async () => {
  const answer = await post(
    dest,
    ['id', 'id-123'],
    ['user', 'admin'],
    ['group', 'group'],
    ['mode', '0744'],
    ['force', '1'],
    ['sync', '1'],
    file,
    toOne,
  );
  assert.deepEqual(answer.data<Accepted>(), {
    uuid: 'id-123',
    filepath: '/tmp/file.bin',
    size: CONTENT.length,
  });
  assert.equal(
    await result('id-123', 'client-1'),
    'success: "file successfully copied to destination /tmp/file.bin"',
  );
  assert.deepEqual(one.files.get('id-123'), CONTENT);
  assert.equal(
    one.requests.at(-1),
    JSON.stringify({
      ID: 'id-123',
      SourceFilePath: join(server.dataDir, 'filepush', 'id-123_rport_filepush'),
      DestinationPath: '/tmp/file.bin',
      DestinationFileMode: 484,
      DestinationFileOwner: 'admin',
      DestinationFileGroup: 'group',
      ForceWrite: true,
      Sync: true,
      Md5Checksum: createHash('md5').update(CONTENT).digest('base64'),
    }),
  );
  await emptied();
});

interface AuditEntry {
  readonly action: string;
  readonly username: string;
  readonly remote_ip: string;
  readonly client_id: string;
  readonly request: string;
  readonly response: string;
}

test('the audit log tells who sent what, and then what came of it', async () => {
  const parts = [file, dest, ['id', 'audited'], toOne, ['client_id', 'client-3']] as const;
  assert.equal((await post(...parts)).status, 200);
  const entries = await eventually('all four entries', async () => {
    const answer = await admin.get(
      '/auditlog?filter[application]=uploads&filter[affected_id]=audited&page[limit]=100',
    );
    const found = answer.data<AuditEntry[]>();
    return found.length === 4 && found;
  });
  const oldestFirst = [...entries].sort((a, b) => order.indexOf(a.action) - order.indexOf(b.action));
  const told = oldestFirst.map(({ action, username, client_id }) => `${action} ${username} ${client_id}`);
  assert.deepEqual(told, [
    'create root client-1',
    'create root client-3',
    'failed  client-3',
    'success  client-1',
  ]);
  assert.deepEqual(JSON.parse(oldestFirst[0]?.response ?? ''), {
    uuid: 'audited',
    filepath: '/tmp/file.bin',
    size: CONTENT.length,
  });
  assert.deepEqual(JSON.parse(oldestFirst[2]?.response ?? ''), {
    client_id: 'client-3',
    uuid: 'audited',
    filepath: '',
    size: 0,
    message: 'client is not connected',
    status: 'error',
  });
  assert.equal((JSON.parse(oldestFirst[3]?.request ?? '') as UploadRequest).ID, 'audited');
});
const order = ['create', 'failed', 'success'];

/** What the audit log says of each client that has a result. */
async function outcomes(uuid: string): Promise<string[]> {
  const answer = await admin.get(`/auditlog?filter[affected_id]=${uuid}&filter[action]=success,failed`);
  return answer.data<AuditEntry[]>().map((entry) => {
    const { status, message } = JSON.parse(entry.response) as { status: string; message: string };
    return `${entry.client_id}: ${status}: ${message}`;
  });
}

test('fields behind the file count, and what is not given is unset', async () => {
  const { uuid } = (
    await post(file, dest, toOne, ['unknown', 'ignored'], ['other', Buffer.alloc(10)])
  ).data<Accepted>();
  assert.match(uuid, UUID);
  await result(uuid, 'client-1');
  const asked = JSON.parse(one.requests.at(-1) ?? '') as UploadRequest;
  assert.deepEqual(
    [asked.DestinationFileMode, asked.DestinationFileOwner, asked.ForceWrite, asked.Sync],
    [0, '', false, false],
  );
});

test('an empty file is a file', async () => {
  const { uuid, size } = (await post(['upload', Buffer.alloc(0)], dest, toOne)).data<Accepted>();
  assert.equal(size, 0);
  await result(uuid, 'client-1');
  assert.equal(one.files.get(uuid)?.length, 0);
});

test('tags, groups and ids choose the clients, each once, connected or not', async () => {
  const reached = async (expected: Readonly<Record<string, string>>, ...targets: readonly FormPart[]) => {
    const seen = server.output.length;
    const { uuid } = (await post(file, dest, ...targets)).data<Accepted>();
    for (const client of Object.keys(expected)) await result(uuid, client);
    await emptied();
    const lines = server.output
      .slice(seen)
      .matchAll(new RegExp(`upload ${uuid}, client "([^"]+)": (\\w+)`, 'g'));
    const told = [...lines].map(([, id, status]) => `${id} ${status}`).sort();
    assert.deepEqual(
      told,
      Object.entries(expected).map(([id, status]) => `${id} ${status}`),
    );
  };
  await reached({ 'client-1': 'success', 'client-4': 'success' }, ['tags', '{"tags":["linux"]}']);
  await reached({ 'client-4': 'success' }, ['tags', '{"TAGS":["linux","windows"],"operator":"and","x":1}']);
  await reached({ 'client-1': 'success', 'client-2': 'success' }, ['group_id', 'group-1'], toOne, toOne);
  await reached({ 'client-1': 'success', 'client-3': 'error' }, toOne, ['client_id', 'client-3']);
});

const refusals: readonly (readonly [what: string, parts: readonly FormPart[], refusal: string])[] = [
  ['no target', [file, dest], '400 Missing targeting parameters.'],
  [
    'tags and a client',
    [file, dest, toOne, ['tags', '{"tags":["linux"]}']],
    '400 Multiple targeting parameters.',
  ],
  ['empty tags', [file, dest, ['tags', '{"tags":[]}']], '400 No tags specified.'],
  [
    'tags that nobody has',
    [file, dest, ['tags', '{"tags":["random"]}']],
    '400 at least 1 client should be specified',
  ],
  [
    'several tags',
    [file, dest, ['tags', '{}'], ['tags', '{}']],
    '400 tags form value must only contain a single element',
  ],
  [
    'tags that are no JSON',
    [file, dest, ['tags', 'linux']],
    "400 invalid character 'l' looking for beginning of value",
  ],
  ['tags without text', [file, dest, ['tags', '']], '400 unexpected end of JSON input'],
  ['an unknown group', [file, dest, ['group_id', 'nope']], '400 Unknown group with id="nope".'],
  [
    'a group without members',
    [file, dest, ['group_id', 'empty']],
    '400 no active clients belong to the selected group(s)',
  ],
  ['an unknown client', [file, dest, ['client_id', 'nope']], '404 Client with id="nope" not found.'],
  [
    'commas are not split',
    [file, dest, ['client_id', 'client-1,client-2']],
    '404 Client with id="client-1,client-2" not found.',
  ],
  [
    'a wrong mode',
    [file, dest, toOne, ['mode', 'dfasdf']],
    '400 failed to parse file mode value dfasdf: strconv.ParseInt: parsing "dfasdf": invalid syntax',
  ],
  [
    'a mode of another base',
    [file, dest, toOne, ['mode', '0o644']],
    '400 failed to parse file mode value 0o644: strconv.ParseInt: parsing "0o644": invalid syntax',
  ],
  [
    'a mode out of range',
    [file, dest, toOne, ['mode', '-1']],
    '400 failed to parse file mode value -1: strconv.ParseInt: parsing "-1": value out of range',
  ],
  ['force=on', [file, dest, toOne, ['force', 'on']], '400 strconv.ParseBool: parsing "on": invalid syntax'],
  ['an empty sync', [file, dest, toOne, ['sync', '']], '400 strconv.ParseBool: parsing "": invalid syntax'],
  ['no file', [dest, toOne], '400 http: no such file'],
  ['a file that is a text', [dest, toOne, ['upload', 'text']], '400 http: no such file'],
  ['no destination', [file, toOne], '400 empty destination file path'],
  ['an id with a path', [file, dest, toOne, ['id', '../../x']], '400 invalid upload id'],
  ['an id too long', [file, dest, toOne, ['id', 'x'.repeat(65)]], '400 invalid upload id'],
  ['a value too long', [file, dest, toOne, ['user', 'x'.repeat(70_000)]], '400 multipart: message too large'],
  [
    'the order of checks',
    [dest, ['mode', 'x'], ['client_id', 'nope']],
    '404 Client with id="nope" not found.',
  ],
];

for (const [what, parts, refusal] of refusals) {
  test(`refused, and nothing stays: ${what}`, async () => {
    assert.equal((await post(...parts)).refusal, refusal);
    await emptied();
  });
}

test('places that are no business of uploads are refused however they are written', async () => {
  for (const [path, folder] of [
    ['/proc/myfile.txt', '/proc/'],
    ['/tmp/../sys/x', '/sys/'],
    ['//dev/./x', '/dev/'],
    ['run/x', '/run/'],
  ] as const) {
    const answer = await dev.post('/files', form(file, ['dest', path], ['client_id', 'client-2']));
    assert.equal(answer.status, 400, path);
    assert.deepEqual(answer.errors, [
      { code: 'BAD_DESTINATION', title: 'upload denied', detail: `uploads to ${folder} are forbidden` },
    ]);
  }
});

test('who may not access all of the clients sends to none', async () => {
  const answer = await dev.post(
    '/files',
    form(file, dest, ['client_id', 'client-2'], toOne, ['client_id', 'client-4']),
  );
  assert.equal(answer.status, 403);
  assert.deepEqual(answer.errors, [
    {
      code: 'ACCESS_CONTROL_VIOLATION',
      title: 'upload forbidden',
      detail: 'Access denied to client(s) with ID(s): client-2, client-4',
    },
  ]);
  await emptied();
  assert.equal((await dev.post('/files', form(file, dest, toOne))).status, 200);
});

test('a body that is no form, or not all of one', async () => {
  const send = (type: string, body: string | Buffer) =>
    admin
      .post('/files', { headers: type === '' ? {} : { 'content-type': type }, body })
      .then((one) => one.refusal);
  const whole = form(dest, toOne, file).body;
  assert.equal(await send('application/json', '{}'), "400 request Content-Type isn't multipart/form-data");
  assert.equal(await send('', 'x'), "400 request Content-Type isn't multipart/form-data");
  assert.equal(await send('multipart/form-data', whole), '400 no multipart boundary param in Content-Type');
  for (const cut of [0, 20, 120, whole.length - 100_000, whole.length - 10]) {
    assert.equal(
      await send(FORM_TYPE, whole.subarray(0, cut)),
      '400 multipart: NextPart: EOF',
      `${cut} bytes`,
    );
  }
  await emptied();
});

test('a body above the limit is refused with or without its length told', async () => {
  const parts = [dest, toOne, ['upload', Buffer.alloc(LIMIT)]] as const;
  assert.equal((await post(...parts)).refusal, '413 http: request body too large');
  const chunked = await startUpload(server.apiPort, root);
  chunked.send(formBody(parts));
  chunked.end();
  assert.match(await chunked.answer, /^413 .*http: request body too large/);
  await emptied();
  assert.equal((await post(dest, toOne, ['upload', Buffer.alloc(LIMIT - 2_000)])).status, 200);
});

test('an id is refused while an upload of that id is under way, on every shard', async () => {
  let release = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  await fileAgent(server, 'client-held', {
    handle: async () => {
      await held;
      return failure('enough');
    },
  });
  await known('client-held');
  const parts = [file, dest, ['id', 'same'], ['client_id', 'client-held']] as const;
  assert.equal((await post(...parts)).status, 200);
  for (let times = 0; times < 8; times++) {
    assert.equal((await post(...parts)).refusal, '409 an upload with id="same" is under way');
  }
  release();
  assert.equal(await result('same', 'client-held'), 'error: "client error: enough"');
  await emptied();
  assert.equal((await post(file, dest, ['id', 'same'], toOne)).status, 200);
});

test('what goes wrong on clients is told of each of them', async () => {
  const odd = async (id: string, payload: string, ok = true): Promise<void> => {
    await fileAgent(server, id, { handle: async () => ({ ok, payload }) });
  };
  await fileAgent(server, 'disabled', {
    fields: { ClientConfiguration: { file_reception: { enabled: false, protected: [] } } },
  });
  await odd('legacy', 'unknown request', false);
  await odd('failing', 'target path /bin matches protected pattern /bin', false);
  await odd('broken', 'no JSON');
  await odd('lying', '{"status":"stolen"}');
  await odd(
    'existing',
    '{"uuid":"x","filepath":"/f","size":0,"message":"file /f already exists","status":"ignored"}',
  );
  const dropping = await fileAgent(server, 'dropping', {
    handle: async (_request, agent) => {
      agent.destroy();
      return failure('');
    },
  });
  const ids = ['disabled', 'legacy', 'failing', 'broken', 'lying', 'existing', 'dropping'];
  await known(...ids);
  const targets = ['client-3', ...ids].map((id) => ['client_id', id] as const);
  const { uuid } = (await post(file, dest, ...targets)).data<Accepted>();
  const decode = 'client response format: failed to decode response into *models.UploadResponse';
  const expected: Readonly<Record<string, string>> = {
    'client-3': 'error: "client is not connected"',
    disabled: 'error: "uploads are disabled on this client, check [file-reception] enabled option"',
    legacy:
      'error: "client doens\'t support uploads, please upgrade client to the latest version to make it work"',
    failing: 'error: "client error: target path /bin matches protected pattern /bin"',
    broken: `error: "invalid ${decode}: not JSON"`,
    lying: `error: "invalid ${decode}: unknown status"`,
    existing: 'ignored: "file /f already exists"',
    dropping: 'error: "failed to send request: EOF"',
  };
  for (const [id, text] of Object.entries(expected)) assert.equal(await result(uuid, id), text, id);
  assert.equal(dropping.agent.closed, true);
  await emptied();
});

test('several files for one client come one after the other, each only in its turn', async () => {
  const uploads = await Promise.all(
    Array.from({ length: 6 }, (_, number) =>
      post(['upload', Buffer.from(`file ${number}`)], dest, ['client_id', 'client-4']),
    ),
  );
  const ids = uploads.map((answer) => answer.data<Accepted>().uuid);
  for (const id of ids) assert.match(await result(id, 'client-4'), /^success/);
  assert.deepEqual(
    ids.map((id) => four.files.get(id)?.toString()),
    ids.map((_, number) => `file ${number}`),
  );
  assert.equal(two.agent.closed, false);
});

test('a caller who sends slowly is waited for, one who leaves leaves nothing', async () => {
  const whole = formBody([dest, ['id', 'slow'], toOne, file]);
  const slow = await startUpload(server.apiPort, root);
  slow.send(whole.subarray(0, 150_000));
  await eventually('the first half to be stored', () => partSizes().some((size) => size > 100_000));
  const gone = await startUpload(server.apiPort, root);
  gone.send(whole.subarray(0, 200_000));
  await eventually('two files to be received', () => partSizes().length === 2);
  gone.destroy();
  await eventually('the second to be removed', () => partSizes().length === 1);
  slow.send(whole.subarray(150_000));
  slow.end();
  assert.match(await slow.answer, /^200 /);
  assert.match(await result('slow', 'client-1'), /^success/);
  assert.deepEqual(one.files.get('slow'), CONTENT);
  await emptied();
});

test('a server that is killed in the middle says so of each client, and keeps no file, when it starts again', async () => {
  await fileAgent(server, 'stuck', { handle: () => new Promise(() => undefined) });
  await known('stuck');
  const clients: FormPart[] = [toOne, ['client_id', 'stuck']];
  assert.equal((await post(file, dest, ['id', 'left'], ...clients)).status, 200);
  assert.match(await result('left', 'client-1'), /^success/);
  await eventually('its entry', async () => (await outcomes('left')).length === 1);
  // That client-1 has it is stored a moment after the entry, and before all of what comes after it.
  assert.equal((await post(file, dest, ['id', 'after'], toOne)).status, 200);
  await result('after', 'client-1');
  await eventually('only the first to be left', () => filepush().length === 1);
  const partial = await startUpload(server.apiPort, root);
  partial.send(formBody([dest, file]).subarray(0, 200_000));
  await eventually('both files to be there', () => filepush().length === 2);
  await server.crashAndRestart();
  assert.deepEqual(filepush(), []);
  await server.untilLogged(/removed 2 files whose distribution the end of the server cut short/);
  await server.untilLogged(/upload left: the server ended before the result was known, for 1 clients/);
  assert.deepEqual((await outcomes('left')).sort(), [
    'client-1: success: file successfully copied to destination /tmp/file.bin',
    'stuck: error: the server ended before the result was known',
  ]);
});

test('a server that stops in order says who did not get the file', async () => {
  const stuck = await fileAgent(server, 'stuck', { handle: () => new Promise(() => undefined) });
  await known('stuck');
  const { uuid } = (await post(file, dest, ['client_id', 'stuck'])).data<Accepted>();
  await eventually('the agent to be asked', () => stuck.requests.length === 1);
  await server.stop();
  assert.equal(await result(uuid, 'stuck'), 'error: "failed to send request: EOF"');
  assert.deepEqual(filepush(), []);
});
