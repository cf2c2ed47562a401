import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { clientId, jobId } from '../../src/ids.js';
import type { JobOrder, JobReport } from '../../src/jobs/job.js';
import type { MultiJob } from '../../src/jobs/multi-job.js';
import type { JobWatcher, NewJob } from '../../src/store/jobs.js';
import { openStore } from '../../src/store/open.js';
import type { Store } from '../../src/store/store.js';
import { MemoryLogger } from '../support/memory-logger.js';
import { removeFolder } from '../support/remove-folder.js';

let folder: string;
let store: Store;
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'tideway-test-'));
  store = openStore(folder, { log: new MemoryLogger() });
});
after(async () => {
  await store.close();
  removeFolder(folder);
});
beforeEach(async () => {
  await store.jobs.prune(0, Number.MAX_SAFE_INTEGER);
});

const at = (minute: number): string => `2024-03-01T10:${String(minute).padStart(2, '0')}:00Z`;

function newJob(jid: string, minute: number, change: Partial<JobOrder> = {}, deadline = 1e15): NewJob {
  const order: JobOrder = {
    jid: jobId(jid),
    clientId: clientId('c'),
    clientName: 'C',
    command: 'id',
    cwd: '',
    interpreter: '',
    createdBy: 'ada',
    timeoutSec: 60,
    multiJobId: null,
    scheduleId: null,
    isSudo: false,
    isScript: false,
    stream: false,
    ...change,
  };
  const progress = {
    status: 'running' as const,
    finishedAt: null,
    pid: 1,
    startedAt: at(minute),
    error: '',
  };
  return { order, progress, deadline };
}

const report = (stdout = 'x', change: Partial<JobReport> = {}): JobReport => ({
  status: 'successful',
  finishedAt: at(30),
  pid: 2,
  startedAt: at(1),
  error: '',
  output: { stdout: JSON.stringify(stdout), stderr: '""', summary: '""' },
  ...change,
});

const multiJob = (jid: string, minute: number): MultiJob => ({
  jid: jobId(jid),
  startedAt: at(minute),
  createdBy: 'ada',
  scheduleId: null,
  clientIds: ['c'],
  groupIds: null,
  tags: null,
  command: 'id',
  cwd: '',
  interpreter: '',
  timeoutSec: 60,
  concurrent: false,
  abortOnError: true,
  isSudo: false,
  isScript: true,
});

const idsOf = (rows: Iterable<{ readonly jid: string }>): string[] => [...rows].map(({ jid }) => jid);

test('a job that has reported is not overwritten by its start', async () => {
  const job = newJob('j', 0);
  await Promise.all([store.jobs.report(jobId('j'), clientId('c'), report(), job), store.jobs.create(job)]);
  assert.equal(store.jobs.get(jobId('j'))?.status, 'successful');
  assert.deepEqual(idsOf(store.jobs.ofClient(clientId('c')).scan({})), ['j']);
});

test('only its client ends a job, and only once', async () => {
  await store.jobs.create(newJob('j', 0));
  assert.equal(await store.jobs.report(jobId('j'), clientId('other'), report(), null), null);
  assert.equal(await store.jobs.report(jobId('nope'), clientId('c'), report(), null), null);
  assert.equal((await store.jobs.report(jobId('j'), clientId('c'), report(), null))?.pid, 2);
  assert.equal(await store.jobs.report(jobId('j'), clientId('c'), report('again'), null), null);
  const row = store.jobs.get(jobId('j'));
  assert.ok(row);
  assert.equal(store.jobs.output(row, 'stdout'), '"x"');
});

test('long texts are apart from the row, and come back whole', async () => {
  const command = 'echo '.repeat(1000);
  await store.jobs.create(newJob('j', 0, { command }));
  const row = await store.jobs.report(jobId('j'), clientId('c'), report('y'.repeat(5000)), null);
  assert.ok(row);
  assert.equal(row.command, null);
  assert.equal(row.output?.stdout, 5002);
  assert.equal(store.jobs.command(row), JSON.stringify(command));
  assert.equal(store.jobs.output(row, 'stdout').length, 5002);
  // Children have the command where their multi-job has it.
  await store.multiJobs.put({ ...multiJob('m', 1), command });
  await store.jobs.create(newJob('k', 2, { command, multiJobId: jobId('m') }));
  const child = store.jobs.get(jobId('k'));
  assert.ok(child);
  assert.equal(store.jobs.command(child), JSON.stringify(command));
  assert.deepEqual(store.multiJobs.get(jobId('m')), { ...multiJob('m', 1), command });
});

