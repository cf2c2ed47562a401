/** The scheduler with a store and shards that only say what they were asked to run. */

import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { createActorSystem } from '../../../src/actors/runtime/system.js';
import type { Sender } from '../../../src/actors/runtime/types.js';
import type { RunMessage, RunOutcome } from '../../../src/actors/schedule-runner/messages.js';
import { spawnScheduler } from '../../../src/actors/scheduler/behavior.js';
import { schedulerRef } from '../../../src/actors/scheduler/messages.js';
import { remoteSchedules } from '../../../src/actors/scheduler/remote-schedules.js';
import { clientId, jobId, scheduleId } from '../../../src/ids.js';
import type { ScheduleInput } from '../../../src/schedules/schedule.js';
import { openStore } from '../../../src/store/open.js';
import type { Store } from '../../../src/store/store.js';
import { behaviorOf, turn } from '../../support/actor-system.js';
import { ManualClock } from '../../support/manual-clock.js';
import { MemoryLogger } from '../../support/memory-logger.js';
import { removeFolder } from '../../support/remove-folder.js';
import { WallClock } from '../../support/wall-clock.js';

const input = (change: Partial<ScheduleInput> = {}): ScheduleInput => ({
  name: 'one',
  schedule: 'TZ=UTC */5 * * * *',
  type: 'command',
  clientIds: ['a'],
  groupIds: null,
  tags: null,
  command: 'id',
  script: '',
  interpreter: '',
  cwd: '',
  isSudo: false,
  timeoutSec: 0,
  concurrent: true,
  abortOnError: null,
  overlaps: false,
  ...change,
});

interface Asked {
  readonly message: RunMessage;
  readonly sender: Sender;
}

async function world(test: TestContext, prepare: (store: Store) => Promise<void> = async () => undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'tideway-test-'));
  const clock = new ManualClock(Date.parse('2026-01-01T10:00:30Z'));
  const wall = new WallClock(clock);
  const log = new MemoryLogger();
  const store = openStore(folder, { log, clock });
  await prepare(store);
  /** Who was looked up, and what is found. */
  const lookedUp: string[] = [];
  const tenures = new Map<string, number | null | Error>();
  const tenureOf = async (username: string): Promise<number | null> => {
    lookedUp.push(username);
    const found = tenures.get(username) ?? (tenures.has(username) ? null : 0);
    if (found instanceof Error) throw found;
    return found;
  };
  const systems: { shutdown(): Promise<void> }[] = [];
  const start = () => {
    const system = createActorSystem({ thread: 0, clock, log });
    systems.push(system);
    let number = 0;
    const newId = () => `id-${++number}-${clock.now()}`;
    spawnScheduler(system, { store, setAlarm: wall.setAlarm, tenureOf, newId, log });
    return system;
  };
  const system = start();
  test.after(async () => {
    for (const one of systems) await one.shutdown();
    await store.close();
    removeFolder(folder);
  });
  const asked: Asked[] = [];
  const addRunner = (id: string, of = system): void => {
    const runner = behaviorOf<RunMessage>((_ctx, message, sender) => void asked.push({ message, sender }), {
      kind: 'schedule-runner',
    });
    const ref = of.spawn(runner, id, undefined, { epoch: 1 });
    of.tell(schedulerRef, { type: 'runner', runner: ref });
  };
  /** Lets time pass, second by second, as it does. */
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance(1_000);
      await turn();
      await turn();
    }
  };
  const schedules = remoteSchedules(system);
  return { system, start, store, clock, log, asked, addRunner, pass, schedules, lookedUp, tenures };
}

const started = (id: string): RunOutcome => ({ kind: 'started', multiJobId: jobId(id), note: '' });

test('a schedule is run at its times, with what it was run as before', async (context) => {
  const { schedules, pass, asked, addRunner, clock } = await world(context);
  addRunner('1');
  const { schedule, next } = await schedules.add(input(), 'ada');
  assert.equal(next, Date.parse('2026-01-01T10:05:00Z'));
  assert.deepEqual([schedule.createdBy, schedule.updatedBy], ['ada', 'ada']);
  await pass(269);
  assert.equal(asked.length, 0);
  await pass(1);
  assert.equal(clock.now(), next);
  assert.deepEqual(asked[0]?.message, { type: 'run', id: schedule.id, previous: null });
  asked[0]?.sender.reply(started('m1'));
  await pass(300);
  assert.deepEqual(asked[1]?.message, { type: 'run', id: schedule.id, previous: 'm1' });
});

