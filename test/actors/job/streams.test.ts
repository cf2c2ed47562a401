/** Output on its way from agents to a listener, in the same thread and in another. Spec 04 §11.2 and §25.5. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OUTPUT_WINDOW, outputWindow } from '../../../src/actors/job/output-window.js';
import type { JobOutputEvent, JobOutputs } from '../../../src/actors/multi-job/output-queue.js';
import { turn } from '../../support/actor-system.js';
import { result } from '../../support/job-agent.js';
import { jobFleet } from '../../support/job-fleet.js';

async function collect(outputs: JobOutputs | null): Promise<JobOutputEvent[]> {
  const events: JobOutputEvent[] = [];
  for (let event = await outputs?.next(); event; event = await outputs?.next()) events.push(event);
  return events;
}
const bodyOf = (event: JobOutputEvent | undefined): string =>
  event?.type === 'final' ? Buffer.from(event.body as Uint8Array).toString() : '';
const orderOf = async (
  fleet: Awaited<ReturnType<typeof jobFleet>>,
  agent: { orders: readonly unknown[] },
) => {
  await fleet.until(() => agent.orders.length > 0);
};

for (const shard of [0, 1]) {
  test(`output, then the result byte for byte, from thread ${shard + 1}`, async (t) => {
    const fleet = await jobFleet(t, 2);
    let opened: Promise<unknown> = Promise.resolve();
    const agent = await fleet.agent('a', {
      shard,
      answer: async (order) => {
        // Real agents open both streams before they answer.
        const data = JSON.stringify(order);
        const [stdout, stderr] = await Promise.all([
          agent.session.offerChannel('stdout', data),
          agent.session.offerChannel('stderr', data),
        ]);
        const smile = Buffer.from('\ud83d\ude00');
        stdout.send(Buffer.concat([Buffer.from('test-'), smile.subarray(0, 2)]));
        stdout.send(Buffer.concat([smile.subarray(2), Buffer.from('output')]));
        stderr.send(Buffer.from('err'));
        opened = turn().then(() => {
          agent.session.tell('cmd_result', `${result(order)} `);
          stdout.end();
          stderr.end();
        });
        return { ok: true, payload: Buffer.from('{"Pid":1,"StartedAt":"2024-03-01T10:00:00Z"}') };
      },
    });
    const { id, outputs } = await fleet.start(['a'], { stream: true });
    const events = await collect(outputs);
    await opened;
    const partials = events.filter((event) => event.type === 'partial');
    const text = (stream: string) =>
      partials.map((event) => (event.stream === stream ? event.text : '')).join('');
    assert.equal(text('stdout'), 'test-\ud83d\ude00output');
    assert.equal(text('stderr'), 'err');
    assert.ok(partials.every((event) => !event.text.includes('\ufffd')));
    assert.equal(events.length, partials.length + 1);
    const [order] = agent.orders;
    assert.ok(order);
    assert.equal(order.stream_result, true);
    assert.equal(bodyOf(events.at(-1)), `${result(order)} `);
    await fleet.over(id);
    assert.equal(fleet.children(id)[0]?.status, 'successful');
  });
}

test('a listener that is slow holds up the stream, and nothing else', async (t) => {
  const fleet = await jobFleet(t, 2);
  const agent = await fleet.agent('a', { shard: 1 });
  const { id, outputs } = await fleet.start(['a'], { stream: true });
  await orderOf(fleet, agent);
  const [order] = agent.orders;
  assert.ok(order);
  const stdout = await agent.session.offerChannel('stdout', JSON.stringify(order));
  const total = 1024 * 1024;
  stdout.send(Buffer.alloc(total, 'x'));
  await fleet.until(() => stdout.uncredited === OUTPUT_WINDOW);
  for (let count = 0; count < 20; count++) await turn();
  assert.equal(stdout.uncredited, OUTPUT_WINDOW);
  assert.equal((await agent.session.deliver('ping', '')).ok, true);
  let taken = 0;
  while (taken < total) {
    const event = await outputs?.next();
    assert.equal(event?.type, 'partial');
    taken += event?.type === 'partial' ? event.text.length : 0;
  }
  assert.ok(stdout.mostUncredited <= OUTPUT_WINDOW);
  agent.report(order);
  stdout.end();
  assert.equal((await collect(outputs)).length, 1);
  await fleet.over(id);
});

test('a listener that goes away: output is read and dropped, results are stored', async (t) => {
  const fleet = await jobFleet(t, 2);
  const agent = await fleet.agent('a', { shard: 1 });
  const { id, outputs } = await fleet.start(['a'], { stream: true });
  await orderOf(fleet, agent);
  const [order] = agent.orders;
  assert.ok(order);
  const stdout = await agent.session.offerChannel('stdout', JSON.stringify(order));
  stdout.send(Buffer.alloc(OUTPUT_WINDOW, 'x'));
  await fleet.until(() => stdout.uncredited === OUTPUT_WINDOW);
  outputs?.close();
  stdout.send(Buffer.alloc(1024 * 1024, 'x'));
  await fleet.until(() => stdout.uncredited === 0);
  assert.equal(await outputs?.next(), null);
  agent.report(order);
  await fleet.over(id);
  assert.equal(fleet.children(id)[0]?.status, 'successful');
  // The agent still has something to say after its result.
  stdout.send(Buffer.alloc(1024 * 1024, 'x'));
  await fleet.until(() => stdout.uncredited === 0);
  stdout.end();
});

test('a thread with a listener that dies: its output is dropped, the agent goes on', async (t) => {
  const fleet = await jobFleet(t, 2);
  const agent = await fleet.agent('a', { shard: 1 });
  await fleet.start(['a'], { stream: true });
  await orderOf(fleet, agent);
  const stdout = await agent.session.offerChannel('stdout', JSON.stringify(agent.orders[0]));
  stdout.send(Buffer.alloc(1024 * 1024, 'x'));
  await fleet.until(() => stdout.uncredited === OUTPUT_WINDOW);
  fleet.shards[0]?.lose();
  await fleet.until(() => stdout.uncredited === 0);
});

test('channels for jobs that are not streamed, of others, or twice are refused', async (t) => {
  const fleet = await jobFleet(t);
  const agent = await fleet.agent('a', { answer: () => new Promise(() => undefined) });
  const other = await fleet.agent('b');
  const plain = await fleet.start(['b']);
  await fleet.until(() => fleet.children(plain.id).length === 1);
  const { outputs } = await fleet.start(['a'], { stream: true });
  await orderOf(fleet, agent);
  const [order] = agent.orders;
  const refused = (session: typeof agent.session, type: string, data: unknown) =>
    assert.rejects(session.offerChannel(type, typeof data === 'string' ? data : JSON.stringify(data)));
  await refused(other.session, 'stdout', order);
  await refused(other.session, 'stdout', other.orders[0]);
  await refused(agent.session, 'stdout', { jid: 'x' });
  await refused(agent.session, 'stdout', 'garbage');
  await refused(agent.session, 'stdin', order);
  const channel = await agent.session.offerChannel('stdout', JSON.stringify(order));
  await refused(agent.session, 'stdout', order);
  channel.end();
  outputs?.close();
});

test('clients that do not start and results that do not come end the stream as well', async (t) => {
  const fleet = await jobFleet(t);
  const silent = await fleet.agent('silent');
  const { id, outputs } = await fleet.start(['gone', 'silent'], { stream: true });
  const first = await outputs?.next();
  const failed = JSON.parse(String(first?.type === 'final' && first.body)) as Record<string, unknown>;
  assert.ok(String(first?.type === 'final' && first.body).endsWith('}\n'));
  assert.equal(failed.status, 'failed');
  assert.equal(failed.error, 'client is not connected');
  assert.equal(failed.multi_job_id, id);
  await fleet.until(() => fleet.children(id).length === 2);
  await fleet.passing(() => fleet.children(id).some(({ status }) => status === 'unknown'));
  const events = await collect(outputs);
  const lost = JSON.parse(String(events[0]?.type === 'final' && events[0].body)) as Record<string, unknown>;
  assert.equal(lost.status, 'unknown');
  assert.equal(events.length, 1);
  assert.equal(silent.orders.length, 1);
});

test('the more clients, the less of each may wait', () => {
  assert.equal(outputWindow(1), OUTPUT_WINDOW);
  assert.equal(outputWindow(256), OUTPUT_WINDOW);
  assert.equal(outputWindow(1024), OUTPUT_WINDOW / 4);
  assert.equal(outputWindow(1_000_000), 8 * 1024);
});
