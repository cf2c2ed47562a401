/** Schedules across crashes and restarts of the whole server. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scheduleId } from '../../src/ids.js';
import { openStore } from '../../src/store/open.js';
import { eventually } from '../support/eventually.js';
import { JobAgent } from '../support/job-agent.js';
import { MemoryLogger } from '../support/memory-logger.js';
import {
  as,
  command,
  created,
  NEVER_SOON,
  order,
  ordersOf,
  type Shown,
  startWorld,
} from '../support/schedule-world.js';
import type { TestServer } from '../support/server.js';

const EVERY = '@every 1s';
const list = async (server: TestServer) =>
  (await as(server).get('/schedules?page[limit]=100')).data<{ data: readonly Shown[] }>().data;

test('what was acknowledged is there after a kill, is run again, and what was missed is not', async (context) => {
  const server = await startWorld();
  context.after(() => server.remove());
  const agent = await new JobAgent('client-1', {}).connect(server, as(server));
  const post = async (change: object) =>
    created(await as(server).post('/schedules', { body: command(change) }));
  const kept = await post({ name: 'kept', schedule: EVERY, command: 'kept', overlaps: true });
  await order(agent, 'kept');
  const changed = await post({ name: 'old' });
  const removed = await post({ name: 'removed', schedule: EVERY, command: 'removed' });
  await order(agent, 'removed');
  const many = Array.from({ length: 20 }, (_, index) => post({ name: `many ${index}` }));
  await Promise.all(many);
  assert.equal((await as(server).delete(`/schedules/${removed.id}`)).status, 204);
  const body = command({ name: 'new', schedule: '0 0 1 1 *' });
  assert.equal((await as(server).put(`/schedules/${changed.id}`, { body })).status, 200);
  await server.kill();
  const before = ordersOf(agent, 'kept').length;
  agent.agent.destroy();
  await server.startAgain();
  const found = await list(server);
  assert.deepEqual(
    found.map(({ name }) => name).filter((name) => !name.startsWith('many')),
    ['kept', 'new'],
  );
  assert.equal(found.length, 22);
  const again = found.find(({ id }) => id === changed.id);
  assert.equal(again?.schedule, '0 0 1 1 *');
  assert.equal(again?.created_at, changed.created_at);
  assert.equal((await as(server).get(`/commands?filter[schedule_id]=${removed.id}`)).count, 0);
  assert.ok((await as(server).get(`/commands?filter[schedule_id]=${kept.id}`)).count ?? 0);
  await agent.connect(server, as(server));
  await order(agent, 'kept', before);
});

test('a row that cannot be read, or whose cron text means nothing, does not keep the server from starting', async (context) => {
  const server = await startWorld({
    async prepare(dataDir) {
      const store = openStore(dataDir, { log: new MemoryLogger() });
      const row = {
        createdAt: '2026-01-01T00:00:00Z',
        createdBy: 'root',
        creatorTenure: 0,
        updatedBy: 'root',
        updaterTenure: 0,
        type: 'command' as const,
        clientIds: ['client-1'],
        groupIds: null,
        tags: null,
        script: '',
        interpreter: '',
        cwd: '',
        isSudo: false,
        timeoutSec: 0,
        concurrent: false,
        abortOnError: null,
        overlaps: true,
      };
      const add = (id: string, schedule: string) =>
        store.schedules.add({ ...row, id: scheduleId(id), name: id, schedule, command: id });
      await add('bad', 'TZ=UTC');
      await store.schedules.add({ ...row, id: scheduleId('unreadable'), type: 'nonsense' } as never);
      await add('good', EVERY);
      await store.close();
    },
  });
  context.after(() => server.remove());
  const agent = await new JobAgent('client-1', {}).connect(server, as(server));
  await order(agent, 'good', 1);
  assert.deepEqual(
    (await list(server)).map(({ id, next_run }) => [id, next_run === null]),
    [
      ['bad', true],
      ['good', false],
    ],
  );
  await server.untilLogged(/schedule bad \("bad"\) is never run: /);
  // It can be put right.
  const body = command({ schedule: NEVER_SOON });
  assert.notEqual((await as(server).put('/schedules/bad', { body })).data<Shown>().next_run, null);
});

test('a shard that crashes takes no schedule with it', async (context) => {
  const server = await startWorld({ probe: true, mayFail: true });
  context.after(() => server.remove());
  const agent = await new JobAgent('client-1', {}).connect(server, as(server));
  const body = command({ schedule: EVERY, command: 'going on', overlaps: true });
  created(await as(server).post('/schedules', { body }));
  await order(agent, 'going on');
  for (const place of [1, 2]) {
    const seen = server.output.length;
    server.command({ type: 'crash', place });
    await server.untilLogged(/shard \d+ (?:crashed|ended unexpectedly)/, seen);
    const before = ordersOf(agent, 'going on').length;
    await eventually('further runs', async () => {
      // Whichever shard it was connected with.
      if (agent.agent.closed) await agent.connect(server, as(server));
      return ordersOf(agent, 'going on').length > before + 1;
    });
  }
});