test('lists go by the instant of the end, the latest first, what runs last', async () => {
  for (const [jid, finishedAt] of [
    ['a', '2024-03-01T12:00:00+02:00'],
    ['b', '2024-03-01T10:00:01Z'],
    ['c', null],
    ['d', '2024-03-01T05:00:00-05:00'],
  ] as const) {
    await store.jobs.create(newJob(jid, 0));
    if (finishedAt !== null)
      await store.jobs.report(jobId(jid), clientId('c'), report('', { finishedAt }), null);
  }
  const range = store.jobs.ofClient(clientId('c'));
  assert.deepEqual(idsOf(range.scan({})), ['b', 'a', 'd', 'c']);
  assert.deepEqual(idsOf(range.scan({ offset: 1, limit: 2 })), ['a', 'd']);
  assert.equal(range.count(), 4);
});

test('what is due is ended as unknown, and may still report', async () => {
  await store.jobs.create(newJob('late', 0, {}, 1000));
  await store.jobs.create(newJob('young', 0, {}, 5000));
  assert.deepEqual(idsOf(await store.jobs.expire(2000, 10)), ['late']);
  assert.deepEqual(await store.jobs.expire(2000, 10), []);
  const row = store.jobs.get(jobId('late'));
  assert.equal(row?.status, 'unknown');
  assert.equal(row?.finishedAt, '1970-01-01T00:00:02.000Z');
  await store.jobs.report(jobId('late'), clientId('c'), report(), null);
  assert.equal(store.jobs.get(jobId('late'))?.status, 'successful');
  assert.equal(store.jobs.get(jobId('late'))?.error, '');
});

test('retention: multi-jobs beyond the newest go with all their jobs, then single jobs', async () => {
  // The example of spec 04 §18.3, the newest last.
  for (const [index, parent] of ['m1', 'm1', '', 'm2', '', 'm2', 'm3', 'm3'].entries()) {
    const multiJobId = parent === '' ? null : jobId(parent);
    await store.jobs.create(newJob(`j${index + 1}`, index + 1, { multiJobId }));
  }
  for (const id of ['m1', 'm2', 'm3', 'empty']) await store.multiJobs.put(multiJob(id, 1));
  await store.multiJobs.put(multiJob('empty-young', 50));
  assert.equal(await store.jobs.prune(3, Date.parse(at(40))), 5);
  assert.deepEqual(idsOf(store.jobs.ofClient(clientId('c')).scan({})).sort(), ['j5', 'j7', 'j8']);
  assert.deepEqual(idsOf(store.multiJobs.scan({})), ['empty-young', 'm3']);
  assert.equal(store.jobs.ofMultiJob(jobId('m2')).count(), 0);
});

test('jobs of a client are removed with their texts, those of others stay', async () => {
  for (let index = 0; index < 600; index++) void store.jobs.create(newJob(`j${index}`, 0));
  await store.jobs.create(newJob('other', 0, { clientId: clientId('d') }));
  await store.jobs.report(jobId('j7'), clientId('c'), report('y'.repeat(5000)), null);
  await store.jobs.removeClient(clientId('c'));
  assert.equal(store.jobs.ofClient(clientId('c')).count(), 0);
  assert.equal(store.jobs.get(jobId('j7')), undefined);
  assert.equal(store.jobs.ofClient(clientId('d')).count(), 1);
  assert.deepEqual(await store.jobs.expire(2e15, 10).then(idsOf), ['other']);
});

test('ids that cannot be keys are nobody’s', async () => {
  for (const id of ['', '\u0000', 'x'.repeat(3000)]) {
    assert.equal(store.jobs.get(jobId(id)), undefined);
    assert.equal(store.multiJobs.get(jobId(id)), undefined);
    assert.equal(await store.jobs.report(jobId(id), clientId('c'), report(), null), null);
    assert.deepEqual([...store.jobs.ofClient(clientId(id)).scan({})], []);
  }
});