test('a change counts at once, for what is due and for what is stored', async (context) => {
  const { schedules, pass, asked, addRunner, store } = await world(context);
  addRunner('1');
  const { schedule } = await schedules.add(input(), 'ada');
  const replaced = await schedules.replace(schedule.id, input({ schedule: '@every 2h', name: 'two' }), 'bob');
  assert.deepEqual(replaced?.schedule, { ...schedule, schedule: '@every 2h', name: 'two', updatedBy: 'bob' });
  assert.deepEqual(store.schedules.get(schedule.id), replaced?.schedule);
  await pass(600);
  assert.equal(asked.length, 0);
  assert.equal(await schedules.replace(scheduleId('x'), input(), 'bob'), null);
  assert.equal(await schedules.remove(schedule.id), true);
  assert.equal(await schedules.remove(schedule.id), false);
  assert.deepEqual(await schedules.nextRuns([schedule.id]), [null]);
  await pass(7_200);
  assert.equal(asked.length, 0);
});

test('it is kept which of the users of a name has made and changed it', async (context) => {
  const { schedules, tenures } = await world(context);
  tenures.set('ada', 3);
  tenures.set('bob', 5);
  const { schedule } = await schedules.add(input(), 'ada');
  const { creatorTenure, updaterTenure } = schedule;
  assert.deepEqual([creatorTenure, updaterTenure], [3, 3]);
  tenures.set('ada', 4);
  const changed = await schedules.replace(schedule.id, input(), 'bob');
  assert.deepEqual([changed?.schedule.creatorTenure, changed?.schedule.updaterTenure], [3, 5]);
  // He has gone since he logged in.
  tenures.set('bob', null);
  await assert.rejects(schedules.replace(schedule.id, input(), 'bob'), { code: 'unauthorized' });
  await assert.rejects(schedules.add(input(), 'bob'), { code: 'unauthorized' });
});

test('its users are looked up once a minute, whether anything is due or not', async (context) => {
  const { schedules, tenures, lookedUp, pass, log } = await world(context);
  const yearly = input({ schedule: '@yearly' });
  const { schedule } = await schedules.add(yearly, 'ada');
  await schedules.add(yearly, 'ada');
  await schedules.replace(schedule.id, yearly, 'bob');
  // At the start.
  await pass(1);
  lookedUp.length = 0;
  await pass(60);
  assert.deepEqual(lookedUp, ['ada', 'bob']);
  tenures.set('ada', new Error('no database'));
  await pass(60);
  assert.match(log.lines.join('\n'), /users of schedules cannot be looked up: no database/);
  await schedules.remove(schedule.id);
  tenures.delete('ada');
  lookedUp.length = 0;
  await pass(60);
  assert.deepEqual(lookedUp, ['ada']);
});

test('after a restart: the next runs, none of those that were missed', async (context) => {
  const { schedules, system, start, clock, asked, addRunner, pass } = await world(context);
  const every = await schedules.add(input({ schedule: '@every 1m' }), 'ada');
  const minutes = await schedules.add(input(), 'ada');
  await system.shutdown();
  clock.advance(3_600_000);
  const again = start();
  addRunner('1', again);
  await turn();
  assert.deepEqual(await remoteSchedules(again).nextRuns([every.schedule.id, minutes.schedule.id]), [
    Date.parse('2026-01-01T11:01:30Z'),
    Date.parse('2026-01-01T11:05:00Z'),
  ]);
  await pass(30);
  assert.equal(asked.length, 0);
  await pass(31);
  assert.deepEqual(
    asked.map(({ message }) => message.id),
    [every.schedule.id],
  );
});

test('a stored cron text that means nothing is said and left out; the others run', async (context) => {
  const row = (id: string, schedule: string) => ({
    ...input({ schedule }),
    id: scheduleId(id),
    createdAt: '2026-01-01T00:00:00Z',
    createdBy: 'ada',
    creatorTenure: 0,
    updatedBy: 'ada',
    updaterTenure: 0,
  });
  const { log, asked, addRunner, pass, schedules } = await world(context, async (store) => {
    await store.schedules.add(row('bad', '61 * * * *'));
    await store.schedules.add(row('good', 'TZ=UTC * * * * *'));
  });
  addRunner('1');
  await pass(30);
  assert.deepEqual(
    asked.map(({ message }) => message.id),
    ['good'],
  );
  assert.deepEqual(await schedules.nextRuns([scheduleId('bad')]), [null]);
  assert.match(
    log.lines.join('\n'),
    /schedule bad \("one"\) is never run: end of range \(61\) above maximum \(59\): 61/,
  );
});

test('a thousand at the same minute: some at a time, over all shards', async (context) => {
  const { schedules, asked, addRunner, pass } = await world(context);
  await Promise.all(Array.from({ length: 1_000 }, () => schedules.add(input(), 'ada')));
  addRunner('1');
  addRunner('2');
  await pass(270);
  const atOnce = asked.length;
  assert.ok(atOnce > 0 && atOnce <= 32, `${atOnce} at once`);
  for (let done = 0; done < 1_000; done += 1) {
    asked[done]?.sender.reply(started(`m${done}`));
    if (done % 16 === 0) await turn();
    await turn();
    assert.ok(asked.length - done <= 33, 'no more at a time');
  }
  await turn();
  assert.equal(new Set(asked.map(({ message }) => message.id)).size, 1_000);
});

