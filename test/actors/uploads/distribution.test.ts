/** A file on its way to many clients: results, their order, time, and the end of the server. Spec 04 §16.6. */

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { type TestContext, test } from 'node:test';
import { clientRef } from '../../../src/actors/client/messages.js';
import { openUploads } from '../../../src/actors/uploads/behavior.js';
import { type DistributeMessage, UPLOADS } from '../../../src/actors/uploads/messages.js';
import type { AuditDraft } from '../../../src/audit/audit-log.js';
import { clientId } from '../../../src/ids.js';
import type { RequestReply } from '../../../src/protocol/session.js';
import { partPath, uploadPath } from '../../../src/uploads/folder.js';
import { UPLOADS_TOPIC, type Upload, type UploadResult, uploadRequest } from '../../../src/uploads/upload.js';
import { turn } from '../../support/actor-system.js';
import { clientFleet, type Fleet, introduce } from '../../support/client-fleet.js';
import type { FakeSession } from '../../support/fake-session.js';
import { failure, success } from '../../support/fake-session.js';
import { tempFolder } from '../../support/temp-folder.js';

const MINUTE = 60_000;

interface World {
  readonly fleet: Fleet;
  readonly dataDir: string;
  readonly audit: AuditDraft[];
  /** As the second shard hears of them. */
  readonly results: UploadResult[];
  /** Events, and of which client. */
  readonly told: readonly string[];
  /** A connected agent whose answers to `upload` the test gives. */
  agent(id: string, shard?: number): Promise<Agent>;
  distribute(id: string, ...clients: readonly string[]): Promise<string>;
  /** Once more, as the next server does. */
  open(): Promise<unknown>;
}

interface Agent {
  readonly session: FakeSession;
  readonly asked: string[];
  answer(reply: RequestReply): void;
}

const done = success({ uuid: 'x', filepath: '/dest', size: 3, message: 'copied', status: 'success' });

const uploadOf = (id: string, sourcePath: string): Upload => ({
  id,
  sourcePath,
  destination: '/dest',
  mode: 0o644,
  owner: '',
  group: '',
  force: false,
  sync: false,
  md5: 'kAFQmDzST7DWlj99KOF/cg==',
  size: 3,
});

async function world(t: TestContext): Promise<World> {
  const dataDir = tempFolder(t);
  const fleet = await clientFleet(t, { shards: 2 });
  const audit: AuditDraft[] = [];
  const results: UploadResult[] = [];
  const told: string[] = [];
  fleet.shards[1]?.system.subscribe(UPLOADS_TOPIC, (result) => results.push(result as UploadResult));
  const open = () =>
    openUploads(fleet.main, {
      dataDir,
      store: fleet.store,
      audit: { record: async (entries) => void audit.push(...entries) },
      events: {
        record: ({ id }, happenings) => ({
          committed: Promise.resolve(),
          events: [],
          tell: () => void told.push(...happenings.map(({ type }) => `${type} ${id}`)),
        }),
      },
      log: fleet.log,
    });
  await open();
  return {
    fleet,
    open,
    dataDir,
    audit,
    results,
    told,
    async agent(id, shard = 0) {
      const asked: string[] = [];
      const waiting: ((reply: RequestReply) => void)[] = [];
      const onRequest = (name: string, payload: string): RequestReply | Promise<RequestReply> => {
        if (name !== 'upload') return failure('unknown request');
        asked.push((JSON.parse(payload) as { ID: string }).ID);
        return new Promise((resolve) => waiting.push(resolve));
      };
      const session = fleet.session({ onRequest }, shard);
      await introduce(session, { ID: id, Hostname: `${id}.example` });
      // Main hears of it a turn later.
      await fleet.until(() => fleet.main.locate(clientRef(clientId(id))) !== undefined);
      return { session, asked, answer: (reply) => waiting.shift()?.(reply) };
    },
    async distribute(id, ...clients) {
      const sourcePath = uploadPath(dataDir, id);
      mkdirSync(dirname(sourcePath), { recursive: true });
      writeFileSync(sourcePath, 'abc');
      const upload = uploadOf(id, sourcePath);
      await fleet.store.uploads.begin(upload, clients.map(clientId));
      const message: DistributeMessage = { type: 'distribute', upload, clientIds: clients.map(clientId) };
      await fleet.main.ask(UPLOADS, message, { timeoutMs: 1_000 });
      return sourcePath;
    },
  };
}

