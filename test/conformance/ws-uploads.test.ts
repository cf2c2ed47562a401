/** `/ws/uploads` of a running server with two shards, and the events of uploads. Spec 04 §13 and §25.8. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { basic } from '../support/api-client.js';
import { EventReader } from '../support/event-reader.js';
import { eventually } from '../support/eventually.js';
import { failure, fileAgent } from '../support/file-agent.js';
import { JobReader } from '../support/job-reader.js';
import { TestServer } from '../support/server.js';
import { PASSWORD, storePeople } from '../support/store-people.js';
import { form } from '../support/upload-form.js';

/** Each connection may land on any shard: so many do not all miss one of two. */
const ENOUGH = 8;

let server: TestServer;
const open: { readonly socket: { terminate(): void } }[] = [];

before(async () => {
  server = await TestServer.start({
    api: { auth: null, user_login_wait: 0, max_failed_login: 0 },
    async prepare(dataDir) {
      await storePeople(
        dataDir,
        { root: ['Administrators'], ada: ['Files'], bob: ['Others'] },
        { Files: { permissions: ['uploads'] }, Others: { permissions: ['commands'] } },
      );
    },
  });
  await fileAgent(server, 'client-1');
  await fileAgent(server, 'client-2', { handle: async () => failure('no space <left>') });
  const root = server.api('root', PASSWORD);
  for (const id of ['client-1', 'client-2']) await server.untilKnown(id, root);
  const body = { allowed_user_groups: ['Files', 'Others'] };
  assert.equal((await root.post('/clients/client-1/acl', { body })).status, 204);
});
after(async () => {
  for (const { socket } of open) socket.terminate();
  await server?.remove();
});

async function watch(username: string): Promise<JobReader> {
  const reader = await JobReader.open(server.apiPort, 'uploads', basic(username, PASSWORD));
  open.push(reader);
  return reader;
}
const upload = async (id: string): Promise<void> => {
  const parts = form(
    ['upload', Buffer.from(`content of ${id}`)],
    ['dest', `/tmp/${id}`],
    ['id', id],
    ['client_id', 'client-1'],
    ['client_id', 'client-2'],
  );
  assert.equal((await server.api('root', PASSWORD).post('/files', parts)).status, 200);
};
const good = (id: string): string =>
  `{"client_id":"client-1","uuid":"${id}","filepath":"/tmp/${id}","size":${`content of ${id}`.length},` +
  `"message":"file successfully copied to destination /tmp/${id}","status":"success"}\n`;
const bad = (id: string): string =>
  `{"client_id":"client-2","uuid":"${id}","filepath":"","size":0,` +
  '"message":"client error: no space \\u003cleft\\u003e","status":"error"}\n';

test('every reader hears what became of uploads to clients he may access, whichever shard took them', async () => {
  const readers = await Promise.all(Array.from({ length: ENOUGH }, () => watch('root')));
  const ada = await watch('ada');
  const ids = Array.from({ length: 6 }, (_, index) => `u-${index}`);
  for (const reader of readers) reader.ask('is ignored');
  await Promise.all(ids.map(upload));
  const all = ids.flatMap((id) => [good(id), bad(id)]).sort();
  for (const reader of readers) {
    await eventually('all results', () => reader.texts.length === all.length);
    assert.deepEqual([...reader.texts].sort(), all);
    assert.equal(reader.closed, null);
  }
  await eventually('those of one client', () => ada.texts.length === ids.length);
  assert.deepEqual([...ada.texts].sort(), ids.map(good).sort());
  // Nothing is kept for those who come later, and the close is echoed.
  const late = await watch('root');
  await upload('last');
  await eventually('the last', () => late.texts.length === 2);
  assert.deepEqual([...late.texts].sort(), [good('last'), bad('last')].sort());
  late.socket.close(4000);
  assert.equal((await late.untilClosed()).code, 4000);
});

test('the permission is needed', async () => {
  const headers = { authorization: basic('bob', PASSWORD) };
  const answer = await server.anonymous().get('/ws/uploads', { headers });
  assert.equal(answer.refusal, '403 user does not have "uploads" permission');
});

test('they are events, too', async () => {
  const listen = async (username: string): Promise<EventReader> => {
    const headers = { authorization: basic(username, PASSWORD) };
    const reader = await EventReader.open(server.apiPort, { query: '?types=upload.*', headers });
    open.push(reader);
    return reader;
  };
  const [root, ada, bob] = await Promise.all([listen('root'), listen('ada'), listen('bob')]);
  await upload('told');
  const failed = await root.until('upload.finished', 'client-2');
  const { payload } = await ada.until('upload.finished', 'client-1');
  assert.deepEqual(payload as object, {
    uuid: 'told',
    filepath: '/tmp/told',
    size: 15,
    message: 'file successfully copied to destination /tmp/told',
    status: 'success',
  });
  assert.equal(failed.payload.status, 'error');
  assert.equal(ada.events.length, 1);
  assert.deepEqual(bob.events, []);
});