test('without a shard runs wait for one; a shard that fails loses its run only', async (context) => {
  const { schedules, asked, addRunner, pass, system, log } = await world(context);
  await schedules.add(input({ schedule: 'TZ=UTC * * * * *' }), 'ada');
  await pass(30);
  assert.equal(asked.length, 0);
  addRunner('1');
  await turn();
  assert.equal(asked.length, 1);
  await system.stop({ kind: 'schedule-runner', id: '1' });
  await pass(60);
  assert.equal(asked.length, 1);
  assert.match(log.lines.join('\n'), /may not have been run/);
  addRunner('2');
  await turn();
  assert.equal(asked.length, 2);
  asked[1]?.sender.reply({ kind: 'refused', reason: 'there is no user "ada"' } satisfies RunOutcome);
  await turn();
  await turn();
  assert.match(log.lines.join('\n'), /is not run: there is no user "ada"/);
});

test('a run that is not started yet when the next is due is not queued twice', async (context) => {
  const { schedules, asked, addRunner, pass } = await world(context);
  addRunner('1');
  await schedules.add(input({ schedule: '@every 1s', overlaps: true }), 'ada');
  await pass(5);
  assert.equal(asked.length, 1);
  asked[0]?.sender.reply(started('m'));
  await turn();
  await turn();
  await pass(1);
  assert.equal(asked.length, 2);
});

test('a removal takes all jobs with it, waits for a start under way, and nothing comes back', async (context) => {
  const { schedules, asked, addRunner, pass, store, clock } = await world(context);
  addRunner('1');
  const mine = (await schedules.add(input({ schedule: 'TZ=UTC * * * * *' }), 'ada')).schedule;
  const other = (await schedules.add(input({ schedule: '@every 5h' }), 'ada')).schedule;
  const run = async (multi: string, schedule: typeof mine, jobs: number): Promise<void> => {
    await store.multiJobs.put({
      ...schedule,
      jid: jobId(multi),
      startedAt: '2026-01-01T10:00:00Z',
      scheduleId: schedule.id,
      timeoutSec: 60,
      abortOnError: true,
      isScript: false,
    });
    await Promise.all(
      Array.from({ length: jobs }, (_, index) => store.jobs.create(job(multi, index, schedule))),
    );
  };
  const job = (multi: string, index: number, schedule: typeof mine) => ({
    order: {
      jid: jobId(`${multi}-${index}`),
      clientId: clientId('a'),
      clientName: 'a',
      command: 'x'.repeat(2_000),
      cwd: '',
      interpreter: '',
      createdBy: 'ada',
      timeoutSec: 60,
      multiJobId: jobId(multi),
      scheduleId: schedule.id,
      isSudo: false,
      isScript: false,
      stream: false,
    },
    progress: {
      status: 'running' as const,
      finishedAt: null,
      pid: 1,
      startedAt: '2026-01-01T10:00:00Z',
      error: '',
    },
    deadline: clock.now() + 90_000,
  });
  await run('m1', mine, 600);
  await run('m2', mine, 3);
  await run('other', other, 3);
  assert.equal(store.jobs.runsForSchedule(mine.id, clock.now()), true);
  assert.equal(store.jobs.runsForSchedule(mine.id, clock.now() + 60_001), false);
  await pass(30);
  assert.equal(asked.length, 1);
  let removed = false;
  const removal = schedules.remove(mine.id).then(() => {
    removed = true;
  });
  await store.flushed();
  await turn();
  assert.equal(removed, false);
  // The run that was being started has stored a multi-job.
  await run('m3', mine, 0);
  asked[0]?.sender.reply(started('m3'));
  await removal;
  assert.deepEqual([...store.multiJobs.ofSchedule(mine.id)], []);
  assert.deepEqual(
    [...store.multiJobs.scan({})].map(({ jid }) => jid),
    ['other'],
  );
  assert.equal(store.jobs.ofClient(clientId('a')).count(), 3);
  assert.equal(store.jobs.runsForSchedule(mine.id, clock.now()), false);
  // What its clients still tell is not kept.
  await store.jobs.create(job('m1', 1_000, mine));
  assert.equal(store.jobs.get(jobId('m1-1000')), undefined);
  assert.equal(store.jobs.ofMultiJob(jobId('other')).count(), 3);
});

test('what a server that ended amid a removal has left goes with the next start', async (context) => {
  const { store, start, system, log } = await world(context, async (store) => {
    await store.multiJobs.put({
      jid: jobId('left'),
      startedAt: '2026-01-01T10:00:00Z',
      createdBy: 'ada',
      scheduleId: 'gone',
      ...input(),
      isScript: false,
      timeoutSec: 60,
      abortOnError: true,
    });
  });
  await system.shutdown();
  start();
  for (let count = 0; count < 50 && store.multiJobs.count() > 0; count += 1) await store.flushed().then(turn);
  assert.equal(store.multiJobs.count(), 0);
  assert.match(log.lines.join('\n'), /removed what was left of 1 deleted schedules/);
});