test('every client has one result, published and in the audit log, then the file is removed', async (t) => {
  const { fleet, audit, results, told, agent, distribute } = await world(t);
  const [here, there] = [await agent('here'), await agent('there', 1)];
  const path = await distribute('u1', 'here', 'nobody', 'there');
  await fleet.until(() => here.asked.length === 1 && there.asked.length === 1);
  assert.equal(existsSync(path), true);
  here.answer(done);
  there.answer(failure('md5 check failed'));
  await fleet.until(() => !existsSync(path) && results.length === 3);
  const shown = results.map(({ client_id, status, message }) => `${client_id} ${status} ${message}`);
  assert.deepEqual(shown.sort(), [
    'here success copied',
    'nobody error client is not connected',
    'there error client error: md5 check failed',
  ]);
  const entry = audit.find(({ clientId: id }) => id === 'here');
  assert.deepEqual(
    [entry?.application, entry?.action, entry?.affectedId, entry?.clientHostname, entry?.response],
    [
      'uploads',
      'success',
      'u1',
      'here.example',
      { client_id: 'here', uuid: 'u1', filepath: '/dest', size: 3, message: 'copied', status: 'success' },
    ],
  );
  assert.deepEqual(audit.map(({ action }) => action).sort(), ['failed', 'failed', 'success']);
  // Who may hear of a client nobody knows?
  assert.deepEqual([...told].sort(), ['upload.finished here', 'upload.finished there']);
});

test('a transfer may take longer than any ask, and a connection that ends ends it', async (t) => {
  const { fleet, results, agent, distribute } = await world(t);
  const slow = await agent('slow');
  const lost = await agent('lost');
  await distribute('u1', 'slow', 'lost');
  await fleet.until(() => slow.asked.length === 1 && lost.asked.length === 1);
  for (let minutes = 0; minutes < 180; minutes += 5) {
    fleet.clock.advance(5 * MINUTE);
    for (let turns = 0; turns < 5; turns++) await turn();
  }
  assert.equal(results.length, 0);
  lost.session.drop('gone');
  await fleet.until(() => results.length === 1);
  assert.equal(results[0]?.message, 'failed to send request: EOF');
  slow.answer(done);
  await fleet.until(() => results.length === 2);
  assert.equal(results[1]?.status, 'success');
  assert.deepEqual(slow.asked, ['u1']);
});

test('files for one client are asked for one after the other', async (t) => {
  const { fleet, results, agent, distribute } = await world(t);
  const only = await agent('only');
  await Promise.all(['u1', 'u2', 'u3'].map((id) => distribute(id, 'only')));
  for (let count = 1; count <= 3; count++) {
    await fleet.until(() => only.asked.length === count);
    await turn();
    assert.equal(only.asked.length, count);
    only.answer(done);
  }
  await fleet.until(() => results.length === 3);
});

test('what is under way when the server stops is told, and leaves no file', async (t) => {
  const { fleet, audit, agent, distribute } = await world(t);
  const stuck = await agent('stuck');
  const path = await distribute('u1', 'stuck');
  await fleet.until(() => stuck.asked.length === 1);
  await fleet.main.stop(UPLOADS);
  assert.equal(existsSync(path), false);
  assert.deepEqual(
    audit.map(({ action, response }) => [action, (response as UploadResult).message]),
    [['failed', 'the server was stopped']],
  );
});

test('what the server before did not bring to its end is told before the first request', async (t) => {
  const { fleet, audit, told, agent, open } = await world(t);
  await agent('known');
  const done = 'client-0';
  const clients = ['known', 'nobody', ...Array.from({ length: 300 }, (_, index) => `client-${index}`)];
  const upload = uploadOf('u1', '/data/u1');
  await fleet.store.uploads.begin(upload, clients.map(clientId));
  await fleet.store.uploads.done('u1', clientId(done));
  await fleet.main.stop(UPLOADS);
  await open();
  assert.equal(audit.length, clients.length - 1);
  assert.deepEqual(audit[0], {
    application: 'uploads',
    action: 'failed',
    affectedId: 'u1',
    clientId: 'known',
    clientHostname: 'known.example',
    request: uploadRequest(upload),
    response: {
      client_id: 'known',
      uuid: 'u1',
      filepath: '',
      size: 0,
      message: 'the server ended before the result was known',
      status: 'error',
    },
  });
  assert.ok(audit.every(({ clientId: id }) => id !== done));
  assert.deepEqual(told, ['upload.finished known']);
  assert.deepEqual([...fleet.store.uploads.unfinished()], []);
});

test('what has come to its end is not told of again', async (t) => {
  const { fleet, audit, agent, distribute, open } = await world(t);
  const only = await agent('only');
  const path = await distribute('u1', 'only', 'nobody');
  await fleet.until(() => only.asked.length === 1);
  only.answer(done);
  await fleet.until(() => !existsSync(path));
  await fleet.main.stop(UPLOADS);
  await open();
  assert.equal(audit.length, 2);
});

test('what a lost shard was receiving is removed', async (t) => {
  const { fleet, dataDir, distribute } = await world(t);
  await distribute('u1', 'nobody');
  const [lost, other] = [partPath(dataDir, 2, 'a'), partPath(dataDir, 1, 'b')];
  for (const path of [lost, other]) writeFileSync(path, 'part');
  fleet.shards[1]?.lose();
  await fleet.until(() => !existsSync(lost));
  assert.equal(existsSync(other), true);
});