test('who watches hears of each beginning and end that is written, and of nothing else', async () => {
  const seen: string[] = [];
  const watcher: JobWatcher = (change, row) => {
    seen.push(`${change} ${row.jid} ${row.status}`);
    // In the same transaction: what is written here is committed with the job.
    void store.webhookQueue.add({
      webhook: 'w',
      event: `${seen.length}`,
      clientId: row.clientId,
      type: 'job.started',
      text: '{}',
      queuedAt: 0,
    });
  };
  const { jobs } = store;
  await jobs.create(newJob('a', 1), watcher);
  await jobs.create(newJob('a', 2), watcher);
  await jobs.report(jobId('a'), clientId('other'), report(), null, watcher);
  await jobs.report(jobId('a'), clientId('c'), report(), null, watcher);
  await jobs.report(jobId('a'), clientId('c'), report(), null, watcher);
  // The end comes before the answer to the start.
  await jobs.report(jobId('b'), clientId('c'), report(), newJob('b', 1), watcher);
  const failed = newJob('c', 1);
  await jobs.create({ ...failed, progress: { ...failed.progress, status: 'failed' } }, watcher);
  await jobs.create(newJob('d', 1, {}, 5), watcher);
  await jobs.expire(10, 100, watcher);
  await jobs.report(jobId('d'), clientId('c'), report(), null, watcher);
  assert.deepEqual(seen, [
    'started a running',
    'finished a successful',
    'started b running',
    'finished b successful',
    'finished c failed',
    'started d running',
    'finished d unknown',
    'finished d successful',
  ]);
  assert.equal([...store.webhookQueue.oldest('w')].length, seen.length);
});

test('starts and ends that come together are stored as if they had come one by one', async () => {
  const { jobs } = store;
  const long = report('y'.repeat(5000));
  const told: string[] = [];
  const watcher: JobWatcher = (change, { jid, status }) => told.push(`${change} ${jid} ${status}`);
  const results = await Promise.all([
    jobs.create(newJob('a', 1, { multiJobId: jobId('m') }), watcher),
    jobs.create(newJob('b', 2), watcher),
    jobs.report(jobId('a'), clientId('c'), long, null, watcher),
    jobs.report(jobId('a'), clientId('c'), report('again'), null, watcher),
    jobs.report(jobId('b'), clientId('other'), report(), null, watcher),
    // The end of a job that nobody has stored, before its start.
    jobs.report(jobId('d'), clientId('c'), report(), newJob('d', 1), watcher),
    jobs.create(newJob('d', 3), watcher),
  ]);
  assert.equal(results[3], null);
  assert.equal(results[4], null);
  assert.deepEqual(told, [
    'started a running',
    'started b running',
    'finished a successful',
    'started d running',
    'finished d successful',
  ]);
  assert.deepEqual(idsOf(jobs.ofClient(clientId('c')).scan({})), ['a', 'd', 'b']);
  assert.deepEqual(idsOf(jobs.ofMultiJob(jobId('m')).scan({})), ['a']);
  const row = jobs.get(jobId('a'));
  assert.ok(row);
  assert.equal(jobs.output(row, 'stdout').length, 5002);
  // Only the one that runs is due at some time.
  assert.deepEqual(idsOf(await jobs.expire(2e15, 10)), ['b']);
});

test('what removes jobs finds those that begin and end in the same moment', async () => {
  const { jobs } = store;
  await jobs.create(newJob('old', 0));
  await Promise.all([
    jobs.create(newJob('a', 1)),
    jobs.report(jobId('a'), clientId('c'), report('y'.repeat(5000)), null),
    jobs.report(jobId('old'), clientId('c'), report(), null),
    jobs.removeClient(clientId('c')),
    jobs.create(newJob('e', 3)),
  ]);
  assert.deepEqual(idsOf(jobs.ofClient(clientId('c')).scan({})), ['e']);
  assert.equal(jobs.get(jobId('a')), undefined);
  assert.equal(jobs.get(jobId('old')), undefined);
});

test('entries of a list know the status of their jobs, and read no more than asked', async () => {
  const { jobs } = store;
  await jobs.create(newJob('a', 1));
  await jobs.create(newJob('b', 2));
  await jobs.report(jobId('b'), clientId('c'), report('', { status: 'failed' }), null);
  const entries = [...jobs.ofClient(clientId('c')).entries({})];
  assert.deepEqual(
    entries.map(({ jid, status }) => [jid, status]),
    [
      ['b', 'failed'],
      ['a', 'running'],
    ],
  );
  assert.deepEqual(idsOf([...jobs.ofClient(clientId('c')).entries({ offset: 1, limit: 1 })]), ['a']);
  assert.equal(entries[0]?.row()?.jid, 'b');
  await jobs.removeClient(clientId('c'));
  assert.equal(entries[0]?.row()?.jid, 'b');
  assert.equal(entries[1]?.row(), undefined);
});
